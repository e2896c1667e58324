#!/usr/bin/python3
"""broker-carry - that what a bank sends comes whole, however its records and packets are cut, and what it costs: how often
the broker is woken for it.

Usage: B=BUILD broker-carry.t, as root. Prints TAP. The bank is this program's: it seals its records one by one and sends
their bytes as a test wants them, to a broker that is stopped meanwhile where the test must be sure of what it finds.
"""
import fcntl, hashlib, os, queue, random, signal, socket, ssl, struct, sys, tempfile, termios, threading, time

sys.dont_write_bytecode = True
from banks import DNS, Authority, go_home, new_world, serve_names, sign_policy
from broker_rig import Rig
from tap import bail, check, plan

ZONE, ADDRESSES = "carry.example", {"tls13": "198.51.100.60", "tls12": "198.51.100.61"}
VERSIONS = {"tls13": ssl.TLSVersion.TLSv1_3, "tls12": ssl.TLSVersion.TLSv1_2}
LONGEST_S = 60
RECORD, PACKET = 16384, 1400


class End:
    """One end of a TLS connection, between whose records and socket the test stands."""

    def __init__(self, plain, context, **how):
        self.plain, self.incoming, self.outgoing = plain, ssl.MemoryBIO(), ssl.MemoryBIO()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain.settimeout(LONGEST_S)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **how)
        self.pulled(self.tls.do_handshake)
        self.flush()

    def flush(self):
        if data := self.outgoing.read():
            self.plain.sendall(data)

    def pulled(self, call, *arguments):
        while True:
            try:
                return call(*arguments)
            except ssl.SSLWantReadError:
                self.flush()
                data = self.plain.recv(65536)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()

    def read(self, size):
        """Exactly so much, or what came before it stopped coming; `good_end`: by close_notify."""
        got, self.good_end = b"", False
        try:
            while len(got) < size:
                chunk = self.pulled(self.tls.read, min(65536, size - len(got)))
                if not chunk:
                    self.good_end = True
                    break
                got += chunk
        except ssl.SSLZeroReturnError:
            self.good_end = True
        except (OSError, ssl.SSLError):
            pass
        return got

    def seal(self, data, size=RECORD):
        """The bytes of its records, each of `size`."""
        sealed = []
        for at in range(0, len(data), size):
            self.tls.write(data[at:at + size])
            sealed.append(self.outgoing.read())
        return sealed

    def arrived(self):
        """What was sent is in the other side's kernel."""
        end = time.monotonic() + LONGEST_S
        while struct.unpack("i", fcntl.ioctl(self.plain, termios.TIOCOUTQ, bytes(4)))[0]:
            if time.monotonic() > end:
                bail("the broker's kernel does not take what the bank sends")
            time.sleep(0.001)


class Bank:
    def __init__(self, address, path, version):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = self.context.maximum_version = version
        self.context.load_cert_chain(path + ".crt", path + ".key")
        self.socket, self.ends = socket.create_server((address, 443)), queue.Queue()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            self.ends.put(End(self.socket.accept()[0], self.context, server_side=True))


