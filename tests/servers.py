"""The servers under test and their judges, as context managers.

  with Redis() as peer, Kiln("--maxmemory", "100mb") as kiln, Memcached() as cache: ...

Each runs on a free port of 127.0.0.1 in its own temporary directory and is stopped at the end.
KILN_SERVER names the kiln-server to test; kiln-memcached is expected beside it.
REDIS_SERVER names another judge than the installed redis-server.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from resp.wire import Closed, Connection

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0


def wait_until(condition, timeout_s: float = 10.0, what: str = "condition"):
    """Polls until condition() is true and returns its value; fails after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not true within {timeout_s} s")
        time.sleep(0.005)


def pause_process(pid: int):
    """Stops it until SIGCONT; returns when no thread of it runs any more, which the signal alone does not say."""
    def is_paused():
        states = []
        for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
            try:
                states.append(stat.read_text().rpartition(")")[2].split()[0])
            except OSError:
                pass  # The thread has just ended.
        return all(state in "TtZX" for state in states)

    os.kill(pid, signal.SIGSTOP)
    wait_until(is_paused, what="the process stands still")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def kiln_binary(name: str = "kiln-server") -> str:
    path = os.path.abspath(os.environ.get("KILN_SERVER") or ROOT / "build/release/bin/kiln-server")
    return str(pathlib.Path(path).with_name(name)) if name != "kiln-server" else path


class Server:
    """A child process that listens on one port. Subclasses say how to start it and how to ask it."""

    name = "server"

    def __init__(self, *options: str):
        self.options = list(options)
        self.port = 0
        self.process = None
        self.directory = None

    @classmethod
    def binary(cls) -> str:
        raise NotImplementedError

    @classmethod
    def is_available(cls) -> bool:
        return shutil.which(cls.binary()) is not None

    def argv(self) -> list:
        raise NotImplementedError

    def is_answering(self) -> bool:
        raise NotImplementedError

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}-test-"))
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        self.port = self.port or free_port()
        self.log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(self.argv(), cwd=self.directory, stdout=self.log,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            wait_until(self._is_up, START_TIMEOUT_S, f"{self.name} answers on port {self.port}")
        except BaseException:
            self.stop()
            raise

    def _is_up(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} exited at start:\n{self.log_tail()}")
        try:
            return self.is_answering()
        except (OSError, Closed):
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log_tail(self, size: int = 6000) -> str:
        return (self.directory / "log").read_bytes()[-size:].decode("utf-8", "replace")

    def rss_bytes(self) -> int:
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def connect(self, timeout_s: float = 20.0) -> Connection:
        return Connection(HOST, self.port, timeout_s)


class Redis(Server):
    """Debian's redis-server: the judge of RESP behaviour."""

    name = "redis"

    @classmethod
    def binary(cls):
        return os.environ.get("REDIS_SERVER", "redis-server")

    def argv(self):
        base = [self.binary(), "--port", str(self.port), "--bind", HOST, "--save", "",
                "--appendonly", "no", "--dir", str(self.directory), "--enable-debug-command", "yes"]
        return base + self.options

    def is_answering(self):
        with self.connect(timeout_s=1.0) as client:
            reply = client.call("PING")
        return reply == ("+", b"PONG") or reply[1].startswith(b"NOAUTH")


class Kiln(Redis):
    """kiln-server, started as redis-server is."""

    name = "kiln"

    @classmethod
    def binary(cls):
        return kiln_binary()


class Memcached(Server):
    """Debian's memcached: the judge of the memcached protocols."""

    name = "memcached"

    @classmethod
    def binary(cls):
        return "memcached"

    def argv(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        return [self.binary(), "-l", HOST, "-p", str(self.port), "-U", "0", *user, *self.options]

    def is_answering(self):
        with self.connect(timeout_s=1.0) as client:
            client.send_raw(b"version\r\n")
            return client.socket.recv(100).startswith(b"VERSION")


class KilnMemcached(Memcached):
    """kiln-server through its memcached name."""

    name = "kiln-memcached"

    @classmethod
    def binary(cls):
        return kiln_binary("kiln-memcached")


SERVERS = {kind.name: kind for kind in (Redis, Kiln, Memcached, KilnMemcached)}
