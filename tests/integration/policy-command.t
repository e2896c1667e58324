#!/usr/bin/python3
"""policy-command - `sekisho policy` as people type it: what it makes, what it refuses, what it says, how it exits.

Usage: B=BUILD policy-command.t. Prints TAP.
"""
import json, os, stat, subprocess, sys, tempfile

SEKISHO = os.path.abspath(os.environ["B"]) + "/sekisho"
EXAMPLES = os.path.abspath("whitelist/examples")
AT = "2026-12-01T00:00:00Z"
count = failed = 0


def check(good, what):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)


def policy(*words, text=None):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([SEKISHO, "policy", *words], capture_output=True, text=True, input=text)
    return done.returncode, done.stdout, done.stderr


def refused(done, *words):
    code, out, err = done
    return code == 1 and out == "" and err.startswith("sekisho: ") and all(word in err for word in words)


os.chdir(tempfile.mkdtemp())

# --- keys -----------------------------------------------------------------------------------------------------------

for name in ("aoki", "baba", "chiba", "doi"):
    code, out, err = policy("keygen", name)
    check(code == 0 and "PRIVATE" not in out + err and len(err.split()[-1]) == 64, f"keygen {name} prints the key id only")
check(stat.S_IMODE(os.stat("aoki.key").st_mode) == 0o600, "the private key is its owner's alone")
check(open("aoki.key").read().startswith("-----BEGIN EC ") and open("aoki.pub").read().startswith("-----BEGIN PUBLIC KEY"), "both are PEM")
before = open("aoki.key").read()
check(refused(policy("keygen", "aoki"), "aoki.key", "not overwritten") and open("aoki.key").read() == before,
      "keygen never overwrites")
check(refused(policy("keygen", "nowhere/x"), "nowhere/x.key"), "keygen says where it cannot write")

code, out, err = policy("roots", "--threshold", "2", "aoki.pub", "baba.pub", "chiba.pub")
open("roots.json", "w").write(out)
check(code == 0 and json.loads(out)["threshold"] == 2 and len(json.loads(out)["keys"]) == 3, "roots writes JSON")
check(refused(policy("roots", "--threshold", "1", "aoki.pub", "baba.pub"), "threshold"), "one person is never enough")
check(refused(policy("roots", "--threshold", "2", "aoki.pub", "aoki.pub"), "different"), "one key is not two")
check(refused(policy("roots", "--threshold", "2", "aoki.pub", "baba.key"), "baba.key"), "a private key is no root")
code, out, err = policy("pin", "aoki.pub")
check(code == 0 and len(out) == 45, "pin prints 44 characters")
check(refused(policy("pin", "roots.json"), "roots.json"), "and refuses what is no key")

# --- lint -----------------------------------------------------------------------------------------------------------

example = EXAMPLES + "/banks-of-japan.json"
code, out, err = policy("lint", "--at", AT, example)
check(code == 0 and "0 warnings" in out, "the example has no warning")
code, out, err = policy("lint", "--at", "2027-11-20T00:00:00Z", "--json", example)
warning = json.loads(out)["warnings"][0]
check(code == 0 and (warning["code"], warning["line"]) == ("short_life", 6), "lint --json tells of a policy that ends soon")
open("hosts", "w").write("198.51.100.7 e77.a.akamaiedge.net www.akebono-bank.example\n198.51.100.8 direct.akebono-bank.example\n")
done = subprocess.run(["unshare", "--mount", "--net", "sh", "-c", f"mount --bind hosts /etc/hosts && exec {SEKISHO} policy lint --at {AT} --resolve --json {example}"],
                      capture_output=True, text=True)
told = {w["where"]: w["code"] for w in json.loads(done.stdout or '{"warnings": []}')["warnings"]}
check((told.get("banks[0].hosts[0].name"), told.get("banks[0].hosts[1].name", ""), told.get("banks[0].hosts[2].name")) == ("shared_cdn", "", "no_address"),
      "lint --resolve tells of an alias that ends on a shared network, and of a name without an address")
