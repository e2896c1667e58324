#!/usr/bin/python3
"""console - the operators' console in a real browser, served by gatewayd as tests/rig/gateway starts it.

Usage: B=BUILD console.t. Prints TAP. Needs root and chromium. Leaves pictures of what a person saw in B/console.
"""
import base64
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from rigs import end, start, started
from tap import bail, check, must, plan, run
from webdriver import Browser

B = os.path.abspath(os.environ["B"])
RIG = os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../rig")
PICTURES = f"{B}/console"
BOOT = ("0123456789abcdef", "fedcba9876543210")
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
LONG = "株式会社" + "とても長い名前の商店" * 3 + "x" * 26


def without_words():
    """Codes that sticks count by (vpn/gateway/hub_sticks.c, whitelist/chain.def) and the console has no two texts for."""
    with open("whitelist/chain.def") as rows, open("vpn/gateway/hub_sticks.c") as table, open("vpn/console/counts.js") as words:
        codes = re.findall(r'^CHAIN_FAULT\(\w+, "(\w+)"', rows.read(), re.M)
        codes += re.findall(r'^    "(\w+)",$', table.read().split("hub_refusals")[1].split("};")[0], re.M)
        said = set(re.findall(r'^  (\w+): \["[^"]+", "[^"]+"\],$', words.read(), re.M))
    return sorted(set(codes) - said) if len(codes) > 50 else ["the tables were not read"]


def finish():
    end()
    shutil.rmtree(work, ignore_errors=True)


# --- the gateway and one stick --------------------------------------------------------------------------------------

def sekisho(thing, command, *more):
    return must(f"{B}/sekisho", "gateway", thing, command, "--socket", rig["socket"], *more)


def add(number, name, region="", key=None):
    key = key or must("sh", "-c", "wg genkey | wg pubkey").strip()
    demo, new = rig["directory"] + "/demo", f"{work}/ST-{number:06}"
    must(f"{B}/sekisho", "device", "new", "--device", f"ST-{number:06}", "--tenant", "demo", "--address", "10.77.0.2/32",
         "--gateways", demo + "/gateways.dsse.json", "--roots", demo + "/roots.json", "--public", new + ".pub",
         "--identity", new + ".identity", "-o", new + ".record")
    sekisho("stick", "add", "--id", f"ST-{number:06}", "--key", key, "--name", name, "--region", region, "--identity",
            open(new + ".identity").read().strip())


def beacon(boot, sequence, **more):
    body = {"device": "ST-000001", "boot": BOOT[boot], "sequence": sequence, "image": {"version": 7, "root_hash": "ab" * 32},
            "policy_version": 3, "uptime_s": 12, "link": "wired", "session": False, "goodbye": False,
            "tunnel": {"gateway": "gw1", "handshake_ms": 31, "rtt_ms": 9, "loss_permille": 0}, **more}
    said = must("nsenter", f"--net=/run/netns/{stick['netns']}", "curl", "-sS", "--max-time", "5", "--cacert", rig["ca"],
                "--resolve", f"{rig['name']}:8444:10.77.0.1", f"https://{rig['name']}:8444/v1/beacon", "--data",
                json.dumps(body))
    if json.loads(said)["reason"] == "no_statement":
        said = must(RIG + "/admit-stick", B, work + "/rig.json", stick["netns"], work + "/ST-000001.record", BOOT[boot])
    return json.loads(said)["state"]


def stop_gateway():
    open(rig["directory"] + "/hold", "w").close()
    os.kill(gatewayd(), signal.SIGTERM)
    while not is_gone(gatewayd()):
        time.sleep(0.05)


def start_gateway():
    log = open(rig["directory"] + "/gatewayd-again.log", "w+")
    process = subprocess.Popen(["nsenter", f"--net=/run/netns/{rig['netns']}", rig["directory"] + "/gatewayd", "--config",
                                rig["directory"] + "/gateway.conf"], stdout=log, stderr=log)
    started.insert(0, process)
    if not browser.until(lambda: " is up\n" in open(log.name).read()):
        bail("gatewayd does not start again: " + open(log.name).read())


def gatewayd():
    return rig["gatewayd"]


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


# --- what a person does ---------------------------------------------------------------------------------------------

