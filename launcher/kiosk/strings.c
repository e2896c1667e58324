#include "launcher/kiosk/strings.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const texts[TEXT_COUNT][LANGUAGE_COUNT] = {
    [TEXT_PRODUCT] = {"関所", "Sekisho"},
    [TEXT_TAGLINE] = {"銀行との取引だけを通す、専用の道です", "A road for banking, and for nothing else"},
    [TEXT_DEVEL] = {"開発用", "DEVELOPMENT"},
    [TEXT_DEVEL_EXPLAINED] = {"開発用の見本です。\n本物の取引には使えません。",
			      "A development sample. Not for real banking."},
    [TEXT_KEYS] = {"開発用の鍵", "DEVELOPMENT KEYS"},
    [TEXT_KEYS_EXPLAINED] = {"開発用の鍵で署名した見本です。\n本物の取引には使えません。",
			     "Signed with development keys. Not for real banking."},
    [TEXT_VERSION] = {"版", "version"},
    [TEXT_CALL] = {"お困りのときのお電話", "Telephone for help"},
    [TEXT_OTHER_LANGUAGE] = {"English（F2）", "日本語（F2）"},
    [TEXT_POWER_OFF] = {"電源を切る", "Power off"},
    [TEXT_CANCEL] = {"やめる", "Cancel"},
    [TEXT_OK] = {"はい", "OK"},

    [TEXT_PREPARING] = {"準備をしています", "Getting ready"},
    [TEXT_PREPARING_TROUBLE] = {"ご確認ください", "Please check"},
    [TEXT_PREPARING_FAILED] = {"ここから先へ進めません", "We cannot go on"},
    [TEXT_STATE_IDLE] = {"これから", "next"},
    [TEXT_STATE_WAITING] = {"確認中", "checking"},
    [TEXT_STATE_DONE] = {"完了", "done"},
    [TEXT_STATE_TROUBLE] = {"要確認", "look here"},
    [TEXT_STATE_FAILED] = {"停止", "stopped"},
    [TEXT_SECONDS] = {"秒", "s"},
    [TEXT_DETAIL] = {"お電話の際にお伝えください", "Please mention this when you call"},

    [TEXT_WIFI_CHOOSE] = {"Wi-Fi を選ぶ（F3）", "Choose Wi-Fi (F3)"},
    [TEXT_WIFI_HEADING] = {"Wi-Fi をお選びください", "Choose your Wi-Fi"},
    [TEXT_WIFI_HINT] =
	{"お使いのルーターの名前を押すか、矢印キーで選んで Enter\u00a0キーを押します。"
	 "一度つながった Wi-Fi には、次から自動でつながります。",
	 "Click the name of your router, or choose it with the arrow keys and press Enter. Next time it is "
	 "joined by itself."},
    [TEXT_WIFI_BACK] = {"戻る（Esc）", "Back (Esc)"},
    [TEXT_WIFI_SEARCHING] = {"近くの Wi-Fi を探しています…", "Looking for Wi-Fi nearby…"},
    [TEXT_WIFI_JOINING] = {"つないでいます", "Joining"},
    [TEXT_WIFI_JOINED] = {"つながりました", "Joined"},
    [TEXT_WIFI_OPEN] = {"パスワードなし（注意）", "no password (careful)"},
    [TEXT_WIFI_WPA2] = {"パスワードあり WPA2", "password, WPA2"},
    [TEXT_WIFI_WPA3] = {"パスワードあり WPA3", "password, WPA3"},
    [TEXT_WIFI_UNUSABLE] = {"この機器では使えません", "cannot be used here"},
    [TEXT_WIFI_NETWORK] = {"Wi-Fi の名前", "Name of the Wi-Fi"},
    [TEXT_WIFI_PASSWORD_TITLE] = {"Wi-Fi のパスワードを入れてください", "Type the Wi-Fi password"},
    [TEXT_WIFI_PASSWORD_EXPLAINED] =
	{"ルーターに貼られた紙などに「暗号化キー」「パスワード」とある文字です。銀行の暗証番号"
	 "は入れないでください。",
	 "It stands on the router's label as \"key\" or \"password\". Never type a bank's PIN "
	 "here."},
    [TEXT_WIFI_PASSWORD_LENGTH] = {"パスワードは、8 文字から 63 文字の英数字と記号です。",
				   "A password has 8 to 63 letters, digits and signs."},
    [TEXT_WIFI_CAREFUL_TITLE] = {"ご注意ください", "Please be careful"},
    [TEXT_WIFI_OPEN_EXPLAINED] =
	{"パスワードのない Wi-Fi は、だれでも同じ名前で作れます。お取引の中身は通路の暗号で"
	 "守られますが、どなたのものか分かるときだけ、つないでください。この機器は覚えません。",
	 "Anybody can make a Wi-Fi of this name without a password. Your banking stays encrypted, "
	 "but join only if you know whose it is. It is not remembered."},
    [TEXT_WIFI_UNUSABLE_EXPLAINED] =
	{"古い暗号（WEP、WPA）か、会社などの登録が要る Wi-Fi です。この機器ではつなぎません。",
	 "It uses old encryption (WEP, WPA) or needs an account. This device does not join it."},
    [TEXT_WIFI_JOIN] = {"つなぐ", "Join"},

    [TEXT_CHOOSE_BANK] = {"銀行をお選びください", "Choose your bank"},
    [TEXT_CHOOSE_HINT] = {"押すか、矢印キーで選んで Enter\u00a0キーを押します。番号のキーでも選べます。",
			  "Click it, or choose with the arrow keys and press Enter. The number key works too."},
    [TEXT_NO_BANKS] = {"開ける銀行がありません", "There is no bank to open"},
    [TEXT_NO_BANKS_HINT] = {"この機器には、まだ銀行が登録されていません。機器をお渡しした窓口へお電話ください。",
			    "No bank is registered on this device yet. Please call the desk that gave it to you."},

    [TEXT_SITE] = {"接続先", "Site"},
    [TEXT_CERTIFICATE] = {"電子証明書", "Certificate"},
    [TEXT_TUNNEL_UP] = {"安全な通路：つながっています", "Secure passage: open"},
    [TEXT_TUNNEL_DOWN] = {"安全な通路：切れています", "Secure passage: cut"},
    [TEXT_BACK] = {"戻る", "Back"},
    [TEXT_RELOAD] = {"読み直す", "Reload"},
    [TEXT_FINISH] = {"取引を終える", "Finish"},

    [TEXT_OPENING] = {"通路を開いています", "Opening the passage"},
    [TEXT_OPENING_HINT] = {"この銀行だけにつながる通路を用意しています。そのままお待ちください。",
			   "A passage to this bank alone is being made. Please wait."},
    [TEXT_LOADING] = {"ページを開いています…", "Opening the page…"},
    [TEXT_BACK_TO_LIST] = {"銀行の一覧へ戻る", "Back to the list of banks"},
    [TEXT_BACK_TO_PAGE] = {"元のページへ戻る", "Back to the page"},
    [TEXT_TRY_AGAIN] = {"もう一度試す", "Try again"},
    [TEXT_REFUSED_TITLE] = {"このページは開けません", "This page stays closed"},
    [TEXT_DANGER_TITLE] = {"危険な行き先として知られています", "This place is known to be dangerous"},
    [TEXT_REFUSED_HOST] = {"開こうとした先", "Where it led"},
    [TEXT_WHAT_TO_DO] = {"どうすればよいか", "What to do"},
    [TEXT_PART_LEFT_OUT] = {"許可されていない先を使う部分は、表示していません",
			    "A part that comes from a place not permitted is left out"},
    [TEXT_PART_DANGEROUS] = {"このページが、危険と知られている先を呼び出しました。開いていません。銀行へお電話ください",
			     "This page called for a place known to be dangerous. It was not opened. Please call the "
			     "bank"},
    [TEXT_PART_NOT_LOADED] = {"ページの一部を読み込めませんでした", "A part of the page could not be loaded"},
    [TEXT_HIDE] = {"閉じる", "Hide"},
    [TEXT_SAYS] = {"のページからのお知らせ", ": message from the page"},
    [TEXT_ASKS] = {"のページからの確認", ": question from the page"},
    [TEXT_LEAVE_PAGE] = {"このページを離れますか。入力の途中のものは失われることがあります。",
			 "Leave this page? What you were typing may be lost."},
    [TEXT_LEAVE] = {"離れる", "Leave"},
    [TEXT_STAY] = {"とどまる", "Stay"},
    [TEXT_FINISH_QUESTION] = {"取引を終えますか", "Finish here?"},
    [TEXT_FINISH_EXPLAINED] = {"銀行のページを閉じ、見たもの・入力したものをすべて消して、銀行の一覧へ戻ります。",
			       "The bank's page is closed, everything seen and typed is wiped, and the list of banks "
			       "comes back."},
    [TEXT_FROZEN_TITLE] = {"取引を一時止めています", "Your session is on hold"},
    [TEXT_SESSION_FAILED_TITLE] = {"この銀行を開けませんでした", "This bank could not be opened"},
    [TEXT_PAGE_FAILED_TITLE] = {"ページを表示できません", "The page cannot be shown"},

    [TEXT_USB_KEYBOARD_TITLE] = {"新しいキーボードがつながれました", "A new keyboard was plugged in"},
    [TEXT_USB_POINTER_TITLE] = {"新しいマウスなどがつながれました", "A new mouse or the like was plugged in"},
    [TEXT_USB_ON_TRUSTED] = {"ご自分でつないだものなら、今までお使いのキーボードで、下の番号を打ってください。",
			     "If you plugged it in yourself, type this number on the keyboard you have been using."},
    [TEXT_USB_ON_NEW] = {"ご自分でつないだものなら、そのキーボードで、下の番号を打ってください。",
			 "If you plugged it in yourself, type this number on it."},
    [TEXT_USB_CODE] = {"番号", "Number"},
    [TEXT_USB_TYPED] = {"入力", "Typed"},
    [TEXT_USB_WRONG] = {"番号がちがいます。もう一度打ってください。", "That was another number. Please type it again."},
    [TEXT_USB_IF_NOT_YOU] = {"お心当たりがないときは、抜いてください。Esc\u00a0キーを押すと、使わずに続けます。",
			     "If you did not, pull it out. Press Esc to go on without it."},
    [TEXT_USB_REFUSED_TITLE] = {"つないだ機器は使いません", "What was plugged in is not used"},
    [TEXT_NOTICE_TITLE] = {"スティックについてのお知らせ", "About this stick"},

    [TEXT_PIN_TITLE] = {"暗証番号を入れてください", "Please type your PIN"},
    [TEXT_PIN_EXPLAINED] = {"お手紙でお知らせした暗証番号を、キーボードの数字で打ち、Enter\u00a0キーを押してください。",
			    "Type the PIN from your letter with the digits of the keyboard and press Enter."},
    [TEXT_PIN_CHECKING] = {"確かめています。そのままお待ちください。", "It is being checked. Please wait."},
    [TEXT_PIN_TYPED] = {"打った桁", "Digits typed"},
    [TEXT_PIN_WRONG] = {"暗証番号が違います。", "The PIN was not right."},
    [TEXT_PIN_LEFT] = {"残りの回数：", "Tries left:"},
    [TEXT_PIN_DONE] = {"決定（Enter）", "Done (Enter)"},
    [TEXT_PIN_NOBODY_ASKS] =
	{"この画面のほかで聞かれても、答えないでください。銀行も警察も、電話で聞くことはありません。",
	 "Tell it nowhere but here. No bank and no police asks for it by telephone."},
    [TEXT_TOKEN_TITLE] = {"トークンの暗証番号を入れてください", "Please type your token's PIN"},
    [TEXT_TOKEN_EXPLAINED] =
	{"銀行が電子証明書を求めています。その鍵が入ったトークン（カードなど）の暗証番号（PIN）をキーボードで打ち、"
	 "Enter キーを押してください。",
	 "The bank asks for your certificate. Type the PIN of the token or card that its key is in, and press Enter."},
    [TEXT_TOKEN_NAME] = {"トークンの名前", "Name of the token"},
    [TEXT_TOKEN_TYPED] = {"打った文字", "Typed"},
    [TEXT_TOKEN_FEW] = {"残りの回数は、あとわずかです。まちがえ続けると、トークンは止まります。",
			"Few tries are left. After more wrong ones the token is locked."},
    [TEXT_TOKEN_LAST] =
	{"あと1回まちがえると、トークンは止まります。確かでないときは打たずに、発行元へお電話ください。",
	 "One more wrong try locks the token. If you are not sure, type none and call who issued it."},
    [TEXT_TOKEN_NOT_OTHERS] =
	{"このスティックの暗証番号や、銀行のパスワードではありません。このトークンの番号だけを打ってください。",
	 "Not the PIN of this stick, and not your password at the bank: this token's own PIN only."},
    [TEXT_TOKEN_WITHOUT] = {"使わずに続ける（Esc）", "Go on without it (Esc)"},
    [TEXT_TOKEN_TROUBLE_TITLE] = {"電子証明書を使えません", "Your certificate cannot be used"},

    [TEXT_POWER_OFF_QUESTION] = {"電源を切りますか", "Power off?"},
    [TEXT_POWER_OFF_EXPLAINED] = {"見たもの・入力したものをすべて消してから電源が切れます。画面が暗くなったら、"
				  "スティックを抜いてください。",
				  "Everything seen and typed is wiped, then the power goes off. When the screen is "
				  "dark, pull out the stick."},
    [TEXT_GOING_DOWN] = {"電源を切っています", "Powering off"},
    [TEXT_GOING_DOWN_EXPLAINED] = {"ご利用ありがとうございました。画面が暗くなったら、スティックを抜いてください。",
				   "Thank you. When the screen is dark, pull out the stick."},
};