class Carrier:
    """The broker, as its process is seen from outside."""

    def __init__(self, rig, banks):
        self.rig, self.banks, self.pid = rig, banks, rig.about["pids"]["broker"]

    def connect(self, name):
        """The browser's end and the bank's of one connection, after a first word each way."""
        browser = End(self.rig.connect(), self.rig.context(protocols=()), server_hostname=f"{name}.{ZONE}")
        bank = self.banks[name].ends.get(timeout=LONGEST_S)
        for one, other in ((browser, bank), (bank, browser)):
            one.plain.sendall(b"".join(one.seal(b"word")))
            if other.read(4) != b"word":
                bail(f"{name}: no connection through the broker")
        self.settle()
        return browser, bank

    def settle(self):
        """It has done what there was to do."""
        end = time.monotonic() + LONGEST_S
        while True:
            with open(f"/proc/{self.pid}/stat") as stat:
                if stat.read().rpartition(") ")[2][0] == "S":
                    return
            if time.monotonic() > end:
                bail("the broker does not come to rest")
            time.sleep(0.0002)

    def status(self, key):
        with open(f"/proc/{self.pid}/status") as status:
            return int(next(line.split()[1] for line in status if line.startswith(key)))

    def wakes(self):
        return self.status("voluntary_ctxt_switches")

    def all_at_once(self, end, data):
        """All of it is there when the broker looks."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            end.plain.sendall(data)
            end.arrived()
        finally:
            os.kill(self.pid, signal.SIGCONT)


def test_last_record(carrier, name):
    """A record in two halves, so that the broker waits for many bytes; with the second half as many records as it moves
    before it looks after others; and a short one behind them, after which the sender waits for an answer."""
    for direction in ("down", "up"):
        browser, bank = carrier.connect(name)
        sender, receiver = (bank, browser) if direction == "down" else (browser, bank)
        for between in range(12, 18):
            parts = [os.urandom(RECORD), *(os.urandom(100) for _ in range(between)), os.urandom(RECORD // 2), os.urandom(200)]
            first, *others = [b"".join(sender.seal(part)) for part in parts]
            sender.plain.sendall(first[:100])
            sender.arrived()
            carrier.settle()
            carrier.all_at_once(sender, first[100:] + b"".join(others))
            whole = b"".join(parts)
            receiver.plain.settimeout(20)
            if (got := receiver.read(len(whole))) != whole:
                break
        check(got == whole, f"{name}, {direction}: a short record behind many others is not left lying",
              f"{len(got)} of {len(whole)} bytes, with {between} small records between")
        browser.plain.close()
        bank.plain.close()


def test_wakes(carrier, name):
    """Over a slow line a record comes in a dozen packets: the broker is woken for the first and for the last."""
    records, packets = 32, 0
    for direction in ("down", "up"):
        browser, bank = carrier.connect(name)
        sender, receiver = (bank, browser) if direction == "down" else (browser, bank)
        whole = os.urandom(records * RECORD)
        reader = threading.Thread(target=lambda: setattr(receiver, "got", receiver.read(len(whole))))
        reader.start()
        before, packets = carrier.wakes(), 0
        for record in sender.seal(whole):
            for at in range(0, len(record), PACKET):
                sender.plain.sendall(record[at:at + PACKET])
                carrier.settle()
                packets += 1
        reader.join()
        woken = carrier.wakes() - before
        check(receiver.got == whole and 0 < woken <= 3 * records,
              f"{name}, {direction}: {packets} packets of {records} records wake the broker {woken} times, at most three a record",
              f"{len(receiver.got)} bytes")
        browser.plain.close()
        bank.plain.close()


def test_small(carrier, name):
    """One waking for a question and one for its answer."""
    questions = 200
    browser, bank = carrier.connect(name)
    before = carrier.wakes()
    for _ in range(questions):
        for one, other in ((browser, bank), (bank, browser)):
            one.plain.sendall(b"".join(one.seal(b"a balance, say")))
            other.read(14)
            carrier.settle()
    woken = carrier.wakes() - before
    check(0 < woken <= 2.2 * questions,
          f"{name}: {questions} small questions and their answers wake the broker {woken} times, twice each")
    browser.plain.close()
    bank.plain.close()


def test_unclean_end(carrier, name):
    """Servers that end without close_notify are many. What they sent before is the browser's, as slowly as it reads; and
    it sees that there was no good end."""
    browser, bank = carrier.connect(name)
    whole = os.urandom(1 << 20)
    bank.plain.sendall(b"".join(bank.seal(whole)))
    bank.arrived()
    bank.plain.close()
    carrier.settle()  # it has taken all, and the browser's side has no room for it
    got = browser.read(len(whole) + 1)
    check(got == whole, f"{name}: a browser that reads slowly gets all of an answer without a good end", len(got))
    check(not browser.good_end, f"{name}: which does not look like a good one")
    browser.plain.close()


def test_memory(carrier, name):
    """A page of each of the four record buffers, and what mbedTLS keeps of a connection; no buffer is written to its end."""
    count, before = 100, carrier.status("RssAnon")
    held = [carrier.connect(name) for _ in range(count)]
    each = (carrier.status("RssAnon") - before) / count
    check(8 < each <= 30, f"{name}: a connection that waits takes {each:.0f} kB of memory, at most 30")
    for browser, bank in held:
        browser.plain.close()
        bank.plain.close()


def main():
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(directory, "Carrying Root")
        paths = {name: authority.issue(f"{name}.{ZONE}", san=f"DNS:{name}.{ZONE}") for name in ADDRESSES}
        backup = authority.pin(authority.issue(f"backup.{ZONE}"))
        policy = sign_policy(directory, authority, {"id": "carry", "name": {"ja": "運搬銀行", "en": "Carrying Bank"}},
                             {f"{name}.{ZONE}": [authority.pin(path), backup] for name, path in paths.items()})
        world = new_world(ADDRESSES.values())
        dns = serve_names(directory, {f"{name}.{ZONE}": [address] for name, address in ADDRESSES.items()})
        banks = {name: Bank(ADDRESSES[name], paths[name], VERSIONS[name]) for name in ADDRESSES}
        go_home()
        rig = Rig("--policy", policy, "--tunnel", f"/proc/{os.getpid()}/fd/{world}", "--resolver", DNS, "--bank", "carry")
        carrier = Carrier(rig, banks)
        try:
            for name in ADDRESSES:
                test_last_record(carrier, name)
                test_wakes(carrier, name)
                test_small(carrier, name)
                test_unclean_end(carrier, name)
                test_memory(carrier, name)
        finally:
            rig.end()
            dns.terminate()
            dns.wait()
    plan()


main()
