// The log-in page.

import * as api from "./api.js";
import { make } from "./dom.js";
import { switchLanguage, words } from "./words.js";

// why: "ended" if a session was there and is no more.
export function showGate(app, entered, why = "") {
  const w = words();
  const wrong = make("p.wrong", { role: "alert" }, why ? w[why] : null);
  const name = make("input", { name: "name", autocomplete: "username", required: true, value: "operator" });
  const password = make("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const code = make("input", { name: "code", autocomplete: "one-time-code", inputmode: "numeric", maxlength: "6", pattern: "[0-9]{6}" });
  const go = make("button.go", { type: "submit" }, w.log_in);
  const submit = async (event) => {
    event.preventDefault();
    go.disabled = true;
    const answer = await api.logIn(name.value.trim(), password.value.trim(), code.value.trim());
    go.disabled = false;
    if (answer.status === 200) return entered();
    wrong.textContent = answer.status === 429 ? w.wait(answer.wait) : answer.status === 0 ? w.unreachable : w.wrong;
    password.value = code.value = "";
    password.focus();
  };
  const turn = () => {
    switchLanguage();
    showGate(app, entered, why);
  };
  document.title = `${w.title} - ${w.log_in}`;
  app.replaceChildren(
    make("div.gate", make("form", { onsubmit: submit },
      make("div.row", make("img", { src: "icon.svg", alt: "" }), make("button.plain", { type: "button", onclick: turn }, w.language)),
      make("h1", `関所 Sekisho ${w.desk}`),
      make("label", w.name, name), make("label", w.password, password), make("label", w.code, code), wrong, go)));
  password.focus();
}
