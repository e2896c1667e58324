// What a stick refused by itself since its start, and what it let out that the gateway stopped, by reason and count: what
// the desk may know of where somebody wanted to go. No name is in here, because none reaches the desk.

import { make } from "./dom.js";
import { language } from "./words.js";

const titles = { ja: ["このスティックが自分で断ったもの", "今回の起動から"], en: ["What this stick refused by itself", "since it was started"] };
const stops = { ja: ["ゲートウェイが止めたもの", "このスティックから出て、届かなかったもの"], en: ["What the gateway stopped", "let out by this stick, and not delivered"] };
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
  revoked_key: ["失効した鍵の証明書（攻撃の疑い）", "a certificate with a revoked key (possibly an attack)"],
  unreadable: ["読めない証明書", "a certificate that cannot be read"],
  chain_limits: ["多すぎる証明書", "too many certificates"],
  signature: ["署名の合わない証明書", "a certificate with a wrong signature"],
  signature_hash: ["弱いハッシュで署名された証明書", "a certificate signed with a weak hash"],
  certificate_version: ["古い版の証明書", "a certificate of an old version"],
  duplicate_extension: ["同じ拡張が二つある証明書", "a certificate with an extension twice"],
  serial: ["正しくない番号の証明書", "a certificate with a malformed serial number"],
  rsa_bits: ["短い RSA 鍵の証明書", "a certificate with a short RSA key"],
  key_kind: ["認めていない種類の鍵の証明書", "a certificate with a kind of key that is not accepted"],
  policy_constraints: ["policyConstraints のある証明書", "a certificate with policyConstraints"],
  policy_mappings: ["policyMappings のある証明書", "a certificate with policyMappings"],
  inhibit_any_policy: ["inhibitAnyPolicy のある証明書", "a certificate with inhibitAnyPolicy"],
  not_authority: ["認証局でないものが署名した証明書", "a certificate signed by what is no authority"],
  basic_constraints: ["basicConstraints が重要とされていない認証局", "an authority whose basicConstraints are not critical"],
  issuer_key_usage: ["証明書に署名してはならない鍵の認証局", "an authority whose key may not sign certificates"],
  issuer_purpose: ["サーバーの証明を許されていない認証局", "an authority that is not one for servers"],
  path_length: ["許されたより長い認証局の列", "more authorities in a row than one of them allows"],
  no_key_identifier: ["鍵の識別子のない認証局", "an authority without a key identifier"],
  no_issuer_identifier: ["発行者の識別子のない証明書", "a certificate without its issuer's identifier"],
  leaf_authority: ["認証局の証明書を出したサイト", "a site that showed an authority's certificate"],
  leaf_signs: ["証明書に署名できる鍵を出したサイト", "a site whose key may sign certificates"],
  leaf_key_usage: ["署名に使えない鍵のサイト", "a site whose key may not sign"],
  leaf_purpose: ["サーバー用でない証明書", "a certificate that is not one for servers"],
  common_name: ["名前の欄にない名前を持つ証明書", "a certificate whose common name is none of its names"],
  criticality: ["拡張の重要さの印が正しくない証明書", "a certificate whose extensions are marked critical wrongly"],
  issuer_identifier: ["発行者の識別子が合わない証明書", "a certificate whose issuer's identifier is another's"],
  name_constraints: ["名前の制限のある認証局", "an authority with name constraints"],
  no_san: ["名前の欄のない証明書", "a certificate without names in their place"],
  wide_wildcard: ["広すぎるワイルドカードの証明書", "a certificate with too wide a wildcard"],
  bad_names: ["正しくない名前の入った証明書", "a certificate with a malformed name"],
  other: ["その他", "something else"],
  frozen: ["止めた画面からの接続", "a page that was held"],
  no_bank: ["ポリシーにない銀行", "a bank that the policy does not have"],
  bad_question: ["正しくない名前の問い合わせ", "a malformed question for a name"],
  indicator_phishing: ["そのうち、フィッシングと知られているサイト", "of these, sites known for phishing"],
  indicator_malware: ["そのうち、マルウェアを配ると知られているサイト", "of these, sites known for malware"],
  usb_storage: ["USB メモリ", "a USB disk"],
  usb_network: ["USB ネットワーク機器", "a USB network device"],
  usb_phone: ["電話機", "a telephone"],
  usb_reader: ["カードリーダー・トークン", "a card reader or token"],
  usb_keyboard: ["確かめられていないキーボード", "a keyboard that nobody confirmed"],
  usb_pointer: ["確かめられていないマウス", "a pointer that nobody confirmed"],
  record_not_kept: ["書き込めなかったスティックの記録（交換が必要です）", "the stick's record could not be written (it needs replacing)"],
  policy_not_fetched: ["取りに行って受け取れなかったホワイトリスト", "a newer whitelist that did not come"],
  policy_refused: ["届いたが、正しくなかったホワイトリスト", "a newer whitelist that was not good"],
  policy_not_kept: ["大きすぎて、記録に残せなかったホワイトリスト", "a whitelist with no room in the stick's record"],
  certificate_unnamed: ["電子証明書を求めた、登録されていない接続先（ホワイトリストを確かめてください）", "a host that asked for the customer's certificate and is not named for it (look at the whitelist)"],
  killed: ["許されないことをして止められた部品", "a part that was stopped for doing what it may not"],
  usb_other: ["その他の USB 機器", "another USB device"],
};

const kinds = {
  closed: ["銀行を開いていない間の接続", "a connection while no bank was open"],
  address: ["銀行の名前が指していないアドレス", "an address that the bank's names do not lead to"],
  name: ["開いた銀行のものでない名前", "a name that is not the open bank's"],
  no_name: ["名前のない接続", "a connection without a name"],
  second_name: ["名前が二つある接続", "a connection with two names"],
  ech: ["名前を隠した接続", "a connection that hides its name"],
  not_tls: ["暗号でない接続", "a connection that is not TLS"],
  malformed: ["正しくない接続の始まり", "a connection that began wrongly"],
  incomplete: ["始まりの途中で終わった接続", "a connection that never began"],
  question: ["どの銀行のものでもない名前の問い合わせ", "a question for a name that is no bank's"],
};

// What is in neither tells itself: a newer stick's word. Those of today's sticks are all above, each of whitelist/chain.def too.
const sentence = (code) => (reasons[code] ?? kinds[code])?.[language() === "ja" ? 0 : 1] ?? code;

export const refusals = (stick) => list(titles[language()], stick.refused);
export const stopped = (stick) => list(stops[language()], stick.tried);

function list([title, since], counts) {
  const rows = Object.entries(counts ?? {}).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  return make("section.counts", make("h3", title, make("small", since)),
    rows.length ? make("ul", rows.map(([code, count]) => make("li", make("span", sentence(code)), make("b", times[language()](count))))) : make("p", none[language()]));
}
