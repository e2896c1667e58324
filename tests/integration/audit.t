#!/usr/bin/python3
"""audit - the log of what operators did, kept by gatewayd as tests/rig/gateway starts it, checked by `sekisho gateway audit`.

Usage: B=BUILD audit.t. Prints TAP. Needs root.
"""
import base64
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from tap import bail, check, must, plan, run

B = os.path.abspath(os.environ["B"])
RIG = os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../rig")


def sekisho(*words):
    return run(f"{B}/sekisho", "gateway", *words)


def online(*words):
    return sekisho(*words, "--socket", rig["socket"])


def audit(command, *more):
    return sekisho("audit", command, "--key", f"{work}/audit.pub", *more)


def entries(path):
    with open(path) as lines:
        return [json.loads(row["entry"]) for row in map(json.loads, lines) if "entry" in row]


def change(sql):
    """By somebody who has the database file and not the key."""
    database = sqlite3.connect(rig["directory"] + "/lib/gateway.db", timeout=10)
    with database:
        database.execute(sql)
    database.close()


def ask_as(uid, **request):
    """As the account `uid`, in the group that the control socket is for, with what it likes to say of itself."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(os.stat(rig["socket"]).st_gid)
        os.setuid(uid)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.settimeout(60)
            client.connect(rig["socket"])
            client.send(struct.pack("=HHI", 70, 0, 1) + json.dumps(request).encode())
            os._exit(0 if client.recv(1 << 20) else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def signed_note(body, like):
    """A checkpoint of these lines by the gateway's own key, whose id is in the one that it is like."""
    hint = base64.b64decode(like.split("\u2014 ")[1].split()[1])[:4]
    made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", rig["directory"] + "/keys/audit.key"], input=body.encode(),
                          capture_output=True, check=True).stdout
    return f"{body}\n\u2014 {body.split(chr(10))[0]} {base64.b64encode(hint + made).decode()}\n"


