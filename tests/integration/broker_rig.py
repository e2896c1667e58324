"""broker_rig - a browser's view of tests/rig/broker: the rig as a process, connections as a browser makes them, and what
the broker tells the launcher. Shared by the tests of the broker; wants B, and root for the namespaces."""
import json, os, queue, re, signal, socket, ssl, subprocess, threading

from tap import bail

B = os.environ["B"]
TIMEOUT = 10
home = os.open("/proc/self/ns/net", os.O_RDONLY)


def within(netns, function, *arguments):
    """Sockets belong to where they were made. For the main thread: the others' namespace must not change under them."""
    os.setns(netns, os.CLONE_NEWNET)
    try:
        return function(*arguments)
    finally:
        os.setns(home, os.CLONE_NEWNET)


def loop_bytes(netns):
    """What has gone over a namespace's lo so far."""
    def read():
        with open("/proc/thread-self/net/dev") as lines:
            return int(re.search(r"lo:\s*(\d+)", lines.read()).group(1))
    return within(netns, read)


def ending(tls):
    """How a connection ends: "whole" (close_notify), "cut", or "open" if it does not."""
    tls.settimeout(TIMEOUT)
    try:
        while tls.recv(65536):
            pass
        return "whole"
    except TimeoutError:
        return "open"
    except (OSError, ssl.SSLError):
        return "cut"


class Rig:
    """`about` is what the rig said of itself; one screen (a namespace's descriptor) for each --bank."""

    def __init__(self, *options, pass_fds=()):
        self.process = subprocess.Popen([f"{B}/rig/broker", B, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1, pass_fds=pass_fds)
        line = self.process.stdout.readline()
        if not line:
            bail("the rig did not start")
        self.about = json.loads(line)
        self.screens = [os.open(s["netns"], os.O_RDONLY) for s in self.about["sessions"]]
        self.events = queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] != "counts":
                self.events.put(event)

    def event(self, timeout=TIMEOUT):
        try:
            return self.events.get(timeout=timeout)
        except queue.Empty:
            return {"event": "none", "reason": "none", "host": "", "session": 0, "detail": ""}

    def quiet(self, seconds=0.5):
        """No event for so long, and those before it are forgotten."""
        seen = []
        try:
            while True:
                seen.append(self.events.get(timeout=seconds))
        except queue.Empty:
            return seen

    def order(self, command, session=1):
        self.process.stdin.write(f"{command} {session}\n")
        self.process.stdin.flush()

    def connect(self, port=443, screen=0):
        plain = within(self.screens[screen], socket.create_connection, ("127.0.0.1", port), TIMEOUT)
        plain.settimeout(2 * TIMEOUT)
        return plain

    def context(self, protocols=("h2", "http/1.1"), version=None):
        context = ssl.create_default_context(cafile=self.about["ca"])
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def browse(self, host, screen=0, **how):
        """A TLS connection as a browser makes it: the socket, or the exception's text."""
        try:
            return self.context(**how).wrap_socket(self.connect(screen=screen), server_hostname=host)
        except (OSError, ssl.SSLError) as error:
            return str(error)

    def curl(self, url, *options, screen=0, seconds=TIMEOUT):
        """(body, what `-w` in the options says, error); "VERSION STATUS" without -w. From any thread."""
        done = subprocess.run(["nsenter", f"--net={self.about['sessions'][screen]['netns']}", "curl", "-sS", "--cacert",
                               self.about["ca"], "--max-time", str(seconds), "-w", "\n%{http_version} %{http_code}",
                               *options, url], capture_output=True, text=True)
        body, _, status = done.stdout.rpartition("\n")
        return body, status, done.stderr

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT)