text = open(example).read()
lines = text.split("\n")
for what, old, new, where in [
    ("a host in capitals", '"ib.chidori-bank.example"', '"IB.chidori-bank.example"', "banks[2].hosts[1].name"),
    ("a wildcard over co.jp", '"*.cdn.akebono-assets.example"', '"*.co.jp"', "banks[0].hosts[5].name"),
    ("a misspelled member", '"support": "0120-00-0002"', '"suport": "0120-00-0002"', "banks[1].support"),
    ("an unknown authority", '"miyama-root-g2"\n', '"miyama-root-g3"\n', "anchors[0]"),
    ("a version in quotes", '"version": 12', '"version": "12"', "version"),
]:
    bad = text.replace(old, new)
    check(bad != text and refused(policy("lint", "-", text=bad), where), f"{what} is refused at {where}")
worst = text
for old, new in [('"version": 12', '"version": "12"'), ('"ib.chidori-bank.example"', '"https://IB.chidori-bank.example/"'),
                 ('"support": "0120-00-0002"', '"suport": "0120-00-0002"'), ('"role": "page"', '"role": "Page"')]:
    worst = worst.replace(old, new, 1)
code, out, err = policy("lint", "-", text=worst)
told = err.strip().split("\n")
places = {line.split(":")[2]: line for line in told[:-1]}
check(code == 1 and len(told) == 6 and "5 faults" in told[-1], "every fault is told at once, and how many there are")
for line, fault in places.items():
    check(any(word in worst.split("\n")[int(line) - 1] for word in ('"version"', "IB.chidori", '"suport"', '"Page"', "{")),
          f"line {line} is that of the fault: {fault[:70]}")
for instead in ("write 12, without quotes", 'write "ib.chidori-bank.example"', 'write "support"', 'write "page"'):
    check(instead in err, f"it says what to write instead: {instead}")
code, out, err = policy("lint", "--json", "-", text=worst)
check(code == 1 and len(json.loads(out)["faults"]) == 5 and err == "", "lint --json tells them as JSON")
code, out, err = policy("lint", "--json", "missing.json")
check(code == 1 and "missing.json" in json.loads(out)["error"] and "missing.json" in err, "--json tells refusals as JSON too")
check(refused(policy("lint", "-", text=text.replace('"format"', '"pin": true, "format"').replace('"pin": true,\n', '"pin": 1,\n')),
              "pin: is there twice", "pin: is of the wrong kind"), "a member given twice does not hide the other faults")
check(refused(policy("lint", "-", text=text[:9000]), "not one complete JSON"), "a policy that is cut short is refused")
check(refused(policy("lint", "missing.json"), "missing.json", "No such file"), "a file that is not there is named")
check(refused(policy("lint", "-", text=" " * 4194305), "larger"), "an oversized file is refused")

# --- init, add, remove ----------------------------------------------------------------------------------------------

PINS = ["HNXBJZvKm5i3ZLoOOBLPehwKB91m9l/0AnQyFKKFaYw=", "uL7ezWyd6P4FPBoN7a7wT/5xLuhdhVuwplEBHhrCm+8="]
open("root.pem", "w").write("a word before it\n" + json.loads(text)["authorities"]["tokiwa-root-e1"])
code, out, err = policy("init", "--tenant", "demo", "-o", "new.json")
made = json.load(open("new.json"))
check(code == 0 and made["version"] == 1 and made["banks"] == [] and "not finished" in err, "init begins a policy, and says that it is not finished")
check(refused(policy("sign", "--key", "aoki.key", "new.json"), "banks: has too few"), "what is not finished is not signed")
check(policy("add", "new.json", "authority", "root", "root.pem")[0] == 0, "add authority")
check(policy("add", "new.json", "bank", "mihon", "--ja", "見本銀行", "--en", "Mihon Bank", "--start", "https://www.mihon.example/",
             "--support", "0120-00-0009")[0] == 0, "add bank")
host = ("add", "new.json", "host", "mihon")
check(policy(*host, "www.mihon.example", "--anchor", "root", "--pin", PINS[0], "--pin", PINS[1])[0] == 0, "add host")
check(policy(*host, "*.cdn-mihon.example", "--role", "asset", "--port", "443", "--port", "8443", "--anchor", "root",
             "--pin", PINS[0], "--pin", PINS[1])[0] == 0, "add a second one, for assets")
