#!/bin/sh
# The bad neighbours of a bank, visited one after the other in one session: what the customer reads, what reached them,
# what the desk counts. Then every key that opens, saves, prints, inspects or leaves elsewhere.
. tests/e2e/lib.sh

# The stick does not wait for the others here: the gateway is there before it, or it tries again.
world_and_gateway_begin
stick_disk
stick_start
world_and_gateway_ready
api_login || bail "the desk lets the operator in"
screen_wait '銀行をお選びください' 180 || bail "the stick shows its banks"
press 1
screen_wait '契約者番号' 120 || bail "the bank's page is painted"
press tab tab c # out of the page's entries, where a letter is a letter
screen_wait '関所の壁を確かめる' 60 || bail "the check page opens"

# --- each neighbour has its own explanation ---

# visit KEY REGEX WHAT - REGEX is of the explanation and the place it names
visit() {
  press "$1"
  screen_wait "$2" 60
  ok $? "$3"
}
back=ret # the first button of every explanation but one: back to the page before

visit 1 '認めた行き先ではありません.*phish\.example' "a site on no list: not one the bank has named"
press f2
screen_wait 'Thispagestaysclosed.*notaplacethisbankhasnamed.*phish\.example' 30
ok $? "in English with F2"
press f2 $back
visit 2 '本物の鍵を持っていません.*wrongpin\.bank\.example' "a wrong pin: not the key the bank has named"
press $back
visit 3 '別の名前のもの.*wrongname\.bank\.example' "a certificate for another name: said so"
press $back
# (OCR takes the p of this one for a capital)
visit 4 '有効期限が合っていません.*ex.ired\.bank\.example' "an expired certificate: out of date"
press $back
visit 5 '決めた発行元のものではありません.*unknownca\.bank\.example' "an unknown authority: not one the bank has named"
press $back
visit 7 '危険な行き先.*銀行をよそおって.*known-phish\.example' "a redirect to a site that is known for phishing: said so, as that site"
press f2
screen_wait 'knowntobedangerous.*stealingpasswords.*known-phish\.example' 30
ok $? "in English with F2"
press f2 $back
visit p '暗号で守られていない先' "a place without encryption: said so"
press $back

visit 8 'NOFOREIGNSCRIPTRAN.*許可されていない先.*evil-cdn\.example' "a page with a foreign script: shown without it, and the bar below names the host"
press alt-left
screen_wait '関所の壁を確かめる' 60 || note "no way back from the page with the script"
press 9
screen_wait 'POPUPPAGE' 60
press ret
screen_wait '認めた行き先ではありません.*phish\.example' 60
ok $? "a window that a page opens: explained, as the site it was for"
press $back
screen_wait 'NOWINDOWOPENED' 30
ok $? "and the page was told that there is none"
press alt-left
screen_wait '関所の壁を確かめる' 60 || note "no way back from the page with the window"
press 0
screen_wait 'FRAMEPAGE.*AFTERTHEFRAME' 60
ok $? "a page that frames a foreign one is shown"
picture_shows "$newest" '接続先www\.bank\.example'
ok $? "under a bar that names the bank's host, whatever the page says of itself"
! picture_shows "$newest" 'BADNEIGHBOUR'
ok $? "its frames stay empty"
screen_wait 'FRAMEPAGE.*許可されていない先.*phish\.example' 30
ok $? "and the bar below says so, and names what the frame was for"
picture_steady 1
cp "$PICTURE" "$RUN/frame-ja.png"
press f2
screen_wait 'FRAMEPAGE.*placenotpermitted.*phish\.example' 30
ok $? "in English with F2"
press f2
press alt-left
screen_wait '関所の壁を確かめる' 60 || note "no way back from the page with the frame"

visit 6 'コンピューターから返事がありません.*hang\.bank\.example' "a bank that hangs: it does not answer"
press alt-left # here the first button tries again

# --- nothing to open, save, inspect, print or leave by ---

"$B/qmp" "$RUN/stick.qmp" mouse 640 600
visit i '名前ではなく.{0,3}番号.*198\.51\.100\.10' "an address instead of a name: said so"
press $back
screen_wait '関所の壁を確かめる' 60
picture_steady 2
before=$PICTURE
press ctrl-o ctrl-s ctrl-p print ctrl-u ctrl-d ctrl-h ctrl-j                          # open, save, print, source, marks
press f12 ctrl-shift-i ctrl-shift-j ctrl-shift-c ctrl-shift-k f7                      # inspect
press ctrl-l ctrl-n ctrl-t ctrl-w ctrl-q ctrl-tab ctrl-shift-n ctrl-shift-p f6 f11 f3 # other places, windows, tabs
press shift-f10 menu f1 help ctrl-f ctrl-g ctrl-shift-u                               # menus, help, search
press alt-f4 alt-f2 alt-tab alt-esc alt-spc alt-home alt-d ctrl-esc meta_l meta_l-d meta_l-l
press ctrl-alt-f1 ctrl-alt-f2 ctrl-alt-f7 ctrl-alt-t ctrl-alt-esc ctrl-alt-backspace ctrl-alt-delete
press alt-sysrq-k alt-sysrq-e alt-sysrq-b
for button in right middle; do "$B/qmp" "$RUN/stick.qmp" mouse 640 600 $button; done
visit i '名前ではなく.{0,3}番号.*198\.51\.100\.10' "after fifty keys and two buttons that open things elsewhere the page still has the keyboard"
press $back
picture_again "$before" 30
ok $? "and is the same to the last pixel"

# --- what reached them ---

! grep -E 'wrongpin|wrongname|expired|unknownca|hang|phish|evil-cdn' "$RUN/bank.log"
ok $? "the neighbours' log: not one request"
# TLS records by their first byte (RFC 8446 section 5.1): 22 handshake, 23 application data
record='tcp[((tcp[12] & 0xf0) >> 2)]'
[ "$(wire "$RUN/gateway.pcap" "dst net 198.51.100.0/24 and dst host (198.51.100.31 or 198.51.100.32 or 198.51.100.33 or 198.51.100.34 or 198.51.100.35) and $record = 22")" -ge 5 ]
ok $? "the wire: five of them were greeted"
[ "$(wire "$RUN/gateway.pcap" "dst host (198.51.100.31 or 198.51.100.32 or 198.51.100.33 or 198.51.100.34 or 198.51.100.35) and $record = 23")" = 0 ]
ok $? "and sent no application data"
[ "$(wire "$RUN/gateway.pcap" "host 198.51.100.40 or host 198.51.100.41 or (host 198.51.100.10 and port 80)")" = 0 ]
ok $? "those on no list, and the bank without encryption, got not one packet"

# --- what the desk counts ---

for expected in pin:1 name:1 dates:1 chain:1 timeout:1 ip_literal:3 not_listed:6; do
  refusals_wait "${expected%:*}" "${expected#*:}" 75
  ok $? "the desk counts them: ${expected%:*}"
done