static const char *const step_names[STATE_COUNT][LANGUAGE_COUNT] = {
    [STATE_START] = {"機器の点検", "This device"},       [STATE_LINK] = {"ネットワーク", "Network"},
    [STATE_TUNNEL] = {"安全な通路", "Secure passage"},   [STATE_TIME] = {"時刻の確認", "Time"},
    [STATE_UPDATE] = {"最新情報の確認", "Latest rules"}, [STATE_UNLOCK] = {"暗証番号", "PIN"},
    [STATE_ADMITTED] = {"入場の許可", "Admission"},
};

const char *text_of(enum text text, enum language language) { return texts[text][language]; }

const char *step_name(enum stick_state state, enum language language)
{
	if (state < 0 || state >= STATE_COUNT || !step_names[state][language])
		return "";
	return step_names[state][language];
}

static const struct {
	enum advice_about about;
	const char *code; /* "": the general advice of the subject */
	struct advice advice;
} advices[] = {
    /* steps of the start screen */
    {ABOUT_STEP,
     "",
     {{"うまく進まないことがあります。", "Something does not go as it should."},
      {"自動でやり直しています。しばらくたっても変わらないときは、お電話ください。",
       "We keep trying. If nothing changes for a while, please call."}}},
    {ABOUT_STEP,
     "record_missing",
     {{"このスティックの登録情報が見つかりません。", "The registration on this stick was not found."},
      {"電源を切り、スティックを差し直してもう一度起動してください。それでもだめなときは、お電話ください。",
       "Power off, plug the stick in again and start once more. If that does not help, please call."}}},
    {ABOUT_STEP,
     "record_damaged",
     {{"このスティックの登録情報が壊れています。", "The registration on this stick is damaged."},
      {"このスティックは使えません。交換しますので、お電話ください。",
       "This stick cannot be used. Please call for a replacement."}}},
    {ABOUT_STEP,
     "root_damaged",
     {{"このスティックの中身が、お渡ししたときと違っています。",
       "What is on this stick is not what was handed to you."},
      {"電源を切り、このスティックを使わずに、お電話ください。",
       "Power off, do not use this stick, and please call."}}},
    {ABOUT_STEP,
     "policy_none",
     {{"銀行の一覧を読めません。", "The list of banks cannot be read."},
      {"このスティックでは銀行を開けません。お電話ください。", "No bank can be opened with this stick. Please call."}}},
    {ABOUT_STEP,
     "policy_refused",
     {{"届いた銀行の一覧が正しくないため、使いませんでした。",
       "The list of banks that arrived was not right, so it was not used."},
      {"自動で受け取り直しています。そのままお待ちください。", "We are fetching it again. Please wait."}}},
    {ABOUT_STEP,
     "policy_expired",
     {{"銀行の一覧の有効期限が切れています。", "The list of banks has expired."},
      {"新しい一覧を受け取っています。そのままお待ちください。10分たっても変わらないときは、お電話ください。",
       "A new list is being fetched. Please wait. If nothing changes in 10 minutes, please call."}}},
    {ABOUT_STEP,
     "no_device",
     {{"ネットワークの差し込み口が見つかりません。", "No network socket was found in this PC."},
      {"LANケーブルの差し込み口があるパソコンか、USBのLANアダプターをお使いください。",
       "Please use a PC with a network (LAN) socket, or a USB network adapter."}}},
    {ABOUT_STEP,
     "no_carrier",
     {{"LANケーブルがつながっていません。", "The network cable is not connected."},
      {"ケーブルの両端を「カチッ」と音がするまで差し込み、ルーターの電源を確かめてください。つながれば自動で進みます。",
       "Push both ends of the cable in until they click, and see that the router is on. It then goes on by itself."}}},
    {ABOUT_STEP,
     "no_address",
     {{"ルーターから返事がありません。", "The router does not answer."},
      {"ルーターの電源を入れ直して、2～3分お待ちください。つながれば自動で進みます。",
       "Switch the router off and on, and wait two or three minutes. It then goes on by itself."}}},
    {ABOUT_STEP,
     "wifi_none",
     {{"LANケーブルがつながっていません。", "The network cable is not connected."},
      {"ケーブルを差し込むか、F3\u00a0キーを押して Wi-Fi をお選びください。",
       "Plug in the cable, or press F3 and choose your Wi-Fi."}}},
    {ABOUT_STEP,
     "wifi_wrong_password",
     {{"Wi-Fi のパスワードがちがうようです。", "The Wi-Fi password seems to be wrong."},
      {"ルーターのラベルを見て、もう一度お選びください（F3）。正しいときは、同じ名前のにせの Wi-Fi かもしれません。",
       "Look at the router's label and choose again (F3). If it is right, this may be a false Wi-Fi of the same "
       "name."}}},
    {ABOUT_STEP,
     "wifi_not_found",
     {{"その Wi-Fi が見つかりません。", "That Wi-Fi was not found."},
      {"ルーターの電源を確かめ、近くへ寄って、もう一度お選びください（F3）。",
       "See that the router is on, go nearer, and choose again (F3)."}}},
    {ABOUT_STEP,
     "wifi_refused",
     {{"その Wi-Fi が、接続を断ったか、返事をしません。", "That Wi-Fi refuses to be joined, or does not answer."},
      {"ルーターの電源を入れ直すか、ほかの Wi-Fi をお選びください（F3）。",
       "Switch the router off and on, or choose another Wi-Fi (F3)."}}},
    {ABOUT_STEP,
     "wifi_no_address",
     {{"Wi-Fi にはつながりましたが、アドレスが届きません。", "The Wi-Fi is joined, but no address comes."},
      {"ルーターの電源を入れ直して、2～3分お待ちください。変わらないときは、ほかの Wi-Fi をお選びください（F3）。",
       "Switch the router off and on, and wait two or three minutes. If nothing changes, choose another Wi-Fi (F3)."}}},
    {ABOUT_STEP,
     "wifi_no_answer",
     {{"Wi-Fi の先から、関所の窓口の返事がありません。", "No answer from the Sekisho gateway through this Wi-Fi."},
      {"ホテルや店の、ログイン画面が出る Wi-Fi は使えません。ご自宅の Wi-Fi か携帯電話のテザリングをお使いください。"
       "5分たっても変わらないときは、お電話ください。",
       "Wi-Fi with a login page, as in hotels and shops, cannot be used. Please use your home Wi-Fi or your phone's "
       "hotspot. If nothing changes in 5 minutes, please call."}}},
    {ABOUT_STEP,
     "no_answer",
     {{"関所の窓口から返事がありません。", "The Sekisho gateway does not answer."},
      {"自動でつなぎ直しています。5分たっても変わらないときは、インターネットが使えるかを確かめて、お電話ください。",
       "We keep trying. If nothing changes in 5 minutes, see whether the Internet works at all, and please call."}}},
    {ABOUT_STEP,
     "trying_next",
     {{"別の入口を試しています。", "Trying another entrance."}, {"そのままお待ちください。", "Please wait."}}},
    {ABOUT_STEP,
     "tunnel_lost",
     {{"安全な通路が切れました。", "The secure passage was cut."},
      {"自動でつなぎ直しています。そのままお待ちください。", "We are reconnecting. Please wait."}}},
    {ABOUT_STEP,
     "gateway_left",
     {{"関所の点検のため、別の入口につなぎ直しています。",
       "One entrance is being serviced; we are changing to another."},
      {"そのままお待ちください。", "Please wait."}}},
    {ABOUT_STEP,
     "time_unconfirmed",
     {{"正しい時刻をまだ確かめられません。", "The right time could not be confirmed yet."},
      {"自動でやり直しています。そのままお待ちください。", "We keep trying. Please wait."}}},
    {ABOUT_STEP,
     "no_reply",
     {{"入場の許可がまだ届きません。", "The admission has not arrived yet."},
      {"自動でやり直しています。そのままお待ちください。", "We keep trying. Please wait."}}},
    {ABOUT_STEP,
     "refused",
     {{"入場が許可されませんでした。", "Admission was refused."},
      {"このままではご利用になれません。お電話ください。", "You cannot go on as it is. Please call."}}},
    {ABOUT_STEP,
     "revoked",
     {{"このスティックは使用を止められています。", "This stick has been blocked."},
      {"紛失の届けなどで止められたものです。お心当たりがないときも、お電話ください。",
       "It was blocked, for example because it was reported lost. Please call in any case."}}},
    {ABOUT_STEP,
     "unknown",
     {{"このスティックは登録されていません。", "This stick is not registered."},
      {"登録を確かめますので、お電話ください。", "Please call, so that the registration can be checked."}}},
    {ABOUT_STEP,
     "image_old",
     {{"このスティックの版が古くなりました。", "The software on this stick is too old."},
      {"安全のため使えません。交換しますので、お電話ください。",
       "For your safety it cannot be used. Please call for a replacement."}}},
    {ABOUT_STEP,
     "image_unknown",
     {{"このスティックの中身が、登録されたものと違います。", "What is on this stick is not what was registered."},
      {"電源を切り、このスティックを使わずに、お電話ください。",
       "Power off, do not use this stick, and please call."}}},
    {ABOUT_STEP,
     "copied",
     {{"このスティックの写しが、ほかでも使われました。", "A copy of this stick was used somewhere else."},
      {"安全のため、どちらも使えなくしました。電源を切り、すぐにお電話ください。",
       "For your safety neither can be used now. Power off and call at once."}}},
    {ABOUT_STEP,
     "pin_wrong",
     {{"暗証番号が違います。", "The PIN was not right."},
      {"もう一度入れてください。5回まちがえると止まります。",
       "Please type it again. After five wrong ones it is locked."}}},
    {ABOUT_STEP,
     "pin_wanted",
     {{"暗証番号が必要です。", "Your PIN is needed."}, {"暗証番号を入れてください。", "Please type your PIN."}}},
    {ABOUT_STEP,
     "pin_locked",
     {{"暗証番号を5回まちがえたため、止まっています。", "It is locked, because the PIN was wrong five times."},
      {"窓口にお電話ください。ご本人と確かめられれば、この画面でもう一度入れられます。",
       "Please call the desk. When they know that it is you, you can type it again right here."}}},
    {ABOUT_STEP,
     "pin_none",
     {{"このスティックには、暗証番号が登録されていません。", "No PIN is registered for this stick."},
      {"暗証番号がないとご利用になれません。お電話ください。", "Without one it cannot be used. Please call."}}},
    {ABOUT_STEP,
     "no_identity",
     {{"このスティックの登録が足りません。", "The registration of this stick is not complete."},
      {"登録を直しますので、お電話ください。", "Please call, so that it can be completed."}}},
    {ABOUT_STEP,
     "signature",
     {{"このスティックの署名が、登録されたものと違います。", "The signature of this stick is not the registered one."},
      {"このスティックは使えません。交換しますので、お電話ください。",
       "This stick cannot be used. Please call for a replacement."}}},
    {ABOUT_STEP,
     "device_mismatch",
     {{"このスティックの登録が、ほかのものと取り違えられています。",
       "The registration of this stick was mixed up with another one."},
      {"登録を直しますので、お電話ください。", "Please call, so that it can be put right."}}},
    {ABOUT_STEP,
     "no_statement",
     {{"入場の手続きをしています。", "Admission is under way."}, {"そのままお待ちください。", "Please wait."}}},
    {ABOUT_STEP,
     "nonce",
     {{"入場の手続きをやり直しています。", "Admission is asked for again."},
      {"そのままお待ちください。", "Please wait."}}},
    {ABOUT_STEP,
     "try_again",
     {{"関所の窓口が込み合っています。", "The Sekisho gateway is busy."},
      {"自動でやり直しています。そのままお待ちください。", "We keep trying. Please wait."}}},
    {ABOUT_STEP,
     "record_slow",
     {{"スティックへの書き込みが終わりません。", "Writing to this stick does not come to an end."},
      {"もう1分お待ちください。変わらないときは、電源を切り、別の差し込み口でもう一度起動してください。それでもだめなと"
       "きは、お電話ください。",
       "Please wait another minute. If nothing changes, power off and start once more from another USB socket. If that "
       "does not help, please call."}}},
    {ABOUT_STEP,
     "internal",
     {{"機器の中で問題が起きました。", "Something inside this device went wrong."},
      {"自動でやり直しています。くり返すときは、電源を切って、お電話ください。",
       "We keep trying. If it happens again and again, power off and please call."}}},

    /* a bank that was chosen and did not open */
    {ABOUT_SESSION,
     "",
     {{"銀行までの通路を開けませんでした。", "The passage to the bank could not be opened."},
      {"少し待ってから、もう一度お試しください。くり返すときは、お電話ください。",
       "Wait a little and try again. If it happens again and again, please call."}}},
    {ABOUT_SESSION,
     "gateway_refused",
     {{"関所の窓口が、この銀行を今は開けないと答えました。",
       "The Sekisho gateway answered that this bank cannot be opened now."},
      {"少し待ってから、もう一度お試しください。くり返すときは、お電話ください。",
       "Wait a little and try again. If it happens again and again, please call."}}},
    {ABOUT_SESSION,
     "gateway_silent",
     {{"関所の窓口から返事がありません。", "The Sekisho gateway does not answer."},
      {"少し待ってから、もう一度お試しください。", "Wait a little and try again."}}},
    {ABOUT_SESSION,
     "unknown_bank",
     {{"この銀行は、今の一覧にありません。", "This bank is not in the present list."},
      {"一覧へ戻って、選び直してください。", "Go back to the list and choose again."}}},
    {ABOUT_SESSION,
     "not_ready",
     {{"まだ銀行を開ける状態ではありません。", "No bank can be opened just now."},
      {"準備が終わってから、もう一度お選びください。", "Please choose again when everything is ready."}}},
    {ABOUT_SESSION,
     "internal",
     {{"機器の中で問題が起きました。", "Something inside this device went wrong."},
      {"もう一度お試しください。くり返すときは、電源を切って、お電話ください。",
       "Please try again. If it happens again and again, power off and please call."}}},

    /* a USB device that is not let in */
    {ABOUT_USB,
     "",
     {{"関所では使わない種類の USB 機器がつながれました。安全のため、動かしていません。",
       "A USB device of a kind that is never used here was plugged in. For your safety it does not run."},
      {"抜いてください。お取引は、そのまま続けられます。", "Please pull it out. You can go on as before."}}},
    {ABOUT_USB,
     "keyboard",
     {{"新しいキーボードは確かめられなかったので、使いません。",
       "The new keyboard was not confirmed, so it is not used."},
      {"お使いになるときは、抜いてからもう一度つなぎ、画面の番号を打ってください。お心当たりがないときは、抜いたままに"
       "して、"
       "お電話ください。",
       "To use it, pull it out, plug it in again and type the number on the screen. If it is not yours, leave it out "
       "and "
       "please call."}}},
    {ABOUT_USB,
     "pointer",
     {{"新しいマウスなどは確かめられなかったので、使いません。",
       "The new mouse or the like was not confirmed, so it is not used."},
      {"お使いになるときは、抜いてからもう一度つなぎ、画面の番号をキーボードで打ってください。お心当たりがないときは、"
       "抜いた"
       "ままにして、お電話ください。",
       "To use it, pull it out, plug it in again and type the number on the keyboard. If it is not yours, leave it out "
       "and please call."}}},
    {ABOUT_USB,
     "storage",
     {{"USB メモリーやディスクがつながれました。中身は読んでいません。",
       "A USB stick or disk was plugged in. Nothing on it was read."},
      {"抜いてください。この画面の間は、どの USB メモリーも使いません。お取引は、そのまま続けられます。",
       "Please pull it out. No other USB stick is ever used here. You can go on as before."}}},
    {ABOUT_USB,
     "network",
     {{"ネットワークの USB 機器がつながれました。途中からつないだものは使いません。",
       "A USB network adapter was plugged in. One that comes later is not used."},
      {"お使いになるときは、電源を切り、つないだままで起動し直してください。",
       "To use it, power off and start again with it plugged in."}}},
    {ABOUT_USB,
     "reader",
     {{"カードリーダーかトークンがつながれました。このスティックでは使いません。",
       "A card reader or a token was plugged in. This stick does not use it."},
      {"抜いてください。電子証明書のトークンをお使いになるときは、スティックをお渡しした窓口へお電話ください。",
       "Please pull it out. If you log in with a certificate in a token, call the desk that gave you the stick."}}},
    {ABOUT_USB,
     "phone",
     {{"電話機がつながれました。電話機の回線は使いません。", "A phone was plugged in. Its connection is not used."},
      {"抜いてください。充電もほかの差し込み口でお願いします。お取引は、そのまま続けられます。",
       "Please pull it out, and charge it elsewhere. You can go on as before."}}},

    /* a session on hold */
    {ABOUT_FREEZE,
     "",
     {{"安全のため、銀行との通信をすべて止めました。", "For your safety all traffic with the bank was stopped."},
      {"そのままお待ちください。安全が確かめられると、自動で続きから再開します。送信の途中だったときは、"
       "再開後に取引の結果をお確かめください。",
       "Please wait. When it is safe again, you go on where you were. If you had just sent something, check "
       "afterwards whether it arrived."}}},
    {ABOUT_FREEZE,
     "tunnel_lost",
     {{"安全な通路が切れたため、銀行との通信をすべて止めました。",
       "The secure passage was cut, so all traffic with the bank was stopped."},
      {"LANケーブルとルーターを確かめて、お待ちください。つながると自動で再開します。送信の途中だったときは、"
       "再開後に取引の結果をお確かめください。",
       "Check the network cable and the router, and wait. When it is connected again, you go on by itself. If you had "
       "just sent something, check afterwards whether it arrived."}}},
    {ABOUT_FREEZE,
     "gateway_left",
     {{"関所の点検のため、別の入口につなぎ直しています。",
       "One entrance is being serviced; we are changing to another."},
      {"そのままお待ちください。自動で続きから再開します。送信の途中だったときは、再開後に取引の結果をお確かめください"
       "。",
       "Please wait, it goes on by itself. If you had just sent something, check afterwards whether it arrived."}}},
    {ABOUT_FREEZE,
     "link_lost",
     {{"ネットワークが切れたため、銀行との通信をすべて止めました。",
       "The network was cut, so all traffic with the bank was stopped."},
      {"LANケーブルが抜けていないか、ルーターの電源が入っているかを確かめてください。つながると自動で再開します。",
       "See whether the network cable is in and the router is on. When it is connected again, you go on by itself."}}},
    {ABOUT_FREEZE,
     "admission_lost",
     {{"入場の許可を確かめられないため、銀行との通信をすべて止めました。",
       "Your admission could not be confirmed, so all traffic with the bank was stopped."},
      {"そのままお待ちください。許可が確かめられると、自動で再開します。くり返すときは、お電話ください。",
       "Please wait. When it is confirmed you go on by itself. If it happens again and again, please call."}}},
    {ABOUT_FREEZE,
     "image_old",
     {{"このスティックの版が古くなったため、銀行との通信をすべて止めました。",
       "The software on this stick is too old now, so all traffic with the bank was stopped."},
      {"安全のため続けられません。取引の途中だったときは銀行に、スティックの交換は窓口に、お電話ください。",
       "For your safety you cannot go on. If you were in the middle of something please call the bank, and for a "
       "replacement the desk."}}},
    {ABOUT_FREEZE,
     "image_unknown",
     {{"このスティックの中身が登録されたものと違うため、銀行との通信をすべて止めました。",
       "What is on this stick is not what was registered, so all traffic with the bank was stopped."},
      {"電源を切り、このスティックを使わずに、お電話ください。",
       "Power off, do not use this stick, and please call."}}},
    {ABOUT_FREEZE,
     "copied",
     {{"このスティックの写しがほかでも使われたため、銀行との通信をすべて止めました。",
       "A copy of this stick was used somewhere else, so all traffic with the bank was stopped."},
      {"電源を切り、すぐにお電話ください。取引の途中だったときは、銀行にもお電話ください。",
       "Power off and call at once. If you were in the middle of something please call the bank, too."}}},
    {ABOUT_FREEZE,
     "pin_locked",
     {{"暗証番号が5回まちがえられたため、銀行との通信をすべて止めました。",
       "The PIN was wrong five times, so all traffic with the bank was stopped."},
      {"窓口にお電話ください。", "Please call the desk."}}},
    {ABOUT_FREEZE,
     "revoked",
     {{"このスティックの使用が止められました。銀行との通信はすべて止めてあります。",
       "This stick was blocked. All traffic with the bank is stopped."},
      {"お電話で事情をお確かめください。", "Please call to learn why."}}},

    /* the page itself */
    {ABOUT_PAGE,
     "",
     {{"銀行のページを読み込めませんでした。", "The bank's page could not be loaded."},
      {"「もう一度試す」を押してください。くり返すときは、お電話ください。",
       "Press \"Try again\". If it happens again and again, please call."}}},
    {ABOUT_PAGE,
     "tls",
     {{"銀行のページの証明書が正しくないため、開きませんでした。何も送っていません。",
       "The certificate of the page was not right, so it was not opened. Nothing was sent."},
      {"入力はせずに、銀行へお電話ください。", "Do not type anything. Please call the bank."}}},
    {ABOUT_PAGE,
     "crashed",
     {{"ページの表示が止まってしまいました。", "The page stopped working."},
      {"「もう一度試す」を押してください。送信の途中だったときは、取引の結果をお確かめください。",
       "Press \"Try again\". If you had just sent something, check whether it arrived."}}},
    {ABOUT_PAGE,
     "download",
     {{"この機器では、ファイルの保存や印刷はできません。", "This device does not save or print files."},
      {"明細書などのファイルは、ほかのパソコンで銀行のページを開いて保存してください。",
       "Please fetch statements and other files with another PC."}}},
    {ABOUT_PAGE,
     "insecure",
     {{"暗号で守られていない先（https ではない先）へ進もうとしました。",
       "The page wanted to go to a place without encryption (not https)."},
      {"元のページへ戻ってください。この機器は、守られていない先を開きません。",
       "Go back to the page. This device opens no unprotected place."}}},
    {ABOUT_PAGE,
     "login",
     {{"ページが、この機器では使えない方法で利用者名とパスワードを求めました。",
       "The page asked for a name and password in a way this device does not use."},
      {"元のページへ戻り、銀行へお電話ください。", "Go back to the page and call the bank."}}},

    /* what goes on, and should be put right */
    {ABOUT_NOTICE,
     "",
     {{"このスティックに、直したほうがよいところがあります。", "Something about this stick should be put right."},
      {"お取引は続けられます。お取引のあとで、お電話ください。", "You can go on. When you are done, please call."}}},
    {ABOUT_NOTICE,
     "record_not_kept",
     {{"このスティックに書き込めません。", "Nothing can be written to this stick."},
      {"お取引は続けられます。書き込み禁止のスイッチがあれば、次に使う前に外してください。なければ交換しますので、お取"
       "引"
       "のあとで、お電話ください。",
       "You can go on. If it has a write-protection switch, turn that off before the next use. If not, please call for "
       "a "
       "replacement when you are done."}}},
    {ABOUT_NOTICE,
     "certificate_unnamed",
     {{"電子証明書を見せる先として登録されていない所が、電子証明書を求めました。見せていません。",
       "A place that is not registered for your certificate asked for it. It was not shown."},
      {"お取引は続けられます。電子証明書でログインできないときは、銀行へお電話ください。",
       "You can go on. If you cannot log in with your certificate, please call the bank."}}},

    /* refused hosts that are known to be bad */
    {ABOUT_DANGER,
     "",
     {{"この行き先は、危険なものとして知られています。開いていません。何も送っていません。",
       "This place is known to be dangerous. It was not opened, and nothing was sent."},
      {"ここへ案内した電話やメールは信用しないでください。暗証番号などをすでに伝えたときは、すぐに銀行へお電話ください"
       "。",
       "Do not trust the call or message that led you here. If you have already given a password to anybody, call the "
       "bank at once."}}},
    {ABOUT_DANGER,
     "phishing",
     {{"この行き先は、銀行をよそおって暗証番号などを盗むページとして知られています。開いていません。何も送っていません"
       "。",
       "This place is known for stealing passwords by posing as somebody else. It was not opened, and nothing was "
       "sent."},
      {"ここへ案内した電話やメールは、にせものです。暗証番号などをほかの機器ですでに入力したときは、すぐに銀行へお電話"
       "ください。",
       "The call or message that led you here is false. If you have already typed a password there on another device, "
       "call the bank at once."}}},
    {ABOUT_DANGER,
     "malware",
     {{"この行き先は、パソコンを乗っ取るプログラムを配る所として知られています。開いていません。何も受け取っていません"
       "。",
       "This place is known for spreading programs that take over a PC. It was not opened, and nothing was received."},
      {"ここへ案内した電話やメールは信用しないでください。ほかのパソコンで開いたときは、そのパソコンで銀行を使わず、銀"
       "行へお電話ください。",
       "Do not trust the call or message that led you here. If you opened it on another PC, do not bank with that PC, "
       "and call the bank."}}},

    /* the token that a certificate's key is in */
    {ABOUT_TOKEN,
     "",
     {{"電子証明書の鍵が入ったトークンで、問題が起きました。",
       "Something is wrong with the token of your certificate."},
      {"トークンを差し直して、もう一度お試しください。くり返すときは、銀行へお電話ください。",
       "Plug the token in again and try once more. If it happens again, please call the bank."}}},
    {ABOUT_TOKEN,
     "locked",
     {{"暗証番号のまちがいが続いたため、トークンが止まっています。",
       "The token is locked, because wrong PINs were typed too often."},
      {"トークンの発行元へお電話ください。止まったものは、発行元だけが元に戻せます。",
       "Please call who issued the token: only they can unlock it."}}},
    {ABOUT_TOKEN,
     "absent",
     {{"トークンが見つかりません。抜けているか、ほかのトークンが差さっています。",
       "The token was not found. It was pulled out, or another one is plugged in."},
      {"下の名前のトークンを差し込んでから、もう一度お試しください。暗証番号は、また聞かれます。",
       "Plug in the token of this name and try again. Its PIN is then asked for again."}}},
    {ABOUT_TOKEN,
     "failed",
     {{"トークンに、この電子証明書の鍵が見つからないか、鍵が働きません。",
       "The key of this certificate is not in the token, or does not work."},
      {"差してあるトークンが正しいかを確かめてください。正しいときは、銀行へお電話ください。",
       "See whether the right token is plugged in. If it is, please call the bank."}}},
    {ABOUT_TOKEN,
     "other_key",
     {{"トークンの鍵が、登録された電子証明書のものではありません。",
       "The key in the token is not that of the registered certificate."},
      {"電子証明書を新しくしたときなどに起こります。スティックをお渡しした窓口へお電話ください。",
       "This happens, for example, after the certificate was renewed. Please call the desk that gave you the stick."}}},
    {ABOUT_TOKEN,
     "silent",
     {{"トークンから返事がありません。", "The token does not answer."},
      {"トークンを抜いて差し直し、もう一度お試しください。",
       "Pull the token out, plug it in again and try once more."}}},
    {ABOUT_TOKEN,
     "none",
     {{"このスティックは、今トークンを使えません。", "This stick cannot use a token just now."},
      {"もう一度お試しください。変わらないときは、トークンを使えない版です。スティックをお渡しした窓口へお電話ください"
       "。",
       "Please try again. If nothing changes, this stick is of a kind without tokens: call the desk that gave it to "
       "you."}}},
};