check(policy("lint", "new.json")[0] == 0, "what was put together is well-formed")
before = open("new.json").read()
for what, words, why in [
    ("a host in capitals", (*host, "WWW.x.example", "--anchor", "root", "--pin", PINS[0], "--pin", PINS[1]), 'write "www.x.example"'),
    ("one pin", (*host, "x.mihon.example", "--anchor", "root", "--pin", PINS[0]), "too few"),
    ("an anchor that is not there", (*host, "x.mihon.example", "--anchor", "rot", "--pin", PINS[0], "--pin", PINS[1]), "among the authorities"),
    ("a host twice", (*host, "www.mihon.example", "--anchor", "root", "--pin", PINS[0], "--pin", PINS[1]), "already"),
    ("a bank twice", ("add", "new.json", "bank", "mihon", "--ja", "x", "--en", "x", "--start", "x", "--support", "x"), "already"),
    ("a host of no bank", ("add", "new.json", "host", "nobank", "x.example", "--anchor", "root", "--pin", "x"), "no bank nobank"),
    ("a key as an authority", ("add", "new.json", "authority", "second", "aoki.pub"), "certificate"),
    ("an authority that is used", ("remove", "new.json", "authority", "root"), "not among the authorities"),
    ("the host of the first page", ("remove", "new.json", "host", "mihon", "www.mihon.example"), "role page"),
    ("one pin of two", ("remove", "new.json", "pin", "mihon", "www.mihon.example", PINS[0]), "too few"),
    ("the last bank", ("remove", "new.json", "bank", "mihon"), "--force"),
    ("what is not there", ("remove", "new.json", "host", "mihon", "x.mihon.example"), "no host"),
]:
    code, out, err = policy(*words)
    check(code == 1 and why in err and open("new.json").read() == before, f"{what} is refused, and the file is as it was")
check(policy("add", "new.json", "host", "mihon", "x.mihon.example")[0] == 2, "a host without anchors and pins is wrong use")
check(policy("add", "new.json", "pin", "mihon", "www.mihon.example", "OLo6du7rh6O77yvWwq1sEnAqa0pUO6G9o8W881b0gT4=")[0] == 0 and
      policy("remove", "new.json", "pin", "mihon", "www.mihon.example", PINS[0])[0] == 0, "a pin is exchanged")
check(policy("remove", "new.json", "host", "mihon", "*.cdn-mihon.example")[0] == 0, "remove host")
check(policy("remove", "--force", "-o", "empty.json", "new.json", "bank", "mihon")[0] == 0 and
      json.load(open("empty.json"))["banks"] == [], "--force removes the last bank")

# --- diff -----------------------------------------------------------------------------------------------------------

new = json.loads(text)
new["version"] = 13
new["pin"] = False
new["expires"] = "2027-10-22T00:00:00Z"
gone = new["banks"].pop(4)
first = new["banks"][0]
first["support"] = "0120-00-9999"
first["hosts"][0]["ports"].append(8443)
first["hosts"][0]["pins"][1] = PINS[1]
first["hosts"][1]["anchors"].pop()
left = first["hosts"].pop()
new["banks"][1]["hosts"].append({**first["hosts"][0], "name": "new.example.jp", "role": "asset", "ports": [443]})
open("new13.json", "w").write(json.dumps(new))
code, out, err = policy("diff", "--json", example, "new13.json")
changes = {(c["effect"], c["where"]): c for c in json.loads(out)}
for effect, where, word, ja in [
    ("changes", "", "version 12 becomes 13", "第12版が第13版"),
    ("opens", "", "PIN is no longer", "暗証番号"), ("closes", "", "close on 2027-10-22", "有効期限"),
    ("closes", gone["id"], "is gone", "なくなります"), ("changes", first["id"], "0120-00-9999", "電話番号"),
    ("opens", first["id"] + "/" + first["hosts"][0]["name"], "port 8443", "ポート8443"),
    ("closes", first["id"] + "/" + first["hosts"][1]["name"], "not have a certificate", "認証局"),
    ("closes", first["id"] + "/" + left["name"], "cannot be reached", "接続できなくなります"),
    ("opens", new["banks"][1]["id"] + "/new.example.jp", "parts of pages", "部品"),
]:
    found = [c for c in json.loads(out) if (c["effect"], c["where"]) == (effect, where)]
    check(any(word in c["en"] and ja in c["ja"] for c in found), f"diff: {effect} {where}: {word}")
