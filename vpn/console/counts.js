// What a stick refused by itself since its start, by reason and count: what the desk may know of where somebody wanted
// to go. No name is in here, because none reaches the gateway.

import { make } from "./dom.js";
import { language } from "./words.js";

const titles = { ja: ["このスティックが自分で断ったもの", "今回の起動から"], en: ["What this stick refused by itself", "since it was started"] };
const none = { ja: "ありません", en: "nothing" };
const times = { ja: (count) => `${count} 回`, en: (count) => (count === 1 ? "once" : `${count} times`) };

const reasons = {
  not_listed: ["許可されていないサイト", "a site that is not listed"],
  port: ["許可されていないポート", "a port that is not allowed"],
  expired_policy: ["期限の切れたホワイトリスト", "the whitelist had expired"],
  no_session: ["銀行が開いていない", "no bank was open"],
  ip_literal: ["名前のないアドレス", "an address without a name"],
  bad_hello: ["正しくない接続の始まり", "a connection that began wrongly"],
  no_address: ["アドレスの見つからない名前", "a name without an address"],
  unreachable: ["届かないサイト", "a site that could not be reached"],
  timeout: ["時間切れ", "a time limit"],
  tls: ["暗号の取り決めの失敗", "no agreement on encryption"],
  chain: ["信頼できない証明書", "a certificate that is not trusted"],
  name: ["名前の違う証明書", "a certificate for another name"],
  dates: ["期限の外の証明書", "a certificate out of its dates"],
  pin: ["鍵の違う証明書（攻撃の疑い）", "a certificate with another key (possibly an attack)"],
  frozen: ["止めた画面からの接続", "a page that was held"],
  no_bank: ["ポリシーにない銀行", "a bank that the policy does not have"],
  bad_question: ["正しくない名前の問い合わせ", "a malformed question for a name"],
  indicator_phishing: ["そのうち、フィッシングと知られているサイト", "of these, sites known for phishing"],
  indicator_malware: ["そのうち、マルウェアを配ると知られているサイト", "of these, sites known for malware"],
  usb_storage: ["USB メモリ", "a USB disk"],
  usb_network: ["USB ネットワーク機器", "a USB network device"],
  usb_phone: ["電話機", "a telephone"],
  usb_keyboard: ["確かめられていないキーボード", "a keyboard that nobody confirmed"],
  usb_pointer: ["確かめられていないマウス", "a pointer that nobody confirmed"],
  usb_other: ["その他の USB 機器", "another USB device"],
};

const sentence = (code) => reasons[code]?.[language() === "ja" ? 0 : 1] ?? code;

export function refusals(stick) {
  const [title, since] = titles[language()];
  const rows = Object.entries(stick.refused ?? {}).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  return make("section.counts", make("h3", title, make("small", since)),
    rows.length ? make("ul", rows.map(([code, count]) => make("li", make("span", sentence(code)), make("b", times[language()](count))))) : make("p", none[language()]));
}
