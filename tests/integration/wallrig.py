"""wallrig - the wall's process as init starts it, for the tests that stand behind one."""
import os, select, socket, struct, subprocess

PROGRAM = os.environ["B"] + "/wall"
MSG_READY, MSG_WALL_GATEWAYS, MSG_WALL_STANDS = 1, 12, 13


def six(address):
    return socket.inet_pton(socket.AF_INET6, address)


class Wall:
    def __init__(self, alone=False):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel = ours
        # As init starts it: uid 108, CAP_NET_ADMIN and nothing else. A user namespace may know no other uid than 0.
        only_root = open("/proc/self/uid_map").read().split()[2:] == ["1"]
        uid = [] if only_root else ["--reuid=108", "--regid=108", "--clear-groups"]
        self.process = subprocess.Popen(
            [*(["unshare", "-n"] if alone else []), "setpriv", *uid, "--inh-caps=-all,+net_admin",
             "--ambient-caps=-all,+net_admin", "--bounding-set=-all,+net_admin", "--no-new-privs", PROGRAM],
            preexec_fn=lambda: (os.dup2(theirs.fileno(), 3), os.set_inheritable(3, True)), close_fds=False)
        theirs.close()

    def expect(self, kind, wait=10):
        if not select.select([self.channel], [], [], wait)[0]:
            return False
        frame = self.channel.recv(65536)
        return len(frame) >= 8 and struct.unpack("=HHI", frame[:8])[0] == kind

    def send(self, kind, payload):
        self.channel.send(struct.pack("=HHI", kind, 0, 0) + payload)

    def gateways(self, *list):
        payload = struct.pack("<B", len(list))
        for address, port in list:
            raw = six(address) if ":" in address else socket.inet_aton(address)
            payload += struct.pack("<BI", 6 if ":" in address else 4, len(raw)) + raw + struct.pack("<H", port)
        self.send(MSG_WALL_GATEWAYS, payload)