pins = [c for c in json.loads(out) if PINS[1] in c["en"] or "8D67" in c["en"] or "OLo6" in c["en"]]
check({c["effect"] for c in pins} == {"opens", "closes"}, "diff tells of a pin that goes and of one that comes")
check(policy("diff", "--json", example, example)[1].count("effect") == 1, "nothing differs but that the version did not go up")
code, out, err = policy("diff", example, "new13.json")
check(code == 0 and "opens  " in out and "閉じる：" in out, "diff prints both languages")
shown = json.loads(text)
shown["banks"][0]["hosts"][1]["client_certificate"] = True
open("shown.json", "w").write(json.dumps(shown))
check("opens" in policy("diff", example, "shown.json")[1] and "電子証明書" in policy("diff", example, "shown.json")[1] and
      "not shown the customer's certificate" in policy("diff", "shown.json", example)[1], "diff tells who is shown the customer's certificate")
lost = json.loads(text)
lost["revoked"] = [PINS[1], lost["banks"][0]["hosts"][0]["pins"][0]]
open("lost.json", "w").write(json.dumps(lost))
for effect, old, now, word, ja in [("closes", example, "lost.json", "may use the key", "認められなくなります"),
                                   ("opens", "lost.json", example, "is not refused any more", "失効が取り消され")]:
    found = [c for c in json.loads(policy("diff", "--json", old, now)[1]) if c["where"] == "revoked"]
    check(len(found) == 2 and all(c["effect"] == effect and word in c["en"] and ja in c["ja"] for c in found),
          f"diff: {effect} what a revoked key was for")
    owner = f"{lost['revoked'][1]} ({lost['banks'][0]['hosts'][0]['name']} of {lost['banks'][0]['id']})"
    check(any(owner in c["en"] and owner in c["ja"] for c in found), f"diff: {effect}, and whose key it is")
check("revoked" not in policy("diff", "lost.json", "lost.json")[1], "diff is silent on a key that stays revoked")
gates = json.load(open(EXAMPLES + "/gateways.json"))
gates["version"] = 2
gates["gateways"][0]["addresses"][0] = "203.0.113.99:51820"
open("gates2.json", "w").write(json.dumps(gates))
code, out, err = policy("diff", "--type", "gateways", EXAMPLES + "/gateways.json", "gates2.json")
check(code == 0 and "203.0.113.99" in out and "203.0.113.11" in out and "壁" in out, "diff of lists of gateways")

# --- sign, verify, show ---------------------------------------------------------------------------------------------

check(policy("sign", "--key", "aoki.key", "-o", "one.json", example)[0] == 0, "a first person signs")
check(refused(policy("verify", "--roots", "roots.json", "--at", AT, "one.json"), "too few"), "one is not enough")
check(refused(policy("sign", "--key", "aoki.key", "one.json"), "already"), "the same person cannot sign again")
check(policy("sign", "--key", "chiba.key", "-o", "two.json", "one.json")[0] == 0, "a second person signs")
code, out, err = policy("verify", "--roots", "roots.json", "--at", AT, "two.json")
check(code == 0 and "version 12" in out, "two of three are good")
check(policy("verify", "--roots", "roots.json", "--at", AT, "-", text=open("two.json").read())[0] == 0, "from a pipe too")
code, out, err = policy("verify", "--json", "--roots", "roots.json", "--at", AT, "two.json")
check(code == 0 and json.loads(out) == {"type": "policy", "version": 12, "expires": "2027-11-22T00:00:00Z"},
      "verify --json")
check(refused(policy("verify", "--roots", "roots.json", "--at", "2027-11-22T00:00:00Z", "two.json"), "expired"),
      "an expired policy is refused")
check(refused(policy("verify", "--roots", "roots.json", "--type", "gateways", "two.json"), "type"),
      "a policy is no list of gateways")
