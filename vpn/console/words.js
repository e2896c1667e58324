// Every word on the page, Japanese first. A value that is a function takes what the sentence is about.

const ja = {
  language: "English",
  title: "関所",
  desk: "監視卓",
  log_in: "ログイン",
  log_out: "ログアウト",
  name: "利用者名",
  password: "パスワード",
  wrong: "利用者名かパスワードが違います。",
  ended: "ログインの期限が切れたか、ゲートウェイが再起動しました。もう一度ログインしてください。",
  wait: (seconds) => `間違いが続きました。${seconds} 秒待ってから、もう一度お試しください。`,
  unreachable: "ゲートウェイに届きません。",
  live: (seconds) => (seconds < 5 ? "最新" : `${seconds} 秒前の情報`),
  dead: (time) => `ゲートウェイに届きません。いま見えているのは ${time} の状態です。`,
  dead_todo: "この画面を信じないでください。管理用の回線とゲートウェイ本体（systemctl status sekisho-gateway）を確かめます。",

  calm: "異常ありません",
  calm_more: (up, all) => `${all} 本のうち ${up} 本が使用中です。`,
  trouble: (count) => `${count} 本に異常があります`,
  trouble_more: (session) => (session ? `うち ${session} 本は銀行の画面を開いたまま途切れました。` : "銀行の画面を開いていたものはありません。"),
  quarantine_more: "途切れたものはありません。入場を断ったスティックがあります。",
  watch: (count) => `${count} 本の応答が遅れています`,
  watch_more: "90 秒までは様子を見ます。自然に戻ることがほとんどです。",
  no_sticks: "スティックがまだ登録されていません",
  no_sticks_more: "ゲートウェイで sekisho gateway stick add を使って登録します。",

  states: { up: "正常", late: "遅れ", stale: "途絶", lost: "不明", offline: "終了", never: "未使用", quarantined: "足止め", revoked: "失効" },
  state_more: { up: "使用中", late: "45 秒以上", stale: "90 秒以上", lost: "3 分以上", offline: "正しく終了", never: "起動なし", quarantined: "入場せず", revoked: "停止済み" },

  attention: "対応が必要なもの",
  attention_more: "新しい順ではなく、重い順に並びます",
  who: "だれ", what: "何が", since: "いつから", todo: "すること", at_bank: "銀行",
  since_at: (time) => `${time} から`,
  was_at_bank: (banks) => `${banks ? `${banks} ` : "銀行"}を開いていた`,
  was_not_at_bank: "開いていない",
  region_many: (region, count) => `${region || "地域なし"}で ${count} 本が同時に途切れました`,
  causes: {
    late: { silent: "トンネルは生きているが、報告だけが遅れている", unreachable: "報告が届かない" },
    stale: { silent: "トンネルは生きているのに、スティックの報告が止まった", unreachable: "トンネルも報告も止まった" },
    lost: { silent: "トンネルは生きているのに、スティックの報告が戻らない", unreachable: "電源・PC・回線のどれかが切れた" },
    quarantined: { image_old: "イメージが古く、許可の下限に届かないので入場を断った", image_unknown: "登録されたどのイメージとも違うので入場を断った", copied: "使用済みの入場券が出された：同じ鍵を持つスティックが 2 本ある", pin_locked: "暗証番号を 5 回まちがえた", pin_none: "ポリシーは暗証番号を求めるが、登録されていない", no_identity: "署名鍵が登録されていない" },
    resumed: "報告が戻り始めた",
  },
  todos: {
    late: "待ちます。次の報告は 30 秒以内に来ます。",
    stale_silent: "お客様から電話があれば、電源を切って入れ直していただきます。",
    stale_unreachable: "同じ地域で他にも起きていないか下の一覧で確かめます。銀行との通信はもう止まっています。",
    lost_silent: "スティックの不具合の疑いがあります。お客様に電話し、電源を切って入れ直していただきます。",
    lost_unreachable_bank: "お客様に電話し、振込の途中ではなかったかを確かめます。銀行との通信はもう止まっています。",
    lost_unreachable: "次の起動を待ちます。銀行は開いていませんでした。",
    quarantined_image_old: "画面には交換の案内が出ています。お客様に電話し、新しいスティックを手配します。",
    quarantined_copied: "できごとに 2 か所の住所と時刻があります。持ち主に電話し、手元にあるかを確かめます。新しいスティックに替えて失効させるのが確実です。戻すなら sekisho gateway stick release に理由を添えます。",
    quarantined_pin_locked: "ご本人と確かめられたら sekisho gateway stick unlock に理由を添えます。忘れたときは新しい暗証番号の手紙です。",
    quarantined_pin_none: "sekisho device pin で手紙を作り、sekisho gateway stick pin で登録します。銀行 IT に頼みます。",
    quarantined_no_identity: "署名鍵なしで登録されました。銀行 IT に、新しいスティックを署名鍵付きで登録するよう頼みます。",
    quarantined_image_unknown: "改造の疑いがあります。お客様に電話し、使わずに返送していただきます。何本も続くときは、新しいイメージの登録漏れを銀行 IT に確かめます。",
    region: "1 本ずつ電話せず、まず回線事業者の障害情報を確かめます。銀行との通信はすべて止まっています。",
    revoked: "スティックの回収を確かめます。",
    never: "発送と受け取りを確かめます。",
    none: "することはありません。",
  },

  audit_broken: "監査記録が改ざんされた、または失われた疑いがあります",
  audit_broken_more: (reason) => `${reason}　データベースと証人ファイルをそのまま保全し、監督者に連絡して `+
    "sekisho gateway audit verify を実行してもらいます。銀行と端末の利用は続けられます。",
  policy_refused: "新しい署名文書を受け付けませんでした",
  policy_refused_more: (reason) => `${reason}　前のものを使い続けています。銀行 IT に連絡し、署名し直したものを置いて再読み込みします。`,
  policy_none: "有効なホワイトリストがありません",
  policy_none_more: "どの銀行にも接続できません。署名されたポリシーを置き、systemctl reload sekisho-gateway を実行します。",
  policy_expired: "ホワイトリストの有効期限が切れました",
  policy_expiring: (days) => `ホワイトリストの有効期限まで ${days} 日です`,
  policy_expiring_more: "期限が過ぎると、すべての銀行が開けなくなります。銀行 IT に新しい版の署名を依頼します。",

  fleet: "すべてのスティック",
  shown: (shown, all) => (shown === all ? `${all} 本` : `${all} 本のうち ${shown} 本`),
  search: "名前・番号・地域・アドレス（/）",
  stick: "スティック", state: "状態", last_beacon: "最後の報告", rtt: "往復／損失", line: "接続元",
  image: "イメージ", policy: "ポリシー", bank: "銀行", region: "地域", inner: "内部アドレス", handshake: "最後の握手",
  uptime: "起動から", traffic: "受信／送信", link: "回線", admitted: "入場", yes: "している", no: "していない",
  old_policy: "古い", old_image: "古い",
  image_of: (version, floor) => (floor ? `${version}（下限 ${floor}）` : version),
  nothing: "当てはまるスティックがありません",
  close: "閉じる",
  history: "この 1 本の記録",
  never_heard: "なし",

  events: "できごと",
  events_more: "新しい順",
  event: {
    login: (e) => `${e.who} がログインしました（${e.detail}）`,
    login_refused: (e) => `ログインを断りました：${e.who || "?"}（${e.detail}）`,
    logout: (e) => `${e.who} がログアウトしました`,
    stick_added: (e) => `${e.who} が登録しました（${e.detail}）`,
    stick_revoked: (e) => `${e.who} が失効させました`,
    password_set: (e) => `${e.who} が ${e.detail} のパスワードを変えました`,
    policy_accepted: (e) => `新しいポリシーが有効になりました（${e.detail}）`,
    gateways_accepted: (e) => `新しいゲートウェイ一覧が有効になりました（${e.detail}）`,
    image_floor: (e) => (e.detail === "0" ? `${e.who} がイメージの下限をなくしました` : `${e.who} がイメージの下限を ${e.detail} にしました`),
    image_added: (e) => `${e.who} がイメージを登録しました（${e.detail}）`,
    image_removed: (e) => `${e.who} がイメージの登録を消しました（${e.detail}）`,
    document_refused: (e) => `署名文書を断りました：${e.detail}`,
    enforcers_differ: (e) => `ゲートウェイと判断が食い違いました（${e.who}：${e.detail}）`,
    possible_attack: (e) => `攻撃の疑い：銀行になりすました相手かもしれません（サイト、理由、示された鍵：${e.detail}）。利用者に電話し、銀行に鍵を確かめてください`,
    stick_copied: (e) => `写しの疑い：${e.detail}`,
    pin_wrong: (e) => `暗証番号が違いました（${e.detail}）`,
    pin_locked: (e) => `暗証番号を止めました（${e.detail}）`,
    pin_unlocked: (e) => `${e.who} が暗証番号を試せるように戻しました：${e.detail}`,
    pin_letter: (e) => `${e.who} が新しい暗証番号の手紙を登録しました：${e.detail}`,
    stick_released: (e) => `${e.who} が足止めを解きました：${e.detail}`,
    duress: (e) => `助けを呼ぶ番号で入場しました（${e.detail}）。画面には何も出ていません。お客様に電話せず、手順どおりに通報します。`,
  },
  transition_causes: {
    first_beacon: "初めての報告", new_boot: "起動した", resumed: "報告が戻った", silent: "報告だけが止まった",
    unreachable: "トンネルごと止まった", goodbye: "正しく終了した", revoked: "失効", registered: "登録",
    image_old: "イメージが古い", image_unknown: "登録のないイメージ", copied: "写しがある",
    pin_locked: "暗証番号を 5 回まちがえた", pin_none: "暗証番号の登録がない", no_identity: "署名鍵の登録がない", released: "足止めの理由がなくなった",
  },
  age: ({ d, h, m, s }) => (d ? `${d} 日 ${h} 時間` : h ? `${h} 時間 ${m} 分` : m ? `${m} 分 ${String(s).padStart(2, "0")} 秒` : `${s} 秒`),
  ago: (age) => `${age}前`,
};

