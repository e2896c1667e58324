#!/usr/bin/python3
"""policy-roots - keys and the people who hold them: who counts, and how others come to count, as people type it.

Usage: B=BUILD policy-roots.t. Prints TAP. The token of its last part is SoftHSM's.
"""
import json, os, subprocess, sys, tempfile

sys.dont_write_bytecode = True
from tap import check, plan

SEKISHO = os.path.abspath(os.environ["B"]) + "/sekisho"
EXAMPLE = os.path.abspath("whitelist/examples/banks-of-japan.json")
AT = "2026-12-01T00:00:00Z"
os.chdir(tempfile.mkdtemp())


def policy(*words, **more):
    done = subprocess.run([SEKISHO, "policy", *words], capture_output=True, text=True, **more)
    return done.returncode, done.stdout, done.stderr


def refused(done, word):
    return check(done[0] == 1 and word in done[2], f"refused: {word}", done)


def sign(path, out, *people, kind="policy"):
    for person in people:
        code, _, err = policy("sign", "--at", AT, "--type", kind, "--key", f"{person}.key", "-o", out, path)
        if code:
            return code, "", err
        path = out
    return 0, "", ""


def verify(path, roots="roots.json", kind="policy"):
    return policy("verify", "--at", AT, "--type", kind, "--roots", roots, path)


for person in ("aoki", "aoki-2", "baba", "chiba", "doi", "endo"):
    policy("keygen", person)

# --- one person, two keys -------------------------------------------------------------------------------------------

check(policy("roots", "--threshold", "2", "-o", "roots.json", "aoki=aoki.pub", "aoki=aoki-2.pub", "baba=baba.pub", "chiba=chiba.pub")[0] == 0,
      "a person may have two keys")
refused(policy("roots", "--threshold", "2", "aoki=aoki.pub", "aoki=aoki-2.pub"), "holders")
refused(policy("roots", "--threshold", "2", "aoki=aoki.pub", "baba=aoki.pub"), "different")
refused(policy("roots", "--threshold", "2", "Aoki=aoki.pub", "baba=baba.pub"), "roots")
sign(EXAMPLE, "twice", "aoki", "aoki-2")
refused(verify("twice"), "different people")
sign(EXAMPLE, "good", "aoki-2", "baba")
check(verify("good")[0] == 0, "the second key counts with another person's")
refused(sign("good", "x", "aoki-2"), "already")

# --- the next roots -------------------------------------------------------------------------------------------------

people = ["aoki=aoki.pub", "doi=doi.pub", "endo=endo.pub"]
policy("roots", "--threshold", "2", "--version", "2", "-o", "2.json", *people)
check(policy("lint", "--type", "roots", "2.json")[0] == 0, "the next version of the roots is well-formed")
check(sign("2.json", "2.link", "aoki", "chiba", "doi", kind="roots")[0] == 0 and verify("2.link", kind="roots")[0] == 0,
      "two of those before sign it, and two of its own")
sign(EXAMPLE, "new", "doi", "endo")
refused(verify("new"), "too few")
check(policy("bundle", "--roots", "roots.json", "-o", "bundle", "new", "2.link")[0] == 0 and verify("bundle")[0] == 0,
      "with the chain their policy is good")
check("good" in policy("show", "--roots", "roots.json", "bundle")[1], "show follows it")
check("doi" in policy("show", "2.link")[1], "and shows whose the keys are")
policy("roots", "--threshold", "2", "--version", "3", "-o", "3.json", *people[1:])
sign("3.json", "3.link", "doi", "endo", kind="roots")
check(policy("bundle", "--roots", "roots.json", "-o", "bundle3", "new", "2.link", "3.link")[0] == 0, "a chain of two")
refused(policy("bundle", "--roots", "roots.json", "new", "3.link"), "one version after the other")
refused(policy("bundle", "--roots", "roots.json", "new", "2.link", "2.link"), "one version after the other")
refused(policy("bundle", "--roots", "roots.json", "good", "2.link"), "too few")
for who, what in [(("aoki", "doi"), "one of those before"), (("doi", "endo"), "none of those before"), (("aoki", "baba"), "one of its own")]:
    sign("2.json", "bad.link", *who, kind="roots")
    check(policy("bundle", "--roots", "roots.json", "new", "bad.link")[0] == 1, f"signed by {what}: refused")
refused(policy("bundle", "--roots", "roots.json", "new", "2.json"), "not signed")
refused(policy("bundle", "--roots", "roots.json", "new", "good"), "type")

