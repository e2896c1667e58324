// One shift hands the desk to the next: what the other has to know, signed by both.

import { make } from "./dom.js";
import { language, moment } from "./words.js";

const texts = {
  ja: {
    page: "引き継ぎ", more: "渡す人が書き、受ける人が読んで署名します。二人の名前と時刻が監査記録に残ります",
    write: "次の当番に伝えること", hint: "続いている件、約束した電話、いつもと違うこと", give: "署名して渡す", again: "書き直して渡す", take: "読みました。署名して受け取る", none: "引き継ぎはまだありません",
    given: "渡した人", taken: "受けた人", nobody: "まだだれも受け取っていません", counts: (h) => `渡したとき　緊急 ${h.critical}・警告 ${h.warning}・注意 ${h.info}`,
    wait_other: "受け取るのは、別の人です。その人がこの画面にログインして署名します。", wait_notice: (who) => `${who} からの引き継ぎに、まだだれも署名していません`, wait_more: "「引き継ぎ」を開き、読んで署名します。",
  },
  en: {
    page: "Hand-over", more: "who leaves writes, who comes reads and signs; both names and times go into the audit log",
    write: "What the next shift has to know", hint: "what goes on, calls that were promised, what is not as usual", give: "Sign and hand over", again: "Write anew and hand over", take: "I have read it: sign and take over", none: "Nothing was handed over yet",
    given: "Given by", taken: "Taken by", nobody: "nobody has taken it yet", counts: (h) => `then: ${h.critical} critical, ${h.warning} warnings, ${h.info} notices`,
    wait_other: "Another person takes it: with an account of his own, on this page.", wait_notice: (who) => `Nobody has signed for the hand-over of ${who}`, wait_more: "Open \"Hand-over\", read it and sign.",
  },
};

export const shiftPageName = () => texts[language()].page;
export const untaken = (model) => model.handovers.find((h) => !h.taken) ?? null;
const mayHand = (me) => ["operator", "supervisor"].includes(me.role);

// [title, more] where one waits for somebody to sign; or null.
export function shiftTrouble(model) {
  const t = texts[language()];
  const one = untaken(model);
  return one && mayHand(model.me) && one.given_by !== model.me.name ? [t.wait_notice(one.given_by), t.wait_more] : null;
}

const oneLine = (id) => (document.getElementById(id)?.value ?? "").trim().replace(/\s*\n\s*/g, "　");

function form(model, act) {
  const t = texts[language()];
  const one = untaken(model);
  if (!mayHand(model.me) || (one && one.given_by !== model.me.name)) return null;
  const send = async (event) => {
    event.preventDefault();
    const done = await act.call("shifts/give", { text: oneLine("shift-text") });
    const field = document.getElementById("shift-text"); // a new one since then
    if (done && field) field.value = "";
  };
  return make("form.fields", { onsubmit: send },
    make("label", t.write, make("textarea", { id: "shift-text", rows: "4", maxlength: "160", placeholder: t.hint })),
    one ? make("p.sub", t.wait_other) : null,
    model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
    make("p.buttons", make("button.go", { type: "submit", id: "shift-give" }, one ? t.again : t.give)));
}

function row(handover, model, act) {
  const t = texts[language()];
  const mine = handover.given_by === model.me.name;
  const take = () => act.call("shifts/take", { id: String(handover.id), given: String(handover.given) });
  return make(`li.request${handover.taken ? "" : ".untaken"}`, make("p.words", handover.text),
    make("dl", make("dt", t.given), make("dd", `${handover.given_by}　${moment(handover.given, model.now)}　${t.counts(handover)}`),
      make("dt", t.taken), make(`dd${handover.taken ? "" : ".sure"}`, handover.taken ? `${handover.taken_by}　${moment(handover.taken, model.now)}` : t.nobody)),
    !handover.taken && !mine && mayHand(model.me)
      ? [model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null, make("p.buttons", make("button.go", { type: "button", id: `take-shift-${handover.id}`, onclick: take }, t.take))] : null);
}

export function shiftPage(model, act) {
  const t = texts[language()];
  return make("section.card", { "aria-label": t.page }, make("header", make("h2", t.page), make("small", t.more)), form(model, act),
    model.handovers.length ? make("ul.requests", model.handovers.map((h) => row(h, model, act))) : make("p.empty", t.none));
}
