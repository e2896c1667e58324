"""rigs - programs of tests/rig that run beside a test until end()."""
import contextlib
import json
import os
import subprocess
import time

from tap import bail

started = []  # the newest first: what was started later leans on what was there


def start(*command):
    """A rig, once it has printed its line: what that line says."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started.insert(0, process)
    line = process.stdout.readline()
    if not line:
        bail(f"{command[0]} did not start")
    return json.loads(line)


def end():
    for process in started:
        process.terminate()
        process.wait()


def until(condition, seconds=60):
    """True as soon as it holds; False if it does not in that time."""
    stop = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > stop:
            return False
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def inside(netns):
    """This thread's new sockets and children belong to that namespace."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    other = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    try:
        os.setns(other, os.CLONE_NEWNET)
        yield
    finally:
        os.setns(own, os.CLONE_NEWNET)
        os.close(own)
        os.close(other)