static const struct advice refusals[REFUSAL_COUNT] = {
    [REFUSAL_NONE] = {{"理由は分かっていません。", "The reason is not known."},
		      {"元のページへ戻って、もう一度お試しください。", "Go back to the page and try again."}},
    [REFUSAL_NOT_LISTED] =
	{{"この銀行が認めた行き先ではありません。にせのページの心配があるため、開きませんでした。",
	  "It is not a place this bank has named as its own. It might be a false page, so it was not "
	  "opened."},
	 {"元のページへ戻ってください。銀行の手続きに必要なときは、銀行へお電話ください。",
	  "Go back to the page. If you need it for your banking, please call the bank."}},
    [REFUSAL_PORT] = {{"行き先の名前は正しいのですが、この銀行が認めていない入口です。",
		       "The name is the bank's own, but this entrance is not one it has named."},
		      {"元のページへ戻り、銀行へお電話ください。", "Go back to the page and call the bank."}},
    [REFUSAL_EXPIRED_POLICY] = {{"銀行の一覧の有効期限が切れています。", "The list of banks has expired."},
				{"取引を終えて、新しい一覧が届くまでお待ちください。変わらないときは、お電話ください。",
				 "Finish here and wait for the new list. If nothing changes, please call."}},
    [REFUSAL_NO_SESSION] = {{"取引がすでに終わっています。", "The session has already ended."},
			    {"銀行の一覧へ戻り、選び直してください。",
			     "Go back to the list and choose the bank again."}},
    [REFUSAL_IP_LITERAL] = {{"名前ではなく番号で書かれた行き先です。銀行のものか確かめられないため、開きませんでした。",
			     "It is named by a number, not by a name. Nobody can tell whose it is, so it was not "
			     "opened."},
			    {"元のページへ戻ってください。", "Go back to the page."}},
    [REFUSAL_BAD_HELLO] = {{"機器の中の通信が正しい形ではありませんでした。",
			    "Traffic inside this device was not well-formed."},
			   {"元のページへ戻って、もう一度お試しください。くり返すときは、お電話ください。",
			    "Go back to the page and try again. If it happens again and again, please call."}},
    [REFUSAL_NO_ADDRESS] = {{"銀行のコンピューターの住所が、今は分かりません。",
			     "The address of the bank's computer cannot be found now."},
			    {"少し待ってから、もう一度お試しください。", "Wait a little and try again."}},
    [REFUSAL_UNREACHABLE] = {{"銀行のコンピューターにつながりません。", "The bank's computer cannot be reached."},
			     {"銀行が休止時間ではないかを確かめ、少し待ってから、もう一度お試しください。",
			      "See whether the bank is closed for maintenance, wait a little and try again."}},
    [REFUSAL_TIMEOUT] =
	{{"銀行のコンピューターから返事がありません。", "The bank's computer does not answer."},
	 {"少し待ってから、もう一度お試しください。送信の途中だったときは、取引の結果をお確かめください。",
	  "Wait a little and try again. If you had just sent something, check whether it arrived."}},
    [REFUSAL_TLS] = {{"銀行のコンピューターと、安全な通信を始められませんでした。何も送っていません。",
		      "Secure traffic with the bank's computer could not begin. Nothing was sent."},
		     {"少し待ってから、もう一度お試しください。くり返すときは、銀行へお電話ください。",
		      "Wait a little and try again. If it happens again and again, please call the bank."}},
    [REFUSAL_FROZEN] = {{"安全な通路が切れている間は、どこも開きません。",
			 "While the secure passage is cut, nothing is opened."},
			{"つながるまで、そのままお待ちください。", "Please wait until it is connected again."}},
    [REFUSAL_BAD_QUESTION] = {{"行き先の名前を調べるための問い合わせが、正しい形ではありませんでした。",
			       "The question for a place's name was not well-formed."},
			      {"元のページへ戻って、もう一度お試しください。くり返すときは、お電話ください。",
			       "Go back to the page and try again. If it happens again and again, please call."}},
};

