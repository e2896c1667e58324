"""tap - what the tests written in Python share: check() counts, plan() ends. A test that cannot go on calls bail()."""
import subprocess
import sys

count = failed = 0


def check(good, what, detail=""):
    """`detail` is what was seen instead. Returns `good`."""
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)
    if not good and detail != "":
        print(f"# {detail}", flush=True)
    return good


def bail(what):
    sys.exit(f"Bail out! {what}")


def plan():
    print(f"1..{count}")
    sys.exit(failed > 0)


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def must(*command, **more):
    """Its output; a failure is not a result of this test but the end of it."""
    done = run(*command, **more)
    if done.returncode:
        bail(f"{' '.join(command)}: {done.stderr}")
    return done.stdout
