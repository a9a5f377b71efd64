"""Kiln and its peers as the benchmarks run them: pinned, without persistence, and accounted for.

The servers themselves are those of tests/servers.py; here they learn which cores they may use, what
they have cost, and in which protocol they are asked.
"""

import contextlib
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import servers  # noqa: E402

SERVER_CORE, LOAD_CORE = "0", "1"
BOTH_CORES = "0,1"


def program(name: str) -> str:
    return str(pathlib.Path(servers.kiln_binary()).with_name(name))


def tasks(pid: int) -> list:
    return list(pathlib.Path(f"/proc/{pid}/task").iterdir())


def cpu_s(pid: int) -> float:
    """User and system time of all threads; schedstat counts nanoseconds, stat only ticks."""
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks(pid)) / 1e9
    except FileNotFoundError:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


class Accounted:
    """Mixed into a server: its cores, and its CPU time, memory and wake-ups as the kernel counts them."""

    protocol = "resp"

    def __init__(self, *options: str, label: str = "", cores: str = SERVER_CORE, under=()):
        super().__init__(*options)
        self.label = label or self.name
        self.cores, self.under = cores, list(under)

    def argv(self):
        return ["taskset", "-c", self.cores, *self.under, *super().argv()]

    def tasks(self) -> list:
        return tasks(self.process.pid)

    def cpu_s(self) -> float:
        return cpu_s(self.process.pid)

    def wakeups(self) -> dict:
        """How often each thread has gone to sleep, by thread."""
        return {task.name: int(line.split()[1]) for task in self.tasks()
                for line in (task / "status").read_text().splitlines()
                if line.startswith("voluntary_ctxt_switches")}

    def rss_bytes(self) -> int:
        """Exact, where VmRSS may lag by some pages for each core."""
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Rss:")) * 1024

    def call(self, *words):
        """One RESP command on a connection of its own; replies as resp.wire gives them."""
        with self.connect(timeout_s=120) as client:
            sigil, payload = client.call(*words)
        if sigil == "-":
            raise RuntimeError(f"{self.label}: {words[0]}: {payload.decode()}")
        return payload

    def info(self, field: str) -> int:
        lines = self.call("INFO", "memory").decode().splitlines()
        return next(int(line.partition(":")[2]) for line in lines if line.startswith(field + ":"))


class Kiln(Accounted, servers.Kiln):
    def __init__(self, *options: str, workers: int = 1, label: str = "Kiln", **rest):
        super().__init__("--io-threads", str(workers), *options, label=label, **rest)


class Redis(Accounted, servers.Redis):
    pass


class Memcached(Accounted, servers.Memcached):
    protocol = "memcache"

    def __init__(self, *options: str, workers: int = 1, **rest):
        super().__init__("-t", str(workers), "-m", "4096", "-c", "2048", *options, **rest)


class KilnMemcached(Accounted, servers.KilnMemcached):
    protocol = "memcache"

    def __init__(self, *options: str, workers: int = 1, label: str = "Kiln", **rest):
        super().__init__("-t", str(workers), "-m", "4096", "-c", "2048", *options, label=label, **rest)


class Noop(Accounted, servers.Server):
    """Kiln's event loop answering without doing anything: see bench/noop_server.cc."""

    name = "no-op"

    def argv(self):
        return ["taskset", "-c", self.cores, *self.under, program("noop-server"), str(self.port)]

    def is_answering(self):
        with self.connect(timeout_s=1.0) as client:
            return client.call("PING") == ("+", b"PONG")


@contextlib.contextmanager
def running(*wanted):
    """Starts servers and stops them, whatever happens."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(server) for server in wanted]


@contextlib.contextmanager
def idle_connections(server, count: int):
    """Connections that have each asked once and are silent since."""
    question = b"PING\r\n" if server.protocol == "resp" else b"version\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(server.connect())
            client.send_raw(question)
            client.socket.recv(100)
        yield
