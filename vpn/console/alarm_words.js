// The words of alarms. `own` is what to do about one stick where its state does not say it.

import { language } from "./words.js";

// "region:大阪" → ["region", "大阪"]
export function subjectOf(alarm) {
  const at = alarm.subject.indexOf(":");
  return at < 0 ? [alarm.subject, ""] : [alarm.subject.slice(0, at), alarm.subject.slice(at + 1)];
}

const ja = {
  severity: { critical: "緊急", warning: "警告", info: "注意" },
  subject: {
    gateway: (value, count) => `ゲートウェイ全体で ${count} 本`,
    version: (value, count) => `イメージ ${value} の ${count} 本`,
    network: (value, count) => `同じ回線網（${value}）の ${count} 本`,
    region: (value, count) => `${value}の ${count} 本`,
  },
  what: {
    exercise: "【訓練】実際には何も起きていません。訓練の内容は記録にあります",
    duress: "助けを呼ぶ暗証番号で入場した", copied: "使用済みの入場券が出された：同じ鍵を持つスティックが 2 本ある", attack: "銀行になりすました相手がいるかもしれない",
    let_out: "スティックが、自分のホワイトリストで禁じられた通信を外に出した", held_up: "スティックが許された通信を、ゲートウェイが止めた",
    broke_off: "同時に途切れた（トンネルも報告も止まった）", silent: "報告だけが止まった（トンネルは生きている）",
    image_unknown: "登録されたどのイメージとも違う", image_old: "イメージが許可の下限より古い", locked: "暗証番号を 5 回まちがえた", not_ready: "登録が足りず、入場できない",
    killed: "スティックの中で、許されないことをした部品が止められた",
  },
  own: {
    exercise: "【訓練】実際と同じ順に動き、終わったら分かったことを書いて閉じます。お客様と銀行には電話しません。",
    duress: "お客様に電話しません。画面には何も出ていません。監督者に知らせ、取り決めた手順どおりに通報します。",
    copied: "持ち主に電話し、スティックが手元にあるかを確かめます。新しいものに替え、これは失効させるのが確実です。",
    attack: "お客様に電話し、その銀行をいまは使わないよう頼みます。できごとの「示された鍵」を銀行に伝え、本物かを確かめます。",
    let_out: "お客様に電話し、電源を切り、使わずに返送していただきます。そのあと失効させます。",
    held_up: "ゲートウェイで systemctl status sekisho-resolver sekisho-proxy と、名前解決の上流を確かめます。1 本だけなら改造の疑いとして電話します。",
    killed: "お客様に電話し、電源を切っていただきます。銀行のページが攻撃していた疑いがあります。見ていた銀行と時刻を書き残し、監督者に渡します。",
  },
  todo_ended: "原因はなくなりました。することはありません。10 分続けば、ひとりでに閉じます。",
  todo_person: "原因はなくなりましたが、確かめるまで閉じません。お客様と話し、分かったことを理由に書いて閉じます。",
  todo_many: {
    broke_off: {
      gateway: "お客様に電話しません。ゲートウェイの回線と本体を先に確かめます：systemctl status sekisho-gateway、上流の回線、電源。監督者を起こします。",
      network: "1 本ずつ電話せず、その回線事業者の障害情報を確かめます。銀行との通信はすべて止まっています。",
      region: "1 本ずつ電話せず、まず回線事業者の障害情報と停電情報を確かめます。銀行との通信はすべて止まっています。",
    },
    silent: { gateway: "ゲートウェイの制御 API が答えるかを確かめます：journalctl -u sekisho-gateway。", version: "このイメージの不具合の疑いがあります。銀行 IT に伝え、配布を止めてもらいます。" },
    image_unknown: { version: "新しいイメージの登録漏れの疑いがあります。銀行 IT に確かめます。改造の疑いが晴れるまで登録しません。" },
    held_up: { gateway: "ゲートウェイの故障です。systemctl status sekisho-resolver sekisho-proxy と、名前解決の上流を確かめます。" },
    attack: { gateway: "複数のスティックで同じことが起きています。銀行が証明書を替えた直後かを、先に銀行に確かめます。" },
    other: {
      gateway: "1 本ずつ電話せず、共通の原因を先に探します。監督者に知らせます。", version: "同じイメージに共通の原因があります。銀行 IT に伝えます。",
      network: "同じ回線網に共通の原因があります。事業者の情報を確かめます。", region: "同じ地域に共通の原因があります。地域の情報を確かめます。",
    },
  },
  sticks: (count) => `${count} 本`,
  exercise: "訓練 EXERCISE", exercise_new: "訓練を始める", exercise_more: "訓練のアラームは、どこに出ても「訓練 EXERCISE」と付き、本物の件数に入りません。", exercise_text: "訓練の内容", exercise_severity: "重さ",
  number: (id) => `アラーム ${id}`,
  is_shelved: (who, time) => `${time} まで棚の上（${who}）。時間が来るか、重くなれば、新しいものとして戻ります`, shelve: "棚に上げる（理由を書く）", unshelve: "棚から下ろす", shelf_minutes: "何分",
  shelf_ones: (count) => `棚の上 ${count}`, none_shelf: "棚の上には何もありません",
  standing: "担当", is_new: "まだだれも引き受けていません", is_escalated: "引き受ける人がないまま時間が過ぎました。監督者を呼びます", is_taken: (who) => `${who} が対応中`, is_given: (who) => `${who} に頼んだ（まだ引き受けていない）`,
  is_ended: "原因はなくなりました", is_closed: (who) => `閉じました${who ? `（${who}）` : ""}`,
  now_many: "いま", most: "最大", open: "くわしく", take: "引き受ける", comment: "書き残す", close: "閉じる（理由を書く）", give: "頼む", give_to: "担当",
  text: "コメント、または閉じる理由", text_hint: "だれと話し、何が分かったか",
  open_ones: (count) => `対応中 ${count}`, closed_ones: "終わったもの", none: "対応が必要なものはありません", none_closed: "終わったアラームはまだありません", gone: "このアラームはもうありません",
  done: "この件の記録", itself: "自動",
  note: { shelved: "棚に上げました（分：理由）", unshelved: "棚から戻りました", opened: "開きました", ended: "原因がなくなりました", returned: "また起きました", folded: "同じ原因のアラームにまとめました", closed_itself: "ひとりでに閉じました", escalated: "引き受ける人がなく、監督者に上げました", acknowledged: "引き受けました", assigned: "担当を決めました", comment: "書き残しました", closed: "閉じました" },
};