check(refused(policy("verify", "--roots", "roots.json", example), "not signed"), "what is not signed is not good")
policy("sign", "--key", "doi.key", "-o", "stranger.json", "one.json")
check(refused(policy("verify", "--roots", "roots.json", "stranger.json"), "too few"), "a stranger's signature is no second")
envelope = json.load(open("two.json"))
envelope["payload"] = envelope["payload"][:-8] + "AAAA" + envelope["payload"][-4:]
check(refused(policy("verify", "--roots", "roots.json", "-", text=json.dumps(envelope)), "altered"), "altered is said")
whole = open("two.json").read()
check(refused(policy("verify", "--roots", "roots.json", "-", text=whole[:500]), "not one complete JSON"), "so is cut short")
check(refused(policy("sign", "--key", "aoki.pub", example), "aoki.pub", "private key"), "a public key cannot sign")
check(refused(policy("sign", "--key", "aoki.key", "-", text=text.replace('"page"', '"pge"')), "role"),
      "what has a fault is not signed")
past = ("--at", "2027-11-22T00:00:00Z")
check(refused(policy("sign", *past, "--key", "aoki.key", "-o", "x", example), "lock everybody out", "expired", "--force") and
      not os.path.exists("x"), "what would lock everybody out is not signed, and it says why")
check(policy("sign", "--force", *past, "--key", "aoki.key", "-o", "x", example)[0] == 0 and os.path.exists("x"),
      "--force signs it all the same")
check(refused(policy("sign", "--at", "2026-01-01T00:00:00Z", "--key", "aoki.key", example), "future"), "so with a date ahead")
check(refused(policy("sign", "--at", "2046-12-31T00:00:00Z", "--key", "aoki.key", "-",
                     text=text.replace("2027-11-22T00", "2047-11-22T00")), "authority of every page"),
      "and with a policy whose authorities are all over")
code, out, err = policy("show", "--roots", "roots.json", "two.json")
check(code == 0 and out.count("good") == 3 and "あけぼの中央銀行（架空）" in out, "show lists banks and good signatures")
code, out, err = policy("show", "two.json")
check(code == 0 and "not checked" in out, "without roots it says that it did not check")
code, out, err = policy("show", "--json", "--roots", "roots.json", "stranger.json")
check([s["state"] for s in json.loads(out)["signatures"]] == ["good", "unknown key"], "show --json tells of each signature")
check(policy("sign", "--type", "gateways", "--key", "aoki.key", "-o", "g1", EXAMPLES + "/gateways.json")[0] == 0 and
      policy("sign", "--key", "baba.key", "-o", "g2", "g1")[0] == 0 and
      policy("verify", "--type", "gateways", "--roots", "roots.json", "g2")[0] == 0, "a list of gateways goes the same way")
check(refused(policy("sign", "--key", "aoki.key", EXAMPLES + "/gateways.json"), "missing"), "and is not taken for a policy")

# --- usage ----------------------------------------------------------------------------------------------------------

check(policy("--help")[0] == 0 and "keygen" in policy("--help")[1], "--help lists the commands")
for command in ("init", "add", "remove", "diff", "keygen", "roots", "pin", "lint", "sign", "verify", "show"):
    code, out, err = policy(command, "--help")
    check(code == 0 and out.startswith("usage: sekisho policy " + command), f"{command} --help")
    code, out, err = policy(command, "--frob")
    check(code == 2 and out == "" and "usage: sekisho policy " + command in err, f"{command} with an unknown option")
check(policy()[0] == 2 and policy("frob")[0] == 2, "no command and an unknown one are wrong use")
check(policy("sign", example)[0] == 2 and policy("verify", "two.json")[0] == 2, "so is a missing key or roots file")
check(policy("show", "--type", "frob", "two.json")[0] == 2, "so is an unknown type")
check(policy("lint", "--at", "tomorrow", example)[0] == 1, "a date that is none is refused")
os.mkfifo("pipe")
reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, text=True)
code = policy("init", "--tenant", "demo", "-o", "pipe")[0]
check(code == 0 and stat.S_ISFIFO(os.stat("pipe").st_mode) and reader.communicate(timeout=10)[0].startswith("{"),
      "what is no file, such as a pipe or a device, is written to and not replaced")

print(f"1..{count}")
sys.exit(failed > 0)
