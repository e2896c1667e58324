"""frames - a child of the launcher's, spoken to as the launcher speaks (firmware/lib/msg.h), messages of several frames too."""
import os
import socket
import struct
import subprocess

FRAME = 131072  # MSG_PAYLOAD_MAX_BYTES
WHOLE, FIRST, NEXT = range(3)
SECONDS = 60


def blob(data):
    data = data.encode() if isinstance(data, str) else data
    return struct.pack("<I", len(data)) + data


def blobs(data, count):
    """The first `count` of a payload, and what is behind them."""
    out = []
    for _ in range(count):
        size = struct.unpack("<I", data[:4])[0]
        out.append(data[4:4 + size])
        data = data[4 + size:]
    return *out, data


def frame(kind, part, payload, ident=0):
    return struct.pack("=HHI", kind, part, ident) + payload


def frames(kind, payload, ident=0):
    """A message as it is sent."""
    if len(payload) <= FRAME:
        return [frame(kind, WHOLE, payload, ident)]
    rest = struct.pack("<I", len(payload)) + payload
    return [frame(kind, NEXT if at else FIRST, rest[at:at + FRAME], ident) for at in range(0, len(rest), FRAME)]


class Child:
    """`launcher --as NAME`, through `before` if it needs something around it; `device` is its descriptor 4."""

    def __init__(self, name, before=(), device=None):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(SECONDS)
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        keep = [theirs.fileno()] + ([device] if device is not None else [])
        # over 8 and 9, so that neither target is written over before it is read
        descriptors = f"exec 9<&{theirs.fileno()}; " + (f"exec 8<&{device}; " if device is not None else "")
        targets = "3<&9 9<&-" + (" 4<&8 8<&-" if device is not None else "")
        inner = f"{descriptors}exec {targets} {os.environ['B']}/launcher --as {name} 2>/dev/null"
        self.process = subprocess.Popen([*before, "sh", "-c", inner], pass_fds=keep)
        theirs.close()

    def send(self, kind, payload=b"", ident=0):
        for one in frames(kind, payload, ident):
            self.channel.send(one)

    def send_frame(self, *what, **more):
        self.channel.send(frame(*what, **more))

    def hear(self):
        """(type, payload); (None, b"") when it has closed. Anything against the rules is an error."""
        data = self.channel.recv(FRAME + 8)
        if not data:
            return None, b""
        kind, part, ident = struct.unpack("=HHI", data[:8])
        payload = data[8:]
        if part == WHOLE:
            return kind, payload
        assert part == FIRST and len(payload) == FRAME, (kind, part, len(payload))
        size, have = struct.unpack("<I", payload[:4])[0], [payload[4:]]
        left = size - len(have[0])
        while left:
            data = self.channel.recv(FRAME + 8)
            assert struct.unpack("=HHI", data[:8]) == (kind, NEXT, ident) and len(data) - 8 == min(left, FRAME)
            have.append(data[8:])
            left -= len(data) - 8
        return kind, b"".join(have)

    def expect(self, kind):
        got = self.hear()
        assert got[0] == kind, f"{got[0]} came and not {kind}: {got[1][:300]}"
        return got[1]

    def end(self):
        self.channel.close()
        return self.process.wait(SECONDS)