const en = {
  language: "日本語",
  title: "Sekisho",
  desk: "desk",
  log_in: "Log in",
  log_out: "Log out",
  name: "Name",
  password: "Password",
  wrong: "That name and password do not belong together.",
  ended: "Your session has ended, or the gateway was started again. Please log in again.",
  wait: (seconds) => `Too many tries. Wait ${seconds} seconds, then try again.`,
  unreachable: "The gateway cannot be reached.",
  live: (seconds) => (seconds < 5 ? "live" : `${seconds} s old`),
  dead: (time) => `The gateway cannot be reached. What you see is how things were at ${time}.`,
  dead_todo: "Do not trust this page. Check the management network, and the gateway itself (systemctl status sekisho-gateway).",

  calm: "All is well",
  calm_more: (up, all) => `${up} of ${all} sticks are in use.`,
  trouble: (count) => (count === 1 ? "One stick is in trouble" : `${count} sticks are in trouble`),
  trouble_more: (session) => (session ? `${session} of them broke off with a bank open.` : "None of them had a bank open."),
  quarantine_more: "None broke off. There are sticks that were refused.",
  watch: (count) => (count === 1 ? "One stick is late" : `${count} sticks are late`),
  watch_more: "Up to 90 seconds there is nothing to do: most come back by themselves.",
  no_sticks: "No stick is registered yet",
  no_sticks_more: "Register one on the gateway with sekisho gateway stick add.",

  states: { up: "Up", late: "Late", stale: "Stale", lost: "Lost", offline: "Off", never: "New", quarantined: "Held", revoked: "Revoked" },
  state_more: { up: "in use", late: "over 45 s", stale: "over 90 s", lost: "over 3 min", offline: "said goodbye", never: "no start yet", quarantined: "not admitted", revoked: "cut off" },

  attention: "Needs somebody",
  attention_more: "the worst first, not the newest",
  who: "Who", what: "What", since: "Since", todo: "To do", at_bank: "Bank",
  since_at: (time) => `since ${time}`,
  was_at_bank: (banks) => `had ${banks || "a bank"} open`,
  was_not_at_bank: "none open",
  region_many: (region, count) => `${count} sticks in ${region || "no region"} broke off together`,
  causes: {
    late: { silent: "the tunnel lives, only its report is late", unreachable: "no report arrives" },
    stale: { silent: "the tunnel lives, but the stick stopped reporting", unreachable: "tunnel and reports have stopped" },
    lost: { silent: "the tunnel lives, but reports do not come back", unreachable: "power, PC or line is gone" },
    quarantined: { image_old: "its image is below the oldest version that is admitted", image_unknown: "its image is none of the registered ones", copied: "a used token was shown: two hold its keys", pin_locked: "five wrong PINs", pin_none: "the policy asks for a PIN and none is registered", no_identity: "it was registered without an identity key" },
    resumed: "reports are coming back",
  },
  todos: {
    late: "Wait. The next report is due within 30 seconds.",
    stale_silent: "If the customer calls: ask to switch the PC off and on again.",
    stale_unreachable: "Look in the list below for others of the same region. Traffic to the bank has already stopped.",
    lost_silent: "The stick itself is suspect. Call the customer; ask to switch the PC off and on again.",
    lost_unreachable_bank: "Call the customer: was a transfer under way? Traffic to the bank has already stopped.",
    lost_unreachable: "Wait for the next start. No bank was open.",
    quarantined_image_old: "Its screen tells the customer to call. Call first, and arrange for a new stick.",
    quarantined_copied: "The events name both places and times. Call the owner: is the stick still there? Best give a new one and revoke this. To let it in again: sekisho gateway stick release, with a reason.",
    quarantined_pin_locked: "When you know it is the owner: sekisho gateway stick unlock, with a reason. A forgotten PIN takes a new letter.",
    quarantined_pin_none: "Ask bank IT for a letter (sekisho device pin), registered with sekisho gateway stick pin.",
    quarantined_no_identity: "Ask bank IT to register a stick with its identity key.",
    quarantined_image_unknown: "It may have been tampered with. Call the customer: do not use it, send it back. If there are several, ask bank IT whether a new image was not registered.",
    region: "Do not call one by one. Check the line provider's outage page first. All traffic to banks has stopped.",
    revoked: "Make sure the stick was taken back.",
    never: "Check that it was sent and received.",
    none: "Nothing to do.",
  },

  audit_broken: "The audit log may have been altered, or parts of it are lost",
  audit_broken_more: (reason) => `${reason}. Keep the database and the witness file as they are, call the supervisor, and have `+
    "\"sekisho gateway audit verify\" run. Banks and sticks go on working.",
  policy_refused: "A new signed document was refused",
  policy_refused_more: (reason) => `${reason}. The one before stays in force. Tell bank IT; put a properly signed one in place and reload.`,
  policy_none: "There is no whitelist in force",
  policy_none_more: "No bank can be reached. Put a signed policy in place, then systemctl reload sekisho-gateway.",
  policy_expired: "The whitelist has expired",
  policy_expiring: (days) => `The whitelist expires in ${days} days`,
  policy_expiring_more: "After that no bank opens any more. Ask bank IT to sign a new version.",

  fleet: "All sticks",
  shown: (shown, all) => (shown === all ? `${all}` : `${shown} of ${all}`),
  search: "Name, number, region, address (/)",
  stick: "Stick", state: "State", last_beacon: "Last report", rtt: "Round trip", line: "From",
  image: "Image", policy: "Policy", bank: "Bank", region: "Region", inner: "Inner address", handshake: "Last handshake",
  uptime: "Running for", traffic: "Received / sent", link: "Link", admitted: "Admitted", yes: "yes", no: "no",
  old_policy: "old", old_image: "old",
  image_of: (version, floor) => (floor ? `${version} (the oldest admitted is ${floor})` : version),
  nothing: "No stick fits",
  close: "Close",
  history: "What happened to this one",
  never_heard: "none",

  events: "Events",
  events_more: "newest first",
  event: {
    login: (e) => `${e.who} logged in (${e.detail})`,
    login_refused: (e) => `A log-in was refused: ${e.who || "?"} (${e.detail})`,
    logout: (e) => `${e.who} logged out`,
    stick_added: (e) => `registered by ${e.who} (${e.detail})`,
    stick_revoked: (e) => `revoked by ${e.who}`,
    password_set: (e) => `${e.who} set the password of ${e.detail}`,
    policy_accepted: (e) => `A new policy is in force (${e.detail})`,
    gateways_accepted: (e) => `A new list of gateways is in force (${e.detail})`,
    image_floor: (e) => (e.detail === "0" ? `${e.who} took the floor under images away` : `${e.who} admits no image older than ${e.detail}`),
    image_added: (e) => `${e.who} registered an image (${e.detail})`,
    image_removed: (e) => `${e.who} took a registered image back (${e.detail})`,
    document_refused: (e) => `A signed document was refused: ${e.detail}`,
    enforcers_differ: (e) => `The gateway and it disagreed (${e.who}: ${e.detail})`,
    possible_attack: (e) => `Possible attack: somebody may have posed as a bank (host, reason, keys presented: ${e.detail}). Call the customer, and ask the bank about the keys`,
    stick_copied: (e) => `looks copied: ${e.detail}`,
    pin_wrong: (e) => `wrong PIN (${e.detail})`,
    pin_locked: (e) => `PIN locked (${e.detail})`,
    pin_unlocked: (e) => `${e.who} let the PIN be tried again: ${e.detail}`,
    pin_letter: (e) => `${e.who} registered a new PIN letter: ${e.detail}`,
    stick_released: (e) => `${e.who} released it: ${e.detail}`,
    duress: (e) => `admitted by the PIN that calls for help (${e.detail}). Its screen shows nothing. Do not call the customer; report it as agreed.`,
  },
  transition_causes: {
    first_beacon: "first report", new_boot: "started", resumed: "reports came back", silent: "only reports stopped",
    unreachable: "stopped, tunnel and all", goodbye: "said goodbye", revoked: "revoked", registered: "registered",
    image_old: "image too old", image_unknown: "image not registered", copied: "copied",
    pin_locked: "five wrong PINs", pin_none: "no PIN registered", no_identity: "no identity registered", released: "the reason is gone",
  },
  age: ({ d, h, m, s }) => (d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min ${String(s).padStart(2, "0")} s` : `${s} s`),
  ago: (age) => `${age} ago`,
};

const languages = { ja, en };
const kept = () => { try { return localStorage.getItem("language"); } catch { return null; } };
const asked = new URLSearchParams(location.search).get("lang");
let current = languages[asked] ? asked : languages[kept()] ? kept() : (navigator.language || "ja").startsWith("ja") ? "ja" : "en";

export const words = () => languages[current];
export const language = () => current;
export function switchLanguage() {
  current = current === "ja" ? "en" : "ja";
  try { localStorage.setItem("language", current); } catch { /* private windows keep nothing */ }
}

const locale = () => (current === "ja" ? "ja-JP" : "en-GB");
export const clock = (unix) => new Intl.DateTimeFormat(locale(), { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(unix * 1000);
export function moment(unix, now) {
  const day = (t) => new Date(t * 1000).toDateString();
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  if (day(unix) !== day(now)) Object.assign(options, { month: "numeric", day: "numeric" });
  return new Intl.DateTimeFormat(locale(), options).format(unix * 1000);
}
export function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  return words().age({ d: Math.floor(s / 86400), h: Math.floor(s / 3600) % 24, m: Math.floor(s / 60) % 60, s: s % 60 });
}
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; count >= 1000 && i < units.length - 1; i++) count /= 1000;
  return `${count < 10 && i ? count.toFixed(1) : Math.round(count)} ${units[i]}`;
}