# a key is lost: who is left lets another in, without it
policy("roots", "--threshold", "2", "--version", "2", "-o", "lost.json", "aoki=aoki.pub", "baba=baba.pub", "endo=endo.pub")
sign("lost.json", "lost.link", "aoki", "baba", kind="roots")
sign(EXAMPLE, "after", "endo", "baba")
check(policy("bundle", "--roots", "roots.json", "-o", "b", "after", "lost.link")[0] == 0, "a lost key is replaced by those who are left")
sign(EXAMPLE, "thief", "chiba", "baba")
refused(policy("bundle", "--roots", "roots.json", "thief", "lost.link"), "too few")

# --- keys in a token ------------------------------------------------------------------------------------------------

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
os.mkdir("tokens")
open("softhsm2.conf", "w").write(f"directories.tokendir = {os.getcwd()}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
os.environ.update(SOFTHSM2_CONF=os.getcwd() + "/softhsm2.conf", PKCS11_MODULE=MODULE)
open("pin", "w").write("271828\n")
open("wrong", "w").write("000000\n")


def token(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"Bail out! {' '.join(words)}: {done.stderr}{done.stdout}")


token("softhsm2-util", "--init-token", "--free", "--label", "bank", "--pin", "271828", "--so-pin", "161803")
for number, (name, curve) in enumerate([("fujita", "P-256"), ("gondo", "P-384")], 1):
    token("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", f"{name}.p8")
    token("openssl", "pkey", "-in", f"{name}.p8", "-pubout", "-out", f"{name}.expected")
    token("softhsm2-util", "--import", f"{name}.p8", "--token", "bank", "--label", name, "--id", f"0{number}", "--pin", "271828")


def uri(name, pin="pin", bank="bank"):
    return f"pkcs11:token={bank};object={name};type=private?pin-source=file:{os.getcwd()}/{pin}"


check(policy("keygen", "--key", uri("fujita"), "fujita")[0] == 0 and open("fujita.pub").read() == open("fujita.expected").read(),
      "the public key of a key in a token is written out")
policy("roots", "--threshold", "2", "-o", "token.json", "fujita=fujita.pub", "baba=baba.pub", "chiba=chiba.pub")
check(policy("sign", "--at", AT, "--key", uri("fujita"), "-o", "t1", EXAMPLE)[0] == 0, "a token signs; its URI has semicolons")
check(sign("t1", "t2", "baba")[0] == 0 and verify("t2", "token.json")[0] == 0, "with a second person's file the policy is good")
check(policy("sign", "--at", AT, "--key", uri("fujita").replace("object=fujita", "id=%01"), "-o", "t3", EXAMPLE)[0] == 0 and
      policy("sign", "--at", AT, "--key", "chiba.key", "-o", "t4", "t3")[0] == 0 and verify("t4", "token.json")[0] == 0,
      "a key is named by its id as well")
for number in range(20):  # every length of a DER integer comes up
    policy("sign", "--at", AT, "--key", uri("fujita"), "-o", "t6", EXAMPLE)
    sign("t6", "t7", "baba")
    if verify("t7", "token.json")[0]:
        check(False, "a token's signature is good", number)
        break
else:
    check(True, "so are twenty more of its signatures")
refused(policy("sign", "--at", AT, "--key", uri("fujita"), "t2"), "already")
for key, word in [(uri("fujita", "wrong"), "refuses the PIN"), (uri("fujita", bank="other"), "no token other"),
                  (uri("nobody"), "no EC"), (uri("gondo"), "not a P-256"), (uri("fujita", "nowhere"), "nowhere"),
                  ("pkcs11:token=bank;object=fujita", "PIN"), ("pkcs11:token=bank", "must name"),
                  (uri("fujita").replace("pin-source=file:", "pin-value="), "file"),
                  ("pkcs11:token=bank;objekt=fujita", "objekt")]:
    refused(policy("sign", "--at", AT, "--key", key, EXAMPLE), word)
refused(policy("sign", "--at", AT, "--key", uri("fujita"), EXAMPLE, env={**os.environ, "PKCS11_MODULE": "/nowhere.so"}), "/nowhere.so")

for command in ("roots", "bundle"):
    check(policy(command, "--help")[1].startswith("usage: sekisho policy " + command), f"{command} --help")
    check(policy(command, "--frob")[0] == 2, f"{command} with an unknown option")
check(policy("bundle", "new", "2.link")[0] == 2, "bundle without roots is wrong use")
plan()
