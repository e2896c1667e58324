"""tunnelrig - the tunnel process over user-space WireGuard, in namespaces, for the tests that need a tunnel."""
import os, select, socket, struct, subprocess, time

from tap import bail

B = os.path.abspath(os.environ["B"])
READY, CONFIG, STATE, RETRY, PORTS, RENEW, LEAVE = 1, 40, 41, 42, 43, 44, 45
DOWN, CONNECTING, UP = range(3)
DEAD, ALIVE, PORT = "203.0.113.11", "203.0.113.12", 51820
daemons = []


def new_namespace():
    os.unshare(os.CLONE_NEWNET)
    return os.open("/proc/self/ns/net", os.O_RDONLY)


def inside(namespace, call, *arguments, **more):
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.setns(namespace)
    try:
        return call(*arguments, **more)
    finally:
        os.setns(home)
        os.close(home)


def wireguard(name):
    daemons.append(subprocess.Popen(["wireguard-go", "-f", name], env={**os.environ, "LOG_LEVEL": "error"},
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    path = f"/var/run/wireguard/{name}.sock"
    while not os.path.exists(path):
        if daemons[-1].poll() is not None:
            bail("wireguard-go does not run here")
        time.sleep(0.02)


def text(s):
    return struct.pack("<I", len(s)) + s.encode()


def blob(b):
    return struct.pack("<I", len(b)) + b


class Tunnel:
    def __init__(self, namespace):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        control.connect("/var/run/wireguard/wg0.sock")

        def enter():
            os.setns(namespace)
            spare = [os.dup2(s.fileno(), 100 + i, True) for i, s in enumerate((theirs, control))]
            for target, fd in enumerate(spare, 3):
                os.dup2(fd, target, True)

        self.process = subprocess.Popen(
            ["setpriv", "--reuid=103", "--regid=103", "--clear-groups", "--inh-caps=-all,+net_admin",
             "--ambient-caps=-all,+net_admin", "--bounding-set=-all,+net_admin", "--no-new-privs",
             f"{B}/tests/tunnel", "--as", "tunnel"], preexec_fn=enter, close_fds=False, stdin=subprocess.DEVNULL)
        theirs.close()
        control.close()

    def send(self, kind, payload=b""):
        self.channel.send(struct.pack("=HHI", kind, 0, 0) + payload)

    def receive(self, seconds):
        if not select.select([self.channel], [], [], max(seconds, 0))[0]:
            return None
        frame = self.channel.recv(65536)
        return (struct.unpack("=HHI", frame[:8])[0], frame[8:]) if len(frame) >= 8 else None

    def wait(self, wanted, seconds=20, endpoint=""):
        """The next report of this state, as a dictionary with the seconds it took; None if it does not come."""
        start = time.monotonic()
        while (frame := self.receive(start + seconds - time.monotonic())) is not None:
            kind, body = frame
            if kind != STATE:
                continue
            state, body, texts = body[0], body[1:], []
            for _ in range(2):
                size = struct.unpack("<I", body[:4])[0]
                texts.append(body[4:4 + size].decode())
                body = body[4 + size:]
            handshake, rtt, loss, size = struct.unpack("<IIII", body[:16])
            if state == wanted and endpoint in texts[1]:
                return {"gateway": texts[0], "endpoint": texts[1], "handshake_ms": handshake, "rtt_ms": rtt,
                        "loss": loss, "reason": body[16:16 + size].decode(), "after": time.monotonic() - start}
        return None


def gateway(name, public, inner, addresses):
    """One of the list, as MSG_TUNNEL_CONFIG has it."""
    where = b"".join(text(a) + struct.pack("<H", PORT) for a in addresses)
    return text(name) + blob(public) + text(inner) + bytes([len(addresses)]) + where


def config(private, public, ports=(443,), gateways=None):
    gateways = gateways or [gateway("gw1", public, "10.77.0.1", (DEAD, ALIVE))]
    return (blob(private) + text("10.77.0.2/32") + bytes([len(gateways)]) + b"".join(gateways) + struct.pack("<H", 8444)
            + bytes([len(ports)]) + b"".join(struct.pack("<H", p) for p in ports))