/* What the certificates' check says (whitelist/chain.def), and what to do; behind it where it may well be an attack. */
#define DO_NOT_TYPE {"入力はせずに、銀行へお電話ください。", "Do not type anything. Please call the bank."}
#define DO_NOT_TYPE_AND_CALL                                                                                           \
	{"入力はせずに、すぐに銀行へお電話ください。", "Do not type anything. Please call the bank at once."}
static const struct advice certificates[CHAIN_FAULT_COUNT] = {
#define CHAIN_FAULT(name, code, operator, ja, en) [CHAIN_##name] = {{ja, en}, DO_NOT_TYPE},
#include "whitelist/chain.def"
#undef CHAIN_FAULT
};
static const struct advice attacks[CHAIN_FAULT_COUNT] = {
#define CHAIN_FAULT(name, code, operator, ja, en) [CHAIN_##name] = {{ja, en}, DO_NOT_TYPE_AND_CALL},
#include "whitelist/chain.def"
#undef CHAIN_FAULT
};

const struct advice *advice_for(enum advice_about about, const char *code)
{
	const struct advice *general = NULL;
	for (size_t i = 0; i < COUNT(advices); i++) {
		if (advices[i].about != about)
			continue;
		if (strcmp(advices[i].code, code) == 0)
			return &advices[i].advice;
		if (advices[i].code[0] == '\0')
			general = &advices[i].advice;
	}
	for (int i = 1; i < REFUSAL_COUNT && about == ABOUT_SESSION; i++)
		if (strcmp(refusal_code((enum refusal)i), code) == 0)
			return advice_for_refusal((enum refusal)i);
	return general;
}

const char *advice_code(size_t nth, enum advice_about *about)
{
	if (nth >= COUNT(advices))
		return NULL;
	*about = advices[nth].about;
	return advices[nth].code;
}

const struct advice *advice_for_refusal(enum refusal refusal)
{
	enum chain_fault fault = refusal_chain(refusal);
	if (fault)
		return fault == CHAIN_PIN || fault == CHAIN_REVOKED ? &attacks[fault] : &certificates[fault];
	if (refusal < 0 || refusal >= REFUSAL_COUNT)
		refusal = REFUSAL_NONE;
	return &refusals[refusal];
}
