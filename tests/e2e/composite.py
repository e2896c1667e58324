#!/usr/bin/python3
"""composite - a USB keyboard of the kind that is more than one: a boot keyboard, a mouse and an interface of its maker's
own in one device, which the emulator has none of. Played over the protocol of USB redirection (usbredir 0.7).

Usage: composite.py plug SOCKET           be it, at the character device behind `usb-redir`, until that closes; on
                                          standard output each configuration that the PC gives it
       composite.py keys SOCKET NAME...   press keys on it, one after the other: f2, ret, esc, backspace, 0 to 9
       composite.py replug SOCKET         pull it out and put it back

The second and third speak to the first, at SOCKET.keys.
"""
import os
import socket
import struct
import sys
import threading
import time

(HELLO, CONNECT, DISCONNECT, RESET, INTERFACES, ENDPOINTS, SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION,
 SET_ALTERNATE, GET_ALTERNATE, ALTERNATE) = range(12)
START_INTERRUPT, STOP_INTERRUPT, INTERRUPT_STATUS, CANCEL = 15, 16, 17, 21
CONTROL, INTERRUPT_DATA = 100, 103
CAPABILITIES = 1 << 1 | 1 << 4  # the device's version at its connection, packet sizes of endpoints
OK, STALL = 0, 4
FULL_SPEED, INTERRUPT, INVALID = 1, 3, 255
IN = 0x80
KEYS_ENDPOINT, PULLED_S = 0x81, 1

USAGES = {"ret": 0x28, "esc": 0x29, "backspace": 0x2A, "f2": 0x3B, "0": 0x27, **{str(i): 0x1D + i for i in range(1, 10)}}

# HID 1.11, appendices B.1 and B.2
KEYBOARD_REPORT = bytes.fromhex("05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503"
                                "910195067508150025650507190029658100c0")
MOUSE_REPORT = bytes.fromhex("05010902a1010901a1000509190129031500250195037501810295017505810105010930093115812"
                             "57f750895028106c0c0")
#: class, subclass, protocol, report
PARTS = [(3, 1, 1, KEYBOARD_REPORT), (3, 1, 2, MOUSE_REPORT), (0xFF, 0, 0, None)]
VENDOR, PRODUCT, VERSION = 0x1209, 0x0001, 0x0100


def hid(report):
    return struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(report))


def configuration():
    parts = b""
    for number, (kind, subclass, protocol, report) in enumerate(PARTS):
        parts += bytes([9, 4, number, 0, 1, kind, subclass, protocol, 0])
        parts += hid(report) if report else b""
        parts += struct.pack("<BBBBHB", 7, 5, IN | number + 1, INTERRUPT, 8, 10)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(parts), len(PARTS), 1, 0, 0xA0, 50) + parts


DEVICE = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0110, 0, 0, 0, 8, VENDOR, PRODUCT, VERSION, 0, 0, 0, 1)


class Composite:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        while True:  # until the emulator has made its end
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.1)
        self.lock = threading.Lock()
        self.configuration, self.polled = 0, set()

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                sys.exit(0)
            data += more
        return data

    def send(self, kind, body, number=0):
        with self.lock:
            self.socket.sendall(struct.pack("<III", kind, len(body), number) + body)

    def connect(self):
        count = len(PARTS)
        column = lambda values: bytes(values) + bytes(32 - count)
        self.send(INTERFACES, struct.pack("<I", count) + column(range(count)) +
                  b"".join(column(part[i] for part in PARTS) for i in range(3)))
        rows = [(INVALID, 0, 0, 0)] * 32  # OUT 0 to 15, IN 0 to 15
        rows[0] = rows[16] = (0, 0, 0, 8)
        for number in range(count):
            rows[17 + number] = (INTERRUPT, 10, number, 8)
        self.send(ENDPOINTS, b"".join(bytes(row[i] for row in rows) for i in range(3)) +
                  b"".join(struct.pack("<H", row[3]) for row in rows))
        self.send(CONNECT, struct.pack("<BBBBHHH", FULL_SPEED, 0, 0, 0, VENDOR, PRODUCT, VERSION))

    def descriptor(self, value, index):
        kind = value >> 8
        if kind == 1:
            return DEVICE
        if kind == 2:
            return configuration()
        if kind in (0x21, 0x22) and index < len(PARTS) and PARTS[index][3]:
            return PARTS[index][3] if kind == 0x22 else hid(PARTS[index][3])
        return None

    def control(self, number, body):
        endpoint, request, kind, _, value, index, length = struct.unpack("<BBBBHHH", body[:10])
        answer, status = b"", OK
        if kind & IN:
            answer = self.descriptor(value, index) if request == 6 else bytes(length) if kind & 0x60 else None
            status, answer = (STALL, b"") if answer is None else (OK, answer[:length])
        size = len(answer) if kind & IN else length
        self.send(CONTROL, struct.pack("<BBBBHHH", endpoint, request, kind, status, value, index, size) + answer, number)

    def answer(self, kind, number, body):
        if kind == HELLO:
            self.send(HELLO, b"composite".ljust(64, b"\0") + struct.pack("<I", CAPABILITIES))
            self.connect()
        elif kind in (SET_CONFIGURATION, GET_CONFIGURATION):
            if kind == SET_CONFIGURATION:
                self.configuration = body[0]
                print(f"configuration {self.configuration}", flush=True)
            self.send(CONFIGURATION, bytes([OK, self.configuration]), number)
        elif kind in (SET_ALTERNATE, GET_ALTERNATE):
            self.send(ALTERNATE, bytes([OK, body[0], 0]), number)
        elif kind in (START_INTERRUPT, STOP_INTERRUPT):
            (self.polled.add if kind == START_INTERRUPT else self.polled.discard)(body[0])
            self.send(INTERRUPT_STATUS, bytes([OK, body[0]]), number)
        elif kind == CONTROL:
            self.control(number, body)
        elif kind == INTERRUPT_DATA:
            self.send(INTERRUPT_DATA, struct.pack("<BBH", body[0], OK, 0), number)

    def serve(self):
        while True:
            kind, size, number = struct.unpack("<III", self.take(12))
            self.answer(kind, number, self.take(size))

    def press(self, name):
        while KEYS_ENDPOINT not in self.polled:  # until its driver listens
            time.sleep(0.05)
        for usage in (USAGES[name], 0):
            self.send(INTERRUPT_DATA, struct.pack("<BBH", KEYS_ENDPOINT, OK, 8) + bytes([0, 0, usage, 0, 0, 0, 0, 0]))
            time.sleep(0.05)

    def replug(self):
        self.send(DISCONNECT, b"")
        self.polled.clear()
        time.sleep(PULLED_S)
        self.connect()

    def orders(self, path):
        box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if os.path.exists(path):
            os.unlink(path)
        box.bind(path)
        while True:
            for word in box.recv(4096).decode().split():
                if word == "replug":
                    self.replug()
                else:
                    self.press(word)


def main():
    what, path, *words = sys.argv[1:]
    if what == "plug":
        device = Composite(path)
        threading.Thread(target=device.orders, args=(path + ".keys",), daemon=True).start()
        device.serve()
    box = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    box.sendto(" ".join([what] if what == "replug" else words).encode(), path + ".keys")


main()