work = tempfile.mkdtemp()
gateway = subprocess.Popen([f"{RIG}/gateway", B, f"{work}/rig"], stdout=subprocess.PIPE, text=True)
try:
    os.chmod(work, 0o755)
    line = gateway.stdout.readline()
    if not line:
        bail("the gateway's rig did not start")
    rig = json.loads(line)
    witness = rig["directory"] + "/witness/checkpoints"
    shutil.copy(rig["directory"] + "/keys/audit.pub", f"{work}/audit.pub")

    # --- what is done and looked at is in it
    key = must("sh", "-c", "wg genkey | wg pubkey").strip()
    must(f"{B}/sekisho", "gateway", "stick", "add", "--id", "ST-000042", "--key", key, "--name", "田中商店", "--socket", rig["socket"])
    must(f"{B}/sekisho", "gateway", "stick", "list", "--socket", rig["socket"])
    must(f"{B}/sekisho", "gateway", "stick", "list", "--socket", rig["socket"])
    must(f"{B}/sekisho", "gateway", "stick", "revoke", "--socket", rig["socket"], "ST-000042")
    refused = sekisho("stick", "revoke", "--socket", rig["socket"], "ST-000042")
    done = online("audit", "export", "--out", f"{work}/log")
    check(done.returncode == 0, "the log is exported", done.stderr)
    said = [(e["action"], e["stick"], e["who"]) for e in entries(f"{work}/log")]
    who = os.environ.get("SUDO_USER") or "root"
    check(("password_set", "", "gatewayd") in said, "the first operator's password", said)
    check(("stick_added", "ST-000042", who) in said and ("stick_revoked", "ST-000042", who) in said, "a stick added and revoked",
          said)
    check(said.count(("sticks_viewed", "", who)) == 1, "a list looked at twice is one view", said)
    check(refused.returncode == 1 and said.count(("stick_revoked", "ST-000042", who)) == 1, "what was refused is no change", said)

    # --- by the kernel's word: who asks cannot say that it was somebody else, or nobody
    for uid, words in ((54321, {"who": "tanaka"}), (54322, {}), (0, {"who": "aoki"}), (54323, {"who": "\"x\\u0000, root"})):
        check(ask_as(uid, command="stick.list", **words) == 0, f"the account {uid} asks with {words}")
    must(f"{B}/sekisho", "gateway", "audit", "export", "--out", f"{work}/log", "--socket", rig["socket"])
    views = [e["who"] for e in entries(f"{work}/log") if e["action"] == "sticks_viewed"]
    for account, what in (("uid-54321/tanaka", "another name"), ("uid-54322", "no name"), ("root/aoki", "sudo's user"),
                          ("uid-54323", "what is no name")):
        check(account in views, f"one that says {what} is {account}", views)

    # --- it holds, here and elsewhere
    for name, more in (("on the gateway", ("--socket", rig["socket"])), ("as exported", ("--log", f"{work}/log"))):
        done = audit("verify", *more, "--witness", witness)
        check(done.returncode == 0 and "holds" in done.stdout, f"it holds {name}, with the witness", done.stdout + done.stderr)
    own = ("--config", rig["directory"] + "/gateway.conf", "--socket", rig["socket"])
    done = audit("verify", *own)
    check(done.returncode == 0 and "in the witness file" in done.stdout, "on the gateway the witness is found by itself", done.stdout)
    os.rename(witness, witness + ".away")
    check(audit("verify", *own).returncode == 1, "one that should be there and is not is told")
    os.rename(witness + ".away", witness)
    done = audit("verify", "--log", f"{work}/log")
    check("no witness file was looked at" in done.stdout, "that there is none is said", done.stdout)
    before = json.loads(audit("verify", "--socket", rig["socket"], "--json").stdout)
    check(before["covered"] == before["entries"], "a checkpoint covers every entry", before)
    owner = os.stat(witness)
    check(owner.st_uid == 0 and owner.st_mode & 0o022 == 0, "the witness file is root's alone to change")
    with open(f"{work}/proof", "w") as file:
        file.write(audit("prove", "--log", f"{work}/log", "1").stdout)
    done = audit("verify", "--proof", f"{work}/proof")
    check(done.returncode == 0, "an entry is proved without the log")
    check(entries(f"{work}/log")[1]["action"] in done.stdout and "under: sekisho/" in done.stdout, "and said, with its checkpoint",
          done.stdout)
    proof = json.loads(open(f"{work}/proof").read())
    proof["entry"] = proof["entry"].replace('"who":"', '"who":"x')
    with open(f"{work}/false", "w") as file:
        json.dump(proof, file)
    check(audit("verify", "--proof", f"{work}/false").returncode == 1, "and an altered one is not")
    must(f"{B}/sekisho", "gateway", "events", "--socket", rig["socket"])
    grown = audit("prove", "--socket", rig["socket"], "--old", str(before["entries"]))
    with open(f"{work}/grown", "w") as file:
        file.write(grown.stdout)
    done = audit("verify", "--proof", f"{work}/grown")
    check(done.returncode == 0, "that the log only grew is proved", grown.stderr)
    check(f", {before['entries']} entries, " in done.stdout and "from: sekisho/" in done.stdout, "from which checkpoint is said", done.stdout)
    # the same key signs for another gateway's log: its checkpoint is none of this one's
    other = json.loads(grown.stdout)
    body = other["old_checkpoint"].split("\n\n")[0] + "\n"
    origin = body.split("\n")[0]
    for text, code, what in ((body, 0, "a checkpoint signed anew is read"),
                             (body.replace(origin, origin + "-2", 1), 1, "one of another log is no beginning of this one")):
        with open(f"{work}/other", "w") as file:
            json.dump({**other, "old_checkpoint": signed_note(text, other["old_checkpoint"])}, file)
        done = audit("verify", "--proof", f"{work}/other")
        check(done.returncode == code, what, done.stdout + done.stderr)
    check(audit("prove", "--log", f"{work}/log", "999").returncode == 1, "there is no proof for an entry that is none")

    # --- it does not hold any more: each change is undone before the next
    keep = "CREATE TABLE kept AS SELECT * FROM audit"
    back = ("DELETE FROM audit", "INSERT INTO audit SELECT * FROM kept", "DROP TABLE kept")
    for name, sql in (
            ("an altered entry", "UPDATE audit SET entry = replace(entry, 'ST-000042', 'ST-000043') WHERE entry LIKE '%ST-000042%'"),
            ("an altered entry with its hash", "UPDATE audit SET entry = k.entry, leaf = k.leaf FROM kept k WHERE audit.id = 1 AND k.id = 0"),
            ("an entry taken out", "DELETE FROM audit WHERE id = 1"),
            ("the last entry taken out", "DELETE FROM audit WHERE id = (SELECT MAX(id) FROM audit)"),
            ("an entry of another log", "UPDATE audit SET tenant = 'other' WHERE id = 1")):
        change(keep)
        change(sql)
        done = audit("verify", "--socket", rig["socket"])
        check(done.returncode == 1 and "does not hold" in done.stderr, f"{name} is found", done.stdout + done.stderr)
        for sql in back:
            change(sql)
    check(audit("verify", "--socket", rig["socket"]).returncode == 0, "put back as it was, it holds again")

    # --- rolled back to before, with the checkpoints of then: only the witness knows
    change("CREATE TABLE cut AS SELECT * FROM checkpoints")
    change(f"DELETE FROM checkpoints WHERE size > {before['entries']}")
    change(f"DELETE FROM audit WHERE id >= {before['entries']}")
    online("audit", "export", "--out", f"{work}/rolled")
    rows = [row for row in open(f"{work}/rolled") if "entry" in json.loads(row) or f"\\n{before['entries']}\\n" in row]
    with open(f"{work}/rolled", "w") as file:
        file.writelines(rows)
    check(audit("verify", "--log", f"{work}/rolled").returncode == 0, "a log rolled back with its checkpoints looks whole")
    done = audit("verify", "--log", f"{work}/rolled", "--witness", witness)
    check(done.returncode == 1 and "taken out" in done.stderr, "but not to the witness", done.stdout + done.stderr)

    # --- a log that was changed while the gateway was away is told at the desk
    change("UPDATE audit SET entry = replace(entry, 'ST-000042', 'ST-000043') WHERE entry LIKE '%ST-000042%'")
    open(rig["directory"] + "/hold", "w").close()
    ending = os.pidfd_open(rig["gatewayd"])
    os.kill(rig["gatewayd"], signal.SIGTERM)
    select.select([ending], [], [], 15)
    again = subprocess.Popen(["nsenter", f"--net=/run/netns/{rig['netns']}", rig["directory"] + "/gatewayd", "--config",
                              rig["directory"] + "/gateway.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    told = []
    for line in again.stderr:
        told.append(line)
        if " is up\n" in line:
            break
    check(any("audit log does not hold" in line for line in told), "the next start says so", told)
    fleet = json.loads(online("stick", "list", "--json").stdout)
    check(fleet["audit_error"] != "", "and so does the desk", fleet.get("audit_error"))
    again.terminate()
    again.wait()
finally:
    gateway.terminate()
    gateway.wait()
    shutil.rmtree(work, ignore_errors=True)
plan()