def trouble():
    """Write into the resting gateway's database what a bad night leaves there."""
    now = int(time.time())
    night = [  # number, name, region, state, cause, seconds since, bank open
        (11, "鈴木金物店", "大阪", "lost", "unreachable", 460, "sekisho-demo"), (12, "佐藤米店", "仙台", "lost", "silent", 900, None),
        (13, "Tanaka Trading", "福岡", "stale", "unreachable", 15, None), (14, "高橋歯科医院", "札幌", "late", "silent", 3, None),
        (21, "箱根屋", "箱根", "lost", "unreachable", 500, None), (22, "湯本旅館", "箱根", "lost", "unreachable", 505, "yamabiko"),
        (23, "強羅工務店", "箱根", "lost", "unreachable", 498, None), (31, "伊藤書店", "東京", "up", "new_boot", 7200, None),
        (32, "渡辺花店", "名古屋", "up", "new_boot", 12000, "sekisho-demo"), (33, "Smith & Co.", "横浜", "offline", "goodbye", 40000, None)]
    data = sqlite3.connect(rig["directory"] + "/lib/gateway.db")
    for number, name, region, state, cause, since, bank in night:
        id, quiet = f"ST-{number:06}", {"late": 50, "stale": 105, "up": 5}.get(state, 180 + since)
        key = base64.b64encode(os.urandom(32)).decode()
        data.execute("INSERT INTO sticks (tenant, id, name, region, public_key, address, created) VALUES (?,?,?,?,?,?,?)",
                     ("demo", id, name, region, key, f"10.77.0.{number}", now - 90000))
        data.execute("INSERT INTO states VALUES (?,?,?,?,?,?,?,?,?)",
                     ("demo", id, state, cause, now - since, now - quiet, "ab" * 8, "7", 3 if number != 33 else 2))
        data.execute("INSERT INTO transitions SELECT 'demo', COALESCE(MAX(id), 0) + 1, ?, ?, 'up', ?, ? FROM transitions",
                     (now - since, id, state, cause))
        if bank:
            data.execute("INSERT INTO sessions VALUES ('demo', ?, ?, ?)", (id, bank, now - 1000))
    data.commit()
    data.close()


def log_in(password):
    browser.type("input[name=password]", password)
    browser.click("button.go")


def row(number):
    """The table's line of one stick, as text."""
    return browser.run("return [...document.querySelectorAll('tbody tr')].map(r => r.innerText)"
                       ".find(t => t.includes(arguments[0])) ?? ''", f"ST-{number:06}")


def shows(number, word, seconds=6):
    return browser.until(lambda: word in row(number), seconds)


def picture(name, width=1280, height=1000, dark=False):
    browser.resize(width, height)
    browser.theme(dark)
    browser.picture(f"{PICTURES}/{name}.png")