const en = {
  severity: { critical: "Critical", warning: "Warning", info: "Notice" },
  subject: {
    gateway: (value, count) => `${count} sticks of the whole gateway`,
    version: (value, count) => `${count} sticks with image ${value}`,
    network: (value, count) => `${count} sticks in one network (${value})`,
    region: (value, count) => `${count} sticks in ${value}`,
  },
  what: {
    exercise: "EXERCISE: nothing is wrong. What is practised stands in the notes",
    duress: "admitted by the PIN that calls for help", copied: "a used token was shown: two hold its keys", attack: "somebody may be posing as a bank",
    let_out: "it let out what its own whitelist forbids", held_up: "the gateway stopped what its whitelist allows",
    broke_off: "broke off together, tunnel and reports", silent: "stopped reporting, though the tunnel lives",
    image_unknown: "an image that is none of the registered ones", image_old: "an image below the oldest that is admitted", locked: "five wrong PINs", not_ready: "not fully registered, so not admitted",
    killed: "a part of the stick was stopped for doing what it may not",
  },
  own: {
    exercise: "EXERCISE: act as if it were real, and close it with what you learned. Call no customer and no bank.",
    duress: "Do not call the customer: the screen shows nothing. Tell the supervisor, and report it as agreed.",
    copied: "Call the owner: is the stick still there? Best give a new one and revoke this.",
    attack: "Call the customer: leave that bank alone for now. Give the bank the keys presented (see the events) and ask whether they are its own.",
    let_out: "Call the customer: switch it off, do not use it, send it back. Then revoke it.",
    held_up: "On the gateway: systemctl status sekisho-resolver sekisho-proxy, and the upstream resolver. If it is one stick alone, treat it as altered and call.",
    killed: "Call the customer: switch it off. A bank's page may have attacked it. Note which bank and when, and hand it to the supervisor.",
  },
  todo_ended: "Its cause is gone. Nothing to do: it closes by itself after ten minutes.",
  todo_person: "Its cause is gone, but somebody has to answer for it: find out what it was, and close it with what you found.",
  todo_many: {
    broke_off: {
      gateway: "Call no customer. See to the gateway's own line and machine first: systemctl status sekisho-gateway, its uplink, its power. Wake the supervisor.",
      network: "Do not call one by one. Check that provider's outage page. All traffic to banks has stopped.",
      region: "Do not call one by one. Check the line providers' outage pages and power cuts first. All traffic to banks has stopped.",
    },
    silent: { gateway: "Does the gateway's control API answer? journalctl -u sekisho-gateway.", version: "This image is suspect. Tell bank IT, and have its roll-out stopped." },
    image_unknown: { version: "Perhaps a new image was not registered. Ask bank IT. Do not register it until you know that nobody altered it." },
    held_up: { gateway: "It is a fault here: systemctl status sekisho-resolver sekisho-proxy, and the upstream resolver." },
    attack: { gateway: "Several sticks say the same. Ask the bank first whether it has just changed its certificate." },
    other: {
      gateway: "Do not call one by one: look for what they share. Tell the supervisor.", version: "They share an image. Tell bank IT.",
      network: "They share a network. Check the provider.", region: "They share a region. Check what is known of it.",
    },
  },
  sticks: (count) => (count === 1 ? "1 stick" : `${count} sticks`),
  exercise: "EXERCISE 訓練", exercise_new: "Start an exercise", exercise_more: "An exercise is marked EXERCISE wherever it appears, and is in no count of real alarms.", exercise_text: "What is practised", exercise_severity: "Severity",
  number: (id) => `Alarm ${id}`,
  is_shelved: (who, time) => `shelved until ${time} (${who}); then, or if it gets worse, it is back as new`, shelve: "Shelve (with a reason)", unshelve: "Take from the shelf", shelf_minutes: "Minutes",
  shelf_ones: (count) => `Shelved ${count}`, none_shelf: "Nothing is on the shelf",
  standing: "Handled by", is_new: "nobody yet", is_escalated: "nobody in time: call the supervisor", is_taken: (who) => who, is_given: (who) => `given to ${who}, not taken yet`,
  is_ended: "its cause is gone", is_closed: (who) => `closed${who ? ` (${who})` : ""}`,
  now_many: "Now", most: "At most", open: "Open", take: "I take it", comment: "Note", close: "Close (with a reason)", give: "Give", give_to: "To",
  text: "Note, or the reason for closing", text_hint: "whom you spoke to, what you found",
  open_ones: (count) => `Open ${count}`, closed_ones: "Closed", none: "Nothing needs anybody", none_closed: "No alarm was closed yet", gone: "This alarm is no more",
  done: "What was done", itself: "by itself",
  note: { shelved: "shelved it (minutes: reason)", unshelved: "came back from the shelf", opened: "opened", ended: "its cause went", returned: "it came back", folded: "folded into the alarm of the same cause", closed_itself: "closed by itself", escalated: "nobody took it: escalated", acknowledged: "took it", assigned: "gave it to", comment: "noted", closed: "closed it" },
};

export const alarmWords = () => (language() === "ja" ? ja : en);
