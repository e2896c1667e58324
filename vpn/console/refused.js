// What the gateway did not do, in words: by the code of its answer (console-api.yaml).

import { language, words } from "./words.js";

const texts = {
  no_alarm: ["このアラームはもう開いていません。だれかが閉じたようです。", "This alarm is not open any more: somebody may have closed it."],
  no_account: ["その名前の利用者はいないか、アラームを扱えません。", "There is nobody of this name, or not for alarms."],
  no_text: ["コメントを書いてください。", "A comment wants words."],
  no_reason: ["理由を書いてください。", "Please give a reason."],
  no_stick: ["登録のない番号か、失効済みの番号が入っています。", "One of the numbers is not registered, or revoked already."],
  bad_list: ["スティックの番号を、空白で区切って 1 から 1000 個まで書いてください。", "Write 1 to 1000 sticks' numbers with blanks between."],
  own_request: ["自分が頼んだことは、自分では承認できません。", "Nobody decides on what he asked for himself."],
  same_role: ["頼んだ人と同じ役割です。別の役割の人が判断します。", "Who asked has the same role as you: this wants a second one."],
  decided: ["すでにだれかが判断しました。", "Somebody has decided on this already."],
  too_old: ["1 日より前の依頼です。もう一度頼んでもらいます。", "This was asked more than a day ago: have it asked again."],
  asker_gone: ["頼んだ利用者は、もう使えません。", "The account that asked is no more."],
  not_approved: ["承認されていないか、受け取り済みです。", "It is not approved, or was taken already."],
  own_account: ["自分の利用者は変えられません。ほかの監督者が変えます。", "Nobody changes his own account: another supervisor does."],
  same_hand: ["この利用者のもう一つの秘密は、あなたが渡しました。ほかの監督者が行います。", "You have seen the other secret of this account: another supervisor does this."],
  last_supervisor: ["最後の監督者です。先に別の監督者を作ります。", "This is the last supervisor: make another one first."],
  taken: ["同じ名前の利用者がいます。", "There is an account of this name already."],
  bad_name: ["名前は 1 から 32 文字の英数字と . _ - です。", "The name wants 1 to 32 letters, digits, '.', '_' or '-'."],
  not_your_role: ["この役割では、できません。", "This account's role may not do that."],
  second_factor_wanted: ["二段階認証のある利用者だけができます。ゲートウェイで sekisho gateway account second-factor を実行します。", "This wants an account with a second factor: sekisho gateway account second-factor, on the gateway."],
  handover_open: ["前の引き継ぎに、まだだれも署名していません。先に受け取ってください。", "The one before has not been taken yet: sign for it first."],
  handover_changed: ["書き直されました。もう一度読んでください。", "It was written anew: read it again."],
  own_handover: ["自分が書いた引き継ぎは、別の人が受け取ります。", "Another person takes over what you wrote."],
  no_handover: ["この引き継ぎは、もう受け取られています。", "This hand-over does not wait for anybody any more."],
  not_shelved: ["この種類は、棚に上げられません。人が確かめて閉じるまで残ります。", "This kind cannot be shelved: it stays until a person has closed it."],
  no_shelf: ["もう棚の上にありません。", "It is not on the shelf any more."],
  exercise_open: ["訓練は一度に一つです。前の訓練を閉じてください。", "One exercise at a time: close the one before."],
  shelf_minutes: ["1 から 720 までの分数を書いてください。", "The minutes want a whole number from 1 to 720."],
  minutes: ["1 から 1440 までの分数を書いてください。", "The minutes want a whole number from 1 to 1440."],
  not_kept: ["データベースに書けませんでした。ディスクの空きを確かめます。", "The database did not take it: is the disk full?"],
};

// The gateway's own sentence where it says more than the code.
export function refused(answer) {
  const text = texts[answer.body?.code]?.[language() === "ja" ? 0 : 1];
  if (answer.status === 0) return words().unreachable;
  return text ?? answer.body?.error ?? String(answer.status);
}