work = tempfile.mkdtemp()
os.chmod(work, 0o755)
os.makedirs(PICTURES, exist_ok=True)
try:
    with open(work + "/rig.json", "w") as file:
        rig = start(RIG + "/gateway", B, work + "/rig")
        json.dump(rig, file)
    stick = start(RIG + "/gateway-stick", work + "/rig.json", "ST-000001", "10.77.0.2")
    add(1, "山田商店", "東京", stick["key"])
    add(2, HOSTILE, '"><b>&amp;')
    add(3, LONG, "東京")
    with open(f"/run/netns/{rig['world']}") as net:
        os.setns(net.fileno(), os.CLONE_NEWNET)
    pin = must("sh", "-c", f"openssl x509 -in {rig['console_ca']} -noout -pubkey | openssl pkey -pubin -outform DER | "
               "openssl dgst -sha256 -binary | base64").strip()
    browser = Browser([f"--ignore-certificate-errors-spki-list={pin}"])

    for _ in range(4):  # a browser that has just started, on a busy machine, sometimes gives its first connection up and stays blank
        browser.open(rig["console"])
        if browser.sees("ログイン", "監視卓", seconds=15):
            break
        print("# blank:", browser.run("return location.href + ' ' + document.documentElement.outerHTML.slice(0, 600)"), browser.log())
    check(browser.sees("ログイン", "監視卓"), "the console asks for a log-in, in Japanese")
    picture("gate-ja")
    log_in("wrong-password")
    check(browser.sees("どれかが違います"), "a wrong password is refused in words")
    check("山田" not in browser.text() and browser.run("return document.cookie") == "", "and nothing is shown")
    log_in(rig["password"])
    check(browser.sees("すべてのスティック", "山田商店", "登録"), "the password printed once logs in, and the fleet is there")
    check(shows(1, "未使用"), "a stick that never started is shown as that")
    beacon(0, 1)
    check(shows(1, "正常") and "9 ms" in row(1), "its first beacon shows without a reload")

    # --- what sticks and operators wrote
    check(HOSTILE in row(2) and '"><b>&amp;' in row(2), "a name of markup is shown as text")
    check(browser.run("return window.pwned") is None and browser.run("return document.querySelectorAll('img').length") == 1,
          "and did nothing")
    check(LONG[:20] in row(3) and browser.run("return document.documentElement.scrollWidth <= innerWidth"),
          "a long name does not push the page aside")
    browser.log()
    seen = browser.run("""window.seen = []; document.addEventListener('securitypolicyviolation', e => seen.push(e.effectiveDirective));
        const script = document.createElement('script'); script.textContent = 'window.injected = 1'; document.body.append(script);
        const image = document.createElement('img'); image.src = 'https://198.51.100.40/x.png'; document.body.append(image);
        const style = document.createElement('style'); style.textContent = 'body { display: none }'; document.body.append(style);
        [script, image, style].forEach(e => e.remove()); return window.injected""")
    check(seen is None and browser.until(lambda: set(browser.run("return window.seen")) == {"script-src-elem", "img-src", "style-src-elem"}),
          "what gets into the page all the same may run no script, load no picture and no style")

    browser.log()  # the browser's own words on the above

    # --- language
    browser.click("#turn")
    check(browser.sees("All sticks", "Log out") and shows(1, "Up"), "one click makes it English")
    browser.open(rig["console"])
    check(browser.sees("All sticks", "山田商店"), "which a reload keeps, as it keeps the log-in")
    check(browser.sees("Alarms cannot be heard", selector=".notice"), "a browser that holds the sound back is said, in a place nobody overlooks")
    picture("desk-en")
    browser.click("#sound-allow")
    check(browser.until(lambda: "cannot be heard" not in browser.text()), "one press, and it may be heard", browser.text(".rest"))
    browser.click("#turn")
    check(browser.sees("すべてのスティック"), "and back")

    # --- while looking
    check(beacon(0, 2, session=True) == "admitted" and shows(1, "正常"), "a beacon more changes nothing")
    beacon(0, 3, goodbye=True)
    check(shows(1, "終了"), "a goodbye shows while looking")
    beacon(1, 1)
    check(shows(1, "正常"), "so does the next start")
    sekisho("image", "floor", "8")
    beacon(1, 2)
    check(shows(1, "足止め") and browser.sees("許可の下限", "新しいスティックを手配", selector=".alarm"),
          "an image below the floor is held back: what, and what to do")
    check(browser.sees("root がイメージの下限を 8 にしました", seconds=8, selector=".events"), "the events say who set the floor")
    picture("held-ja")
    sekisho("image", "floor", "0")
    beacon(1, 3, refused={"not_listed": 3, "pin": 1, "constructor": 2, "leaf_purpose": 4})
    check(shows(1, "正常"), "without the floor it is let in again")
    browser.click("tr[id^=stick-]")
    check(browser.sees("内部アドレス", "10.77.0.2", selector="dialog"), "a click on a stick opens what is known of it")
    check(browser.sees("許可されていないサイト\n3 回", "鍵の違う証明書（攻撃の疑い）\n1 回", "constructor\n2 回", "サーバー用でない証明書\n4 回", selector="dialog .counts"),
          "and what it refused by itself, in words and by count")
    missing = without_words()
    check(not missing, "each reason of a stick, and each check of a certificate, has words in both languages", missing)
    picture("stick-ja")
    def let_out():
        """A connection that the stick's own enforcer would never let out; one within seconds of an expulsion is not counted."""
        run("nsenter", f"--net=/run/netns/{stick['netns']}", "bash", "-c", "echo >/dev/tcp/198.51.100.10/443")
        return "銀行を開いていない間の接続" in (browser.run("return document.querySelectorAll('dialog .counts')[1]?.innerText") or "")
    check(browser.until(let_out, 20), "what the gateway stopped stands beside it")
    check(browser.sees("自分のホワイトリストで禁じられた通信", "返送", "ST-000001", selector=".difference") and "異常ありません" not in browser.text(),
          "and the desk says what that means and what to do")
    picture("differs-ja")
    check(browser.sees("自分のホワイトリストで禁じられた", seconds=20, selector=".alarm"), "an alarm is opened for it", browser.text(".alarm"))
    sekisho("stick", "revoke", "ST-000001")
    check(browser.sees("失効", "スティックの回収", selector="dialog"), "it is revoked, and the open card says so and what to do")
    browser.press("\ue00c")
    check(browser.until(lambda: browser.find("dialog") is None) and shows(1, "失効"), "Escape closes the card; the list says the same")
    check(browser.sees("root が失効させました", seconds=8, selector=".events"), "the events say who did it")
    browser.press("/")
    browser.type("#search", "株式")
    check(browser.until(lambda: row(3) and not row(1)), "the search, by its key, leaves what fits")
    time.sleep(2.5)  # a new drawing must not take what is being typed
    check(browser.run("return document.activeElement.id + document.activeElement.value") == "search株式",
          "and keeps the cursor and the text while the page goes on")
    browser.run("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))")

    # --- the gateway goes and comes back
    stop_gateway()
    with open(rig["directory"] + "/gatewayd.log") as log:
        said = log.read()
    check(" is down\n" in said and "error:" not in said, "the gateway ends in order, no process complains")
    check(browser.sees("ゲートウェイに届きません", "この画面を信じないでください", seconds=12), "a gateway that is gone is said, and what to do")
    check("異常ありません" not in browser.text() and "届きません" in browser.run("return document.title"),
          "and nothing says that all is well")
    picture("gone-ja")
    trouble()
    start_gateway()
    check(browser.sees("ログイン", "もう一度ログイン", seconds=12), "when it is back the page says why it asks for a log-in again")
    log_in(rig["password"])
    check(browser.sees("対応が必要なもの", "いつから", "すること"), "what is wrong, since when and what to do comes first")
    check(browser.sees("まだだれも引き受けていません", "自分のホワイトリストで禁じられた", selector=".alarm"), "the worst is first, and says that nobody has it", browser.text(".alarm"))
    browser.press("j")
    browser.press("a")
    check(browser.sees("operator が対応中", selector=".alarm"), "two keys take it")
    browser.press("\ue007")
    check(browser.sees("引き受けました", "ST-000001", selector="dialog"), "one more opens it, with what was done about it")
    browser.type("#alarm-text", "お客様と話した")
    time.sleep(2.5)  # a new drawing must not take what is being typed
    check(browser.run("return document.getElementById('alarm-text').value") == "お客様と話した", "what is being written outlives a new drawing")
    browser.click("#alarm-comment")
    check(browser.sees("書き残しました", "お客様と話した", selector="dialog .events"), "a comment is kept under it")
    picture("alarm-ja")
    browser.click("#alarm-close")
    check(browser.sees("理由を書いてください", selector="dialog"), "closing it without a reason is refused in words")
    browser.type("#alarm-text", "改造を確かめ、回収した")
    browser.click("#alarm-close")
    check(browser.until(lambda: browser.find("dialog") is None), "with one it is closed")
    browser.click("#shown-closed")
    check(browser.sees("閉じました（operator）", selector=".attention"), "and stands among those that are done")
    browser.click("#shown-open")
    browser.press("?")
    check(browser.sees("キーボード", "次のアラーム", selector="dialog"), "the keys are told by a key")
    picture("keys-ja")
    browser.press("\ue00c")
    browser.until(lambda: browser.find("dialog") is None)
    browser.press("j")
    browser.press("\ue007")
    check(browser.sees("手順", "棚に上げる", selector="dialog"), "each alarm has its runbook beside it, and may be shelved")
    picture("runbook-ja")
    browser.type("#alarm-text", "回線事業者の復旧を待つ")
    browser.click("#alarm-shelve")
    check(browser.sees("棚の上 1", selector=".attention"), "shelved, it is out of sight but not out of count")
    browser.click("#shown-shelf")
    check(browser.sees("まで棚の上（operator）", selector=".alarm"), "and says until when", browser.text(".attention"))
    picture("shelf-ja")
    browser.click(".alarm .plain")
    browser.click("#alarm-unshelve")
    check(browser.sees("棚の上 0", selector=".attention"), "and is taken from there by hand")
    browser.press("\ue00c")
    browser.until(lambda: browser.find("dialog") is None)
    browser.click("#shown-open")
    browser.press("3")
    check(browser.sees("利用者", "監督者", "二段階認証", selector="main .card"), "the accounts are a page of their own")
    picture("accounts-ja")
    browser.press("4")
    check(browser.sees("引き継ぎはまだありません"), "the hand-over is one too")
    browser.type("#shift-text", "箱根は停電。22 時に戻る予定")
    browser.click("#shift-give")
    check(browser.sees("渡した人", "まだだれも受け取っていません", selector="main .requests"), "what was written waits for another person to sign")
    picture("shift-ja")
    browser.press("2")
    check(browser.sees("二つの役割の承認", "依頼はありません"), "so is what wants two roles")
    browser.click("#request-new")
    browser.type("#request-reason", "試し")
    browser.click("#request-send")
    check(browser.sees("二段階認証のある利用者だけ", selector="dialog"), "which is not for an account with a password alone")
    picture("request-ja", dark=True)
    browser.theme(False)
    browser.press("\ue00c")
    browser.until(lambda: browser.find("dialog") is None)
    browser.press("1")
    browser.sees("すべてのスティック")
    check(browser.run("return document.querySelector('.groups tbody tr').innerText").split() [:4] == ["箱根", "3", "0", "3"], "the fleet by region has the worst first", browser.text(".groups"))
    browser.click(".groups tbody tr button")
    check(browser.until(lambda: row(21) and row(22) and not row(12)), "and leads to the sticks of one")
    browser.click("#by-bank")
    browser.click("#group-undo")
    check(browser.until(lambda: row(12)) and browser.sees("sekisho-demo", "開いていない", selector=".groups"), "and back; by bank as well")
    browser.type("#search", "箱根 不明 湯本")
    check(browser.until(lambda: row(22) and not row(21)), "the search takes words of more than one column")
    browser.run("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))")
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(ground)
    browser.run("document.activeElement.blur()")
    browser.press("d")
    browser.press("d")
    dark = browser.run(ground)
    browser.theme(True)
    browser.press("d")
    check(light != dark and browser.run(ground) == dark, "dark by the page's own switch is the dark that the system asks for", [light, dark])
    browser.press("d")
    check(browser.run(ground) == light, "and light holds against it")
    browser.press("d")
    browser.press("d")
    browser.theme(False)
    picture("desk-ja", height=1500)
    picture("desk-ja-dark", dark=True)
    picture("desk-ja-narrow", 360, 3000)
    wide = []
    for page in "4321":
        browser.press(page)
        browser.until(lambda: browser.find(".tab[aria-current]"))
        if browser.run("return document.documentElement.scrollWidth > innerWidth"):
            wide.append(page)
    check(not wide, "no page is wider than a telephone of 360 points", wide)
    browser.click("#turn")
    browser.sees("Needs somebody")
    picture("trouble-en", height=1600)
    picture("trouble-en-dark", height=1600, dark=True)
    picture("trouble-en-narrow", 360, 2000, dark=True)
    check(browser.run("return document.documentElement.scrollWidth <= innerWidth"), "a narrow window needs no sideways scrolling")
    picture("list-en", height=1000, dark=False)
    browser.run("scrollTo(0, 750)")
    browser.picture(PICTURES + "/list-en.png")
    check(browser.run("const s = document.querySelector('.scroll'); return s.scrollWidth <= s.clientWidth"), "nor does the list in a common one")
    browser.theme(False)

    # --- the end of a session
    browser.chrome("Network.clearBrowserCookies")
    check(browser.sees("Log in", "log in again"), "a session that ended asks for the log-in again, and says why")
    log_in(rig["password"])
    check(browser.sees("All sticks"), "the same password opens it")
    browser.click("#leave")
    check(browser.sees("Log in") and "again" not in browser.text(), "log-out leads back to the log-in")
    browser.open(rig["console"])
    check(browser.sees("Log in") and "All sticks" not in browser.text(), "and it holds after a reload")
    for _ in range(5):
        log_in("wrong")
        browser.until(lambda: browser.run("return !document.querySelector('.go').disabled && !document.querySelector('[name=password]').value"))
    log_in(rig["password"])
    check(browser.sees("Too many tries", "seconds"), "after five wrong passwords the page says how long to wait")
    complaints = [e["message"] for e in browser.log() if "status of 40" not in e["message"] and "429" not in e["message"] and "ERR_CONNECTION" not in e["message"] and "ERR_INCOMPLETE_CHUNKED" not in e["message"]]
    check(not complaints, "the page itself caused no error")
    for line in complaints:
        print("# " + line)
finally:
    if "browser" in globals():
        browser.close()
    finish()
plan()
