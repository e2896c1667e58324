"""rigs - programs of tests/rig that run beside a test until end()."""
import json
import subprocess

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
