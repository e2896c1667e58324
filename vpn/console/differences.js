// Where a stick and the gateway judged differently. Both hold the same policy, so that is never a customer's doing: it
// is an altered stick, or a fault here. What it means and what to do comes in words.

import { icon, make } from "./dom.js";
import { language } from "./words.js";

const texts = {
  ja: {
    headline: (count) => `${count} 本のスティックとゲートウェイの判断が食い違っています`,
    headline_more: "下の説明のとおりに対応します。ゲートウェイは止めました。銀行には届いていません。",
    let_out: "スティックが、自分のホワイトリストで禁じられた通信を外に出しました",
    let_out_more: "ゲートウェイが止めたので、届いていません。正しいスティックでは起きません。改造や乗っ取りの疑いがあります。",
    let_out_todo: "お客様に電話し、電源を切り、使わずに返送していただきます。ゲートウェイで sekisho gateway stick revoke を使って失効させます。",
    held_up: "スティックが許された通信を、ゲートウェイが止めました",
    held_up_more: "お客様の画面では銀行のページの一部が開きません。",
    held_up_todo: "何本も同時なら、ゲートウェイの故障です。systemctl status sekisho-resolver sekisho-proxy と、名前解決の上流を確かめます。1 本だけなら、改造の疑いとしてお客様に電話します。",
    asked: "スティックが、どの銀行のものでもない名前を問い合わせました",
    asked_more: "ゲートウェイは答えを返さず、外へも問い合わせていません。銀行の名前が、銀行のあり得ないアドレスを指しているときにも、こう数えます。",
    asked_todo: "何本も同時なら、銀行の名前の登録と、名前解決の上流を確かめます。1 本だけなら、改造の疑いとしてお客様に電話します。",
    versions: "ポリシーの版がゲートウェイと違うスティックがあります。まず 1 分待ち、同じ版になっても続くかを確かめます。",
    todo: "すること",
  },
  en: {
    headline: (count) => (count === 1 ? "One stick and the gateway disagree" : `${count} sticks and the gateway disagree`),
    headline_more: "Do as is said below. The gateway stopped it: nothing of it reached anybody.",
    let_out: "A stick let out what its own whitelist forbids",
    let_out_more: "The gateway stopped it. A genuine stick never does that: it may have been altered or taken over.",
    let_out_todo: "Call the customer: switch it off, do not use it, send it back. Revoke it on the gateway with sekisho gateway stick revoke.",
    held_up: "The gateway stopped what a stick's whitelist allows",
    held_up_more: "Parts of the bank's page do not open on the customer's screen.",
    held_up_todo: "If there are several at once, it is a fault here: systemctl status sekisho-resolver sekisho-proxy, and the upstream resolver. If there is only one, treat it as altered and call the customer.",
    asked: "A stick asked for a name that is no bank's",
    asked_more: "The gateway gave no answer and asked nobody else. A bank's name that leads to an address no bank can have is counted in the same way.",
    asked_todo: "If there are several at once, check the bank's names and the upstream resolver. If there is only one, treat it as altered and call the customer.",
    versions: "One of them has another version of the policy than the gateway. First wait for a minute and see whether it goes on with the same version.",
    todo: "To do",
  },
};

const differing = (sticks) => sticks.filter((s) => s.differs);

// For the headline; null where there is none.
export function disagreement(model) {
  const t = texts[language()];
  const count = differing(model.fleet.sticks).length;
  return count ? ["lost", t.headline(count), t.headline_more] : null;
}

// What to do about this stick, before anything else; undefined where it agrees.
export const differenceToDo = (stick) => texts[language()][`${stick.differs}_todo`];

// One notice for each meaning, with the sticks it is about.
export function differences(model, act) {
  const t = texts[language()];
  return ["let_out", "asked", "held_up"].map((meaning) => {
    const sticks = differing(model.fleet.sticks).filter((s) => s.differs === meaning);
    if (!sticks.length) return null;
    const versions = sticks.some((s) => s.policy_version !== model.fleet.policy_version);
    return make(`section.notice.difference.tone-${meaning === "let_out" ? "lost" : "stale"}`, { role: "alert" }, icon("quarantined"), make("div", make("b", t[meaning]), t[`${meaning}_more`],
      make("p", make("b", t.todo), versions ? `${t.versions} ` : null, t[`${meaning}_todo`]),
      make("p", sticks.slice(0, 12).map((s) => make("button.plain", { type: "button", id: `differs-${s.id}`, onclick: () => act.stick(s.id) }, `${s.name || s.id} ${s.name ? s.id : ""}`)))));
  }).filter(Boolean);
}
