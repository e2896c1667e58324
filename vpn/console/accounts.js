// Who may log in, and as what.

import { make } from "./dom.js";
import { language, moment, words } from "./words.js";

const texts = {
  ja: {
    title: "利用者", more: "パスワードと二段階認証の秘密は、作ったときに一度だけ見えます", add: "利用者を作る", name: "名前", role: "役割", second: "二段階認証", yes: "あり", no: "なし", none: "監督者と監査人だけが見られます。",
    roles: { operator: "オペレーター", supervisor: "監督者", bank_it: "銀行 IT", auditor: "監査人" }, disabled: "停止中", locked: (time) => `${time} までロック`, you: "（自分）",
    password: "新しいパスワード", second_new: "新しい二段階認証", disable: "停止", enable: "再開", unlock: "ロックを解く", send: "作る",
    secret: "一度だけ見えます。本人に手渡してください。", secret_of: (name) => `${name} の秘密`, secret_key: "認証アプリに入れる鍵", secret_password: "パスワード",
    half: "二段階認証は、ほかの監督者が渡します。パスワードを渡した人は作れません。",
  },
  en: {
    title: "Accounts", more: "passwords and second factors are shown once, when they are made", add: "Make an account", name: "Name", role: "Role", second: "Second factor", yes: "yes", no: "no", none: "Supervisors and auditors see this.",
    roles: { operator: "operator", supervisor: "supervisor", bank_it: "bank IT", auditor: "auditor" }, disabled: "switched off", locked: (time) => `locked until ${time}`, you: " (you)",
    password: "New password", second_new: "New second factor", disable: "Switch off", enable: "Switch on", unlock: "Unlock", send: "Make",
    secret: "Shown this once. Hand it to its owner yourself.", secret_of: (name) => `The secrets of ${name}`, secret_key: "Key for the authenticator", secret_password: "Password",
    half: "Another supervisor gives it its second factor: who gave the password cannot.",
  },
};

export const roleName = (role) => texts[language()].roles[role] ?? role;

function row(account, model, act) {
  const t = texts[language()];
  const own = account.name === model.me.name;
  const simple = (what) => () => act.call(`accounts/${what}`, { name: account.name });
  const secret = (what) => async () => {
    const given = await act.call(`accounts/${what}`, { name: account.name });
    if (given) act.secret(given);
  };
  const button = (what, text, run) => make("button.plain", { type: "button", id: `${what}-${account.name}`, onclick: run }, text);
  return make("tr.still",
    make("td", make("span.who", `${account.name}${own ? t.you : ""}`)), make("td", roleName(account.role)),
    make("td", account.second_factor ? t.yes : make("span.old", t.no)),
    make("td", account.disabled ? make("span.old", t.disabled) : "", account.locked ? make("span.old", t.locked(moment(account.locked, model.now))) : ""),
    make("td", model.me.role !== "supervisor" || own ? "" : make("span.buttons", button("password", t.password, secret("password")), button("second-factor", t.second_new, secret("second-factor")),
      account.locked ? button("unlock", t.unlock, simple("unlock")) : null, account.disabled ? button("enable", t.enable, simple("enable")) : button("disable", t.disable, simple("disable")))));
}

export function accountsPage(model, act) {
  const t = texts[language()];
  const sees = ["supervisor", "auditor"].includes(model.me.role);
  return make("section.card", make("header", make("h2", t.title), make("small", t.more), make("span.push"),
    model.me.role === "supervisor" ? make("button.go", { type: "button", id: "account-new", onclick: () => act.open("account") }, t.add) : null),
    model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
    sees ? make("div.scroll", make("table", make("thead", make("tr", [t.name, t.role, t.second, "", ""].map((h) => make("th", { scope: "col" }, h)))), make("tbody", model.accounts.map((a) => row(a, model, act)))))
      : make("p.empty", t.none));
}

const valueOf = (id) => document.getElementById(id).value.trim();

export function accountDialog(model, act) {
  const t = texts[language()];
  const send = async (event) => {
    event.preventDefault();
    const given = await act.call("accounts/add", { name: valueOf("account-name"), role: valueOf("account-role") });
    if (given) act.secret(given);
  };
  return make("dialog", { "aria-label": t.add, onclose: act.closed },
    make("header", make("h2", t.add), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, words().close)),
    make("form.fields", { onsubmit: send },
      make("label", t.name, make("input", { id: "account-name", required: true, maxlength: "32", autocomplete: "off", autofocus: true })),
      make("label", t.role, make("select", { id: "account-role" }, Object.entries(t.roles).map(([value, text]) => make("option", { value }, text)))),
      model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
      make("p.buttons", make("button.go", { type: "submit", id: "account-send" }, t.send))));
}

export function secretDialog(model, act) {
  const t = texts[language()];
  const given = model.secret;
  if (!given) return null;
  return make("dialog", { "aria-label": t.secret_of(given.name), onclose: act.closed },
    make("header", make("h2", t.secret_of(given.name)), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, words().close)),
    make("p.todo.tone-stale", make("b", t.secret)),
    given.password && !given.secret ? make("p", { id: "secret-half" }, t.half) : null,
    make("dl.facts.secret", given.password ? make("div", make("dt", t.secret_password), make("dd.mono", given.password)) : null, given.secret ? make("div", make("dt", t.secret_key), make("dd.mono", given.secret)) : null));
}
