// The runbook beside each alarm: what to do, step by step, in the order a tired person does it.

import { make } from "./dom.js";
import { language } from "./words.js";

const books = {
  ja: {
    title: "手順",
    duress: ["引き受けます。お客様には電話しません。画面にも出しません。", "監督者を起こします。", "取り決めた連絡先に、スティックの番号、接続元、時刻を伝えます。", "指示があるまで失効させません。失効させると、脅している人に分かります。", "経過を書き残し、監督者の確認を得て閉じます。"],
    copied: ["引き受け、スティックのページで 2 か所の接続元と時刻を見ます。", "登録された電話番号で持ち主に電話し、手元にあるかを確かめます。", "手元になければ失効させます。あっても、新しいスティックへの交換を勧めます。", "銀行 IT に、どちらの接続元が本人かを伝えます。", "理由を書いて閉じます。"],
    attack: ["引き受け、できごとにある「示された鍵」を控えます。", "お客様に電話し、その銀行をいまは使わないよう頼みます。", "銀行に鍵を伝え、本物か、証明書を替えたところかを確かめます。", "本物なら銀行 IT が新しいピンに署名します。違えば監督者に上げ、通報します。", "分かったことを書いて閉じます。"],
    let_out: ["引き受け、お客様に電話して電源を切っていただきます。", "使わずに返送するよう頼みます。", "失効させます。", "監督者に伝え、理由を書いて閉じます。"],
    killed: ["引き受け、見ていた銀行と時刻を控えます。", "お客様に電話し、電源を切っていただきます。", "監督者に渡します。同じ銀行で続くなら、銀行に伝えます。", "分かったことを書いて閉じます。"],
    line: ["引き受けます。1 本ずつ電話しません。", "回線事業者の障害情報と、地域の停電情報を見ます。", "見つかったら、復旧の見込みを書き残し、その時刻まで棚に上げます。", "銀行を開いていたお客様には、復旧のあとで電話し、振込を確かめます。", "見つからないまま 30 分たったら監督者に上げます。"],
    gateway: ["引き受け、監督者を起こします。お客様に電話しません。", "ゲートウェイで systemctl status sekisho-gateway と journalctl -u sekisho-gateway を見ます。", "上流の回線と電源を確かめます。", "直らなければ、このゲートウェイを空にし、別のゲートウェイに移します。", "経過を書き残します。"],
    version: ["引き受け、このイメージを銀行 IT に伝えます。", "配布を止めてもらいます。", "前の版に戻すかを銀行 IT が決めます。決まるまで棚に上げます。", "経過を書き残します。"],
    one: ["引き受けます。", "カードの「すること」を行います。電話するときは、登録された番号にかけます。", "分かったことを書き残します。", "すぐに終わらないなら、終わりの時刻を決めて棚に上げるか、担当を頼みます。"],
  },
  en: {
    title: "Runbook",
    duress: ["Take it. Do not call the customer; the stick's screen shows nothing.", "Wake the supervisor.", "Tell the agreed contact the stick's number, where it is connected from, and when.", "Do not revoke it until you are told to: whoever threatens would know.", "Write down what happened; close it when the supervisor agrees."],
    copied: ["Take it, and look at the two places and times on the stick's page.", "Call the owner at the registered number: is the stick still there?", "If it is not, revoke it. If it is, offer a new one all the same.", "Tell bank IT which of the places was the owner's.", "Close it with the reason."],
    attack: ["Take it, and note the keys presented (in the events).", "Call the customer: leave that bank alone for now.", "Give the bank the keys: are they its own, has it just changed its certificate?", "If so, bank IT signs new pins. If not, call the supervisor and report it.", "Close it with what you found."],
    let_out: ["Take it; call the customer: switch it off.", "Ask to have it sent back, unused.", "Revoke it.", "Tell the supervisor, and close it with the reason."],
    killed: ["Take it; note which bank was open, and when.", "Call the customer: switch it off.", "Hand it to the supervisor. If one bank repeats, tell that bank.", "Close it with what you found."],
    line: ["Take it. Do not call one by one.", "Look at the line providers' outage pages, and at power cuts in the region.", "If you find it: note when it should be over, and shelve it until then.", "Call those who had a bank open once the line is back: was a transfer under way?", "If you have found nothing after 30 minutes, call the supervisor."],
    gateway: ["Take it, and wake the supervisor. Call no customer.", "On the gateway: systemctl status sekisho-gateway, journalctl -u sekisho-gateway.", "Check its uplink and its power.", "If it does not come back: empty this gateway, so that the sticks go to another.", "Write down what happened."],
    version: ["Take it, and tell bank IT which image it is.", "Have its roll-out stopped.", "Bank IT decides whether to go back. Shelve it until then.", "Write down what happened."],
    one: ["Take it.", "Do what \"To do\" says. Call the registered number, no other.", "Write down what you found.", "If it takes longer: shelve it until a time, or give it to somebody."],
  },
};

export function runbook(kind, scope) {
  const t = books[language()];
  const steps = t[kind] && kind !== "title" ? t[kind] : scope === "gateway" || scope === "version" ? t[scope] : scope === "network" || scope === "region" ? t.line : t.one;
  return make("details.runbook", { open: true }, make("summary", t.title), make("ol", steps.map((step) => make("li", step))));
}
