// What needs two roles: asked for by one, decided by one of another role.

import { make } from "./dom.js";
import { language, moment, words } from "./words.js";

const texts = {
  ja: {
    title: "二つの役割の承認", more: "頼んだ人とは別の役割の人が判断します。1 日で無効になります。", ask: "新しく頼む", none: "依頼はありません",
    kinds: { revoke_many: "まとめて失効", export: "登録簿の持ち出し" }, states: { open: "判断待ち", working: "承認（実行中）", approved: "承認", refused: "却下", taken: "承認（受け取り済み）" },
    what: "内容", reason: "理由", asked: "頼んだ人", decided: "判断", sticks: (list) => `${list.length} 本：${list.slice(0, 6).join(" ")}${list.length > 6 ? " …" : ""}`,
    approve: "承認する", refuse: "却下する", take: "受け取る（1 回だけ）", kind: "頼むこと", list: "スティックの番号（空白で区切る）", send: "頼む",
    sure: (count) => `${count} 本を失効させます。戻せません。`,
  },
  en: {
    title: "Approval by two roles", more: "Somebody of another role than who asked decides, within a day.", ask: "Ask for something", none: "Nothing was asked for",
    kinds: { revoke_many: "Revoke many", export: "Take the registry out" }, states: { open: "waiting", working: "approved, being carried out", approved: "approved", refused: "refused", taken: "approved, and taken" },
    what: "What", reason: "Why", asked: "Asked by", decided: "Decided", sticks: (list) => `${list.length}: ${list.slice(0, 6).join(" ")}${list.length > 6 ? " …" : ""}`,
    approve: "Approve", refuse: "Refuse", take: "Take it (once)", kind: "What", list: "The sticks' numbers, with blanks between", send: "Ask",
    sure: (count) => `${count} sticks will be revoked, for good.`,
  },
};

export const waiting = (model) => model.requests.filter((r) => r.state === "open").length;
const mayAsk = (me) => ["operator", "supervisor", "bank_it"].includes(me.role);
const mayDecide = (me) => ["supervisor", "bank_it"].includes(me.role);
const listOf = (request) => request.sticks.split(" ").filter(Boolean);

async function take(request, act) {
  const done = await act.call("requests/export", { id: String(request.id) });
  if (!done) return;
  const link = make("a", { href: URL.createObjectURL(new Blob(["\ufeff", done.csv], { type: "text/csv" })), download: `sekisho-${request.id}.csv` });
  link.click();
  URL.revokeObjectURL(link.href);
}

function buttons(request, model, act) {
  const t = texts[language()];
  const decide = (verdict) => () => act.call("requests/decide", { id: String(request.id), verdict, text: "" });
  const own = request.asked_by === model.me.name;
  if (request.state === "open" && mayDecide(model.me) && !own)
    return make("p.buttons", make("button.go", { type: "button", id: `approve-${request.id}`, onclick: decide("approve") }, t.approve), make("button.plain", { type: "button", id: `refuse-${request.id}`, onclick: decide("refuse") }, t.refuse));
  if (request.kind === "export" && request.state === "approved" && own)
    return make("p.buttons", make("button.go", { type: "button", id: `take-out-${request.id}`, onclick: () => take(request, act) }, t.take));
  return null;
}

function row(request, model, act) {
  const t = texts[language()];
  const sticks = listOf(request);
  return make("li.request", make("div", make("b", `${t.kinds[request.kind] ?? request.kind}`), make("span.sub", ` ${request.id}　${t.states[request.state] ?? request.state}`)),
    make("dl", sticks.length ? [make("dt", t.what), make("dd", t.sticks(sticks), request.state === "open" ? make("b.sure", ` ${t.sure(sticks.length)}`) : null)] : null,
      make("dt", t.reason), make("dd", request.reason), make("dt", t.asked), make("dd", `${request.asked_by}　${moment(request.asked, model.now)}`),
      request.decided ? [make("dt", t.decided), make("dd", `${request.decided_by}　${moment(request.decided, model.now)}`)] : null),
    buttons(request, model, act));
}

export function requestsPage(model, act) {
  const t = texts[language()];
  return make("section.card", make("header", make("h2", t.title), make("small", t.more), make("span.push"),
    mayAsk(model.me) ? make("button.go", { type: "button", id: "request-new", onclick: () => act.open("request") }, t.ask) : null),
    model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
    model.requests.length ? make("ul.requests", model.requests.map((r) => row(r, model, act))) : make("p.empty", t.none));
}

const valueOf = (id) => document.getElementById(id).value.trim();

export function requestDialog(model, act) {
  const t = texts[language()];
  const send = async (event) => {
    event.preventDefault();
    const kind = valueOf("request-kind");
    if (await act.call("requests/ask", { kind, reason: valueOf("request-reason"), sticks: kind === "revoke_many" ? valueOf("request-sticks") : "" })) act.close();
  };
  return make("dialog", { "aria-label": t.ask, onclose: act.closed },
    make("header", make("h2", t.ask), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, words().close)),
    make("form.fields", { onsubmit: send },
      make("label", t.kind, make("select", { id: "request-kind", autofocus: true }, Object.entries(t.kinds).map(([value, text]) => make("option", { value }, text)))),
      make("label", t.list, make("textarea", { id: "request-sticks", rows: "3", maxlength: "33000" })),
      make("label", t.reason, make("input", { id: "request-reason", required: true, maxlength: "160" })),
      model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
      make("p.buttons", make("button.go", { type: "submit", id: "request-send" }, t.send))));
}
