#!/usr/bin/python3
"""postgres - the gateway's database as a real PostgreSQL server: the unit tests of what is kept, with that under them;
then a gateway whose server hangs, is killed and comes back, and which loses nothing that it said was done.

Usage: B=BUILD postgres.t. Prints TAP. Skips where Debian's package postgresql is not installed.
"""
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import postgresrig
from tap import bail, check, plan, run

B = os.path.abspath(os.environ["B"])
RIG = os.path.realpath(os.path.dirname(os.path.realpath(__file__)) + "/../rig")
UNITS = ("gateway_store", "gateway_audit", "gateway_hub", "gateway_turns", "gateway_backup", "gateway_kept")

if not postgresrig.installed():
    print("1..0 # SKIP there is no PostgreSQL server here: install the package postgresql")
    sys.exit(0)


def await_true(what, ask, limit_s=60):
    end = time.monotonic() + limit_s
    while not ask():
        if time.monotonic() > end:
            return check(False, what, f"not within {limit_s} s")
        time.sleep(0.1)
    return check(True, what)


def gateway_on(server, folder):
    """With a database that keeps what it says it has kept; everything below is asked of gatewayd in its sandbox."""
    where = server.make("gateway")
    rig_process = subprocess.Popen([f"{RIG}/gateway", B, f"{folder}/rig"], stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "GATEWAY_DATABASE": where})
    try:
        line = rig_process.stdout.readline()
        if not line:
            bail("the gateway's rig did not start on PostgreSQL")
        rig = json.loads(line)
        judge(server, rig, where)
    finally:
        rig_process.terminate()
        rig_process.wait()


def judge(server, rig, where):
    said = []  # what was acknowledged

    def log():
        with open(rig["directory"] + "/gatewayd.log") as file:
            return file.read()

    def add():
        key = os.urandom(32)
        number = add.number = add.number + 1
        done = run(f"{B}/sekisho", "gateway", "stick", "add", "--id", f"ST-{number:06}", "--key",
                   base64.b64encode(key).decode(), "--socket", rig["socket"])
        if done.returncode == 0:
            said.append(f"ST-{number:06}")
        return done

    def kept():
        return server.sql("gateway", "SELECT id FROM sticks ORDER BY id").split()

    add.number = 0
    done = add()
    check(done.returncode == 0 and kept() == said, "a stick is added, and is in the server's table", done.stderr)

    # --- the server ends as at a power cut
    server.kill()
    done = add()
    check(done.returncode == 1 and done.stderr.strip() != "", "without the server nothing is added, and that is said", done.stderr)
    check("the database's server is not there" in log(), "the log says that the server is not there", log()[-2000:])
    server.start()
    await_true("with the server back, a stick is added without a new start of the gateway", lambda: add().returncode == 0)
    check("gateway gw1 of demo is up" in log() and log().count(" is up\n") == 1, "gatewayd was not started again for that")
    check(set(said) <= set(kept()), "all that was acknowledged is there", (said, kept()))

    # --- the server hangs: an answer comes all the same
    server.kill(signal.SIGSTOP)
    began = time.monotonic()
    done = add()
    took = time.monotonic() - began
    check(done.returncode == 1 and took < 30, "a server that hangs holds nothing up for long", f"{took:.1f} s: {done.stderr}")
    began = time.monotonic()
    add()
    check(time.monotonic() - began < 5, "the second question is answered at once", f"{time.monotonic() - began:.1f} s")
    server.kill(signal.SIGCONT)
    await_true("and it goes on when the server does", lambda: add().returncode == 0)
    check(set(said) <= set(kept()), "all that was acknowledged is there still", (said, kept()))

    # --- a copy, made beside the gateway at work, is what a file of SQLite is filled with
    log_in = ("--config", rig["directory"] + "/gateway.conf")
    done = run(f"{B}/gatewayd", "--backup", rig["directory"] + "/copy", *log_in)
    check(done.returncode == 0 and os.stat(rig["directory"] + "/copy").st_mode & 0o077 == 0,
          "a backup is made beside the gateway at work, for root's eyes", done.stderr)
    moved = rig["directory"] + "/moved/gateway.db"
    done = run(f"{B}/gatewayd", "--restore", rig["directory"] + "/copy", *log_in, "--db", moved)
    check(done.returncode == 0 and os.stat(moved).st_uid == 61184, "it is restored into SQLite, for the store's user", done.stderr)
    done = run(f"{B}/gatewayd", "--restore", rig["directory"] + "/copy", *log_in)
    check(done.returncode == 1 and "at work" in done.stderr, "under a gateway at work nothing is restored", done.stderr)
    run(f"{B}/gatewayd", "--backup", rig["directory"] + "/again", *log_in, "--db", moved)
    with open(rig["directory"] + "/copy") as first, open(rig["directory"] + "/again") as second:
        lines = first.read()
        check(lines == second.read() and all(stick in lines for stick in said), "and is the same from there")

    # --- a secret stays one
    other = run(f"{B}/gatewayd", "--config", rig["directory"] + "/gateway.conf", "--db", "postgresql://sekisho:secret@/gateway")
    check(other.returncode == 1 and "passfile" in other.stderr and "secret" not in other.stderr,
          "a password on the command line is refused, with the way to do it", other.stderr)


with tempfile.TemporaryDirectory(prefix="postgres.") as folder:
    server = postgresrig.Server(folder)
    for unit in UNITS:
        done = subprocess.run([f"{B}/unit/{unit}"], capture_output=True, text=True,
                              env={**os.environ, "SEKISHO_TEST_DATABASE": server.make(unit)})
        good = done.stdout.count("\nok ")
        bad = [line for line in done.stdout.splitlines() if line.startswith("not ok ")]
        check(done.returncode == 0 and good > 0 and not bad, f"{unit}: {good} tests pass on PostgreSQL",
              "\n# ".join([str(done.returncode), *done.stdout.splitlines(), *done.stderr.splitlines()[-40:]]))
    gateway_on(server, folder)
    server.stop()
plan()
