#!/usr/bin/python3
"""record - the process that reads and writes the device record, as the launcher uses it.

Usage: B=BUILD record.t. Prints TAP. What was accepted is kept, an interrupted write costs nothing, a damaged record is
said in words.
"""
import json, os, select, shutil, socket, struct, subprocess, sys, tempfile

sys.dont_write_bytecode = True
from tap import check, plan

B = os.environ["B"]
MSG_READY, CONTENT, FAILED, STORE, STORED = 1, 20, 21, 22, 23
HALF = 5 << 20
work = tempfile.mkdtemp()
record = f"{work}/record"


def blob(data):
    return struct.pack("<I", len(data)) + data


def blobs(data):
    out = []
    while data:
        size = struct.unpack("<I", data[:4])[0]
        out.append(data[4:4 + size])
        data = data[4 + size:]
    return out


def run(flags, message=None):
    """One process: (messages it sent, exit status)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    device = os.open(record, flags)

    def enter():
        channel, disk = os.dup(theirs.fileno()), os.dup(device)
        os.dup2(channel, 3)
        os.dup2(disk, 4)
        os.closerange(5, 1024)

    process = subprocess.Popen([f"{B}/launcher", "--as", "record"], preexec_fn=enter, close_fds=False,
                               stderr=subprocess.DEVNULL)
    theirs.close()
    os.close(device)
    got = []
    while select.select([ours], [], [], 20)[0]:
        frame = ours.recv(1 << 18)
        if not frame:
            break
        got.append((struct.unpack("=HHI", frame[:8])[0], frame[8:]))
        if got[-1][0] == MSG_READY and message is not None:
            ours.send(struct.pack("=HHI", STORE, 0, 0) + message)
    ours.close()
    return got, process.wait(20)


def changing():
    got, _ = run(os.O_RDONLY)
    return blobs(got[-1][1])[1] if got[-1][0] == CONTENT else None


def put(at, data):
    with open(record, "r+b") as f:
        f.seek(at)
        f.write(data)


with open(f"{work}/gateways", "w") as f:
    f.write('{"payloadType": "x"}')
made = subprocess.run([f"{B}/sekisho", "device", "new", "--device", "ST-000001", "--tenant", "demo", "--address",
                       "10.77.0.2/32", "--gateways", f"{work}/gateways", "-o", record], capture_output=True, text=True)
check(made.returncode == 0, "a record is made")
check(os.stat(record).st_mode & 0o777 == 0o600 and os.stat(record).st_size == 16 << 20, "for its owner only, 16 MiB")
got, status = run(os.O_RDONLY)
check([m[0] for m in got] == [MSG_READY, CONTENT] and status == 0, "it is read, and the process ends")
immutable, first = blobs(got[1][1])
check(json.loads(immutable)["device"] == "ST-000001" and first == b"", "the immutable half is whole, the other empty")
private = json.loads(immutable)["wireguard_key"]
public = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True).stdout
check(public == made.stdout, "the public key that was printed belongs to the private one inside")
check(private not in made.stdout + made.stderr, "which was not printed")
shown = subprocess.run([f"{B}/sekisho", "device", "show", record], capture_output=True, text=True).stdout
check("ST-000001" in shown and private not in shown and json.loads(immutable)["mutable_key"] not in shown,
      "nor is it shown")
again = subprocess.run([f"{B}/sekisho", "device", "new", "--device", "ST-000002", "--tenant", "demo", "--address",
                        "10.77.0.3/32", "--gateways", f"{work}/gateways", "-o", record], capture_output=True)
check(again.returncode == 1 and changing() == b"", "a record that exists is not overwritten")

for n in (1, 2, 3):
    got, status = run(os.O_RDWR, blob(b'{"format":1,"policy_version":%d}' % n))
    check([m[0] for m in got] == [MSG_READY, STORED] and struct.unpack("<Q", got[1][1])[0] == n and status == 0,
          f"the {n}. mutable half is stored")
check(changing() == b'{"format":1,"policy_version":3}', "the last one is read")
shutil.copy(record, f"{work}/before")
got, status = run(os.O_RDWR, blob(b"[1]"))
check(got[-1][0] == FAILED and changing() == b'{"format":1,"policy_version":3}', "what is no object is not stored")
got, status = run(os.O_RDWR, b"\xff\xff\xff\xff")
check(got[-1][0] == FAILED and open(record, "rb").read() == open(f"{work}/before", "rb").read(),
      "a broken message changes no byte")
put(HALF + 70, b"X")
check(changing() == b'{"format":1,"policy_version":2}', "the newest copy damaged, the one before is used")
put(2 * HALF + 70, b"X")
check(changing() == b"", "both damaged, the stick starts from what is built in")
got, status = run(os.O_RDWR, blob(b'{"format":1,"policy_version":4}'))
check(got[-1][0] == STORED and changing() == b'{"format":1,"policy_version":4}', "and can store again")
for at, what, sentence in ((100, "damaged", "damaged"), (0, "foreign", "not a device record")):
    shutil.copy(f"{work}/before", record)
    put(at, b"\xff")
    got, status = run(os.O_RDONLY)
    check(got[-1][0] == FAILED and sentence in blobs(got[-1][1])[0].decode(), f"a {what} record is said in words")
put(0, bytes(1 << 20))
got, status = run(os.O_RDONLY)
check(got[-1][0] == FAILED and "nothing was ever written" in blobs(got[-1][1])[0].decode(), "and so is an empty one")
shutil.rmtree(work)
plan()
