"""postgresrig - a PostgreSQL server of Debian's, of this test alone: at a socket in its folder, on no network."""
import glob
import os
import signal
import subprocess
import time

from tap import bail, run

PROGRAMS = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
# It refuses to be root.
NOBODY = 65534
SOMEBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def installed():
    return bool(PROGRAMS)


class Server:
    """Its disk is not waited for, which loses nothing as long as the machine stands; and commits, if nobody asks for it, are
    not written before they are answered."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.options = ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        os.chown(folder, NOBODY, NOBODY)
        os.chmod(folder, 0o755)
        done = run(*SOMEBODY, f"{PROGRAMS[-1]}/initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "sekisho", "-E", "UTF8",
                   "--locale=C", "--no-sync")
        if done.returncode:
            bail(f"initdb: {done.stdout}{done.stderr}")
        self.start()

    def start(self):
        self.log = open(f"{self.folder}/log", "a")
        self.process = subprocess.Popen(
            [*SOMEBODY, f"{PROGRAMS[-1]}/postgres", "-D", f"{self.folder}/data", "-k", self.folder, "-c",
             "listen_addresses=", "-c", "shared_buffers=16MB", "-c", "max_connections=20", *self.options],
            stdout=self.log, stderr=self.log)
        for _ in range(600):
            if run(f"{PROGRAMS[-1]}/pg_isready", "-q", "-h", self.folder).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        bail("PostgreSQL does not start: " + open(f"{self.folder}/log").read())

    def make(self, name):
        """A new database, by its URL."""
        self.sql("postgres", f'CREATE DATABASE "{name}"')
        return f"postgresql://sekisho@/{name}?host={self.folder}"

    def sql(self, name, text):
        done = run(f"{PROGRAMS[-1]}/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U",
                   "sekisho", "-d", name, "-c", text)
        if done.returncode:
            bail(f"{text}: {done.stderr}")
        return done.stdout.strip()

    def pids(self):
        """The server and its processes, one for each connection."""
        children = run("ps", "-o", "pid=", "--ppid", str(self.process.pid)).stdout.split()
        return [self.process.pid, *map(int, children)]

    def kill(self, number=signal.SIGKILL):
        for pid in self.pids() if number != signal.SIGTERM else [self.process.pid]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
