// The keyboard: one table, from which the help is drawn as well.

import { make } from "./dom.js";
import { language } from "./words.js";

const focus = (selector) => document.querySelector(selector)?.focus();

// The card after or before the one that has the focus.
function step(by) {
  const cards = [...document.querySelectorAll(".alarm")];
  const at = cards.indexOf(document.activeElement?.closest(".alarm"));
  cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.max(0, Math.min(cards.length - 1, at + by))]?.focus();
}

const focused = () => document.activeElement?.closest(".alarm")?.id.replace("alarm-", "");

export const KEYS = [
  { key: "j", run: () => step(1), ja: "次のアラーム", en: "the next alarm" },
  { key: "k", run: () => step(-1), ja: "前のアラーム", en: "the one before" },
  { key: "Enter", run: () => document.activeElement?.click(), ja: "選んだアラームやスティックを開く", en: "open the alarm or stick that is chosen" },
  { key: "a", run: (model, act) => focused() && act.call("alarms/acknowledge", { id: focused() }), ja: "選んだアラームを引き受ける", en: "take the alarm that is chosen" },
  { key: "/", run: () => focus("#search"), ja: "スティックを探す", en: "search for a stick" },
  { key: "1", run: (model, act) => act.page("desk"), ja: "監視", en: "watch" },
  { key: "2", run: (model, act) => act.page("requests"), ja: "承認", en: "approvals" },
  { key: "3", run: (model, act) => act.page("accounts"), ja: "利用者", en: "accounts" },
  { key: "4", run: (model, act) => act.page("shift"), ja: "引き継ぎ", en: "hand-over" },
  { key: "d", run: (model, act) => act.theme(), ja: "明るい画面、暗い画面、自動", en: "light, dark, or as the system has it" },
  { key: "s", run: (model, act) => act.sound(), ja: "アラームの音を入れる、切る", en: "the alarms' sound on or off" },
  { key: "l", run: (model, act) => act.turn(), ja: "日本語と英語を切り替える", en: "Japanese or English" },
  { key: "?", run: (model, act) => act.open("keys"), ja: "この一覧", en: "this list" },
];

const texts = { ja: ["キーボード", "閉じる", "Esc", "開いているものを閉じる"], en: ["Keyboard", "Close", "Esc", "close what is open"] };

export function keysDialog(model, act) {
  const [title, close, escape, escapes] = texts[language()];
  return make("dialog", { "aria-label": title, onclose: act.closed },
    make("header", make("h2", title), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, close)),
    make("dl.keys", KEYS.map((row) => [make("dt", make("kbd", row.key)), make("dd", row[language()])]), make("dt", make("kbd", escape)), make("dd", escapes)));
}
