// This gateway emptied for maintenance: who is still here, and the dialog that begins or ends it.

import { make } from "./dom.js";
import { language, moment } from "./words.js";

const texts = {
  ja: {
    title: "このゲートウェイを空にする", begin: "空にする", end: "再び開く", close: "閉じる", minutes: "何分で", reason: "理由（監査記録に残ります）",
    more: "新しい銀行は開かなくなり、スティックはほかのゲートウェイへ順に移ります。銀行を開いている人は、閉じたとき、または時間が来たときに移ります。",
    on: (time) => `このゲートウェイを空にしています（${time} まで）`, left: (sticks, banks) => `まだ ${sticks} 本が入場中、うち銀行を開いているのは ${banks} 本です。点検が終わったら、再び開いてください。`,
  },
  en: {
    title: "Empty this gateway", begin: "Empty it", end: "Open it again", close: "Close", minutes: "Within minutes", reason: "Reason (kept in the audit log)",
    more: "No bank is opened here any more, and the sticks go to the other gateways, one after the other. Who has a bank open goes when it is closed, or when the time is over.",
    on: (time) => `This gateway is being emptied (until ${time})`, left: (sticks, banks) => `${sticks} sticks are still here, ${banks} of them with a bank open. Open it again when the work is done.`,
  },
};

export const mayDrain = (me) => me.role === "supervisor";

export function drainButton(model, act) {
  return mayDrain(model.me) ? make("button.plain", { type: "button", id: "drain", onclick: () => act.open("drain") }, texts[language()][model.fleet.drain_until ? "end" : "title"]) : null;
}

// [title, what is still here], or null where it is not being emptied.
export function drainNotice(model) {
  const { fleet } = model;
  const t = texts[language()];
  const here = fleet.sticks.filter((s) => s.admitted);
  return fleet.drain_until ? [t.on(moment(fleet.drain_until, model.now)), t.left(here.length, here.filter((s) => s.banks.length).length)] : null;
}

const valueOf = (id) => document.getElementById(id)?.value.trim() ?? "";

export function drainDialog(model, act) {
  const t = texts[language()];
  const on = model.fleet.drain_until > 0;
  const send = async (event) => {
    event.preventDefault();
    const fields = on ? { reason: valueOf("drain-reason") } : { reason: valueOf("drain-reason"), minutes: valueOf("drain-minutes") };
    if (await act.call(on ? "gateway/open" : "gateway/drain", fields)) act.close();
  };
  return make("dialog", { "aria-label": t.title, onclose: act.closed },
    make("header", make("h2", t.title), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, t.close)),
    make("p.sub", on ? drainNotice(model).join("　") : t.more),
    make("form.handle", { onsubmit: send },
      on ? null : make("label", t.minutes, make("input", { id: "drain-minutes", type: "number", min: "1", max: "1440", value: "10" })),
      make("label", t.reason, make("input", { id: "drain-reason", maxlength: "160" })),
      model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
      make("p.buttons", make("button.go", { type: "submit", id: "drain-go" }, on ? t.end : t.begin))));
}
