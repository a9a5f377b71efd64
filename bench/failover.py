"""What users of client libraries feel when the primary is killed: writes lost, and how long none was acknowledged.

The same programs, one a library, append to lists of their own all the time; each keeps the history of what it was told
(tests/faults/history.py). They find the primary through Sentinel, or at kilnd's endpoint, which stays where it is.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

import peers
import summary
from api.kilnd import Kilnd
from clients.programs import install_node_packages
from faults.acknowledged import check_appends
from faults.history import load, longest_gap_ms, now_ns
from faults.sentinel import GROUP, Sentinel
from servers import HOST, wait_until

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parent / "tests/clients/node/lib"
LIBRARIES = {
    "redis-py": [sys.executable, "-B", str(HERE / "clients/redis_py.py")],
    "ioredis": ["node", str(NODE / "appends_ioredis.mjs")],
    "node-redis": ["node", str(NODE / "appends_node_redis.mjs")],
    "Redis::Fast (hiredis)": ["perl", str(HERE / "clients/redis_fast.pl")],
}
AT_ONCE = ("--repl-diskless-sync-delay", "0")
LIMIT_S = 60
SOON = {"Delay": 1, "MaxAttempts": 60}


class Clients:
    """All libraries at once, each with an output file."""

    def __init__(self, where):
        self.where = [str(word) for word in where]

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="kiln-failover-")
        self.running = {}
        for number, (name, command) in enumerate(LIBRARIES.items()):
            path = pathlib.Path(self.folder.name) / str(number)
            with open(path, "wb") as output:
                process = subprocess.Popen([*command, *self.where, f"list:{number}"], stdin=subprocess.DEVNULL,
                                           stdout=output)
            self.running[name] = (process, path)
        return self

    def __exit__(self, *_):
        self.stop()
        self.folder.cleanup()

    def stop(self):
        for process, _ in self.running.values():
            process.terminate()
            process.wait()

    def history(self, name) -> list:
        lines = self.running[name][1].read_text().split("\n")
        return load(lines[:-1])  # the last may be half

    def wait_for_all(self, count, since_ns=0):
        """Until each library has so many acknowledgements of requests that began after that."""
        def have():
            return all(sum(one.outcome == "ok" and one.start_ns > since_ns for one in self.history(name)) >= count
                       for name in self.running)

        wait_until(have, LIMIT_S, "all libraries write")


def lists(connection) -> dict:
    return {f"list:{number}": [value[1].decode() for value in connection.call("LRANGE", f"list:{number}", 0, -1)[1]]
            for number in range(len(LIBRARIES))}


@contextlib.contextmanager
def watched(kind):
    """A primary, two replicas and three Sentinels."""
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(kind(*AT_ONCE, cores=peers.BOTH_CORES)) for _ in range(3)]
        for replica in nodes[1:]:
            replica.call("REPLICAOF", HOST, str(nodes[0].port))
        sentinels = [stack.enter_context(Sentinel((HOST, nodes[0].port), quorum=2)) for _ in range(3)]
        for one in sentinels:
            wait_until(lambda: one.others() == 2 and one.linked() == 2, LIMIT_S, "Sentinels know all")

        def contents():
            port = sentinels[0].primary()[1]
            with next(node for node in nodes if node.port == port).connect() as connection:
                return lists(connection)

        yield ("sentinel", HOST, sentinels[0].port, GROUP), nodes[0].process.kill, contents


@contextlib.contextmanager
def managed(mode):
    """A group of kilnd with two replicas."""
    with Kilnd() as kilnd:
        aws = kilnd.client()
        aws.create_cache_parameter_group(CacheParameterGroupName="p", CacheParameterGroupFamily="redis7",
                                         Description="d")
        aws.modify_cache_parameter_group(CacheParameterGroupName="p", ParameterNameValues=[
            {"ParameterName": "durability", "ParameterValue": mode}])
        aws.create_replication_group(
            ReplicationGroupId="shop", ReplicationGroupDescription="d", CacheNodeType="cache.t3.micro",
            NumCacheClusters=3, AutomaticFailoverEnabled=True, CacheParameterGroupName="p")
        aws.get_waiter("replication_group_available").wait(ReplicationGroupId="shop", WaiterConfig=SOON)
        group = aws.describe_replication_groups(ReplicationGroupId="shop")["ReplicationGroups"][0]
        place = group["NodeGroups"][0]["PrimaryEndpoint"]
        address = (place["Address"], place["Port"])

        def kill():
            os.kill(kilnd.nodes()["shop-001.0001"], signal.SIGKILL)

        def contents():
            with peers.servers.Connection(*address, 5.0) as connection:
                return lists(connection)

        yield ("endpoint", *address, "-"), kill, contents


SETUPS = {
    "redis-server and Sentinel": lambda: watched(peers.Redis),
    "kiln-server and Sentinel": lambda: watched(peers.Kiln),
    "kilnd, durability disabled": lambda: managed("disabled"),
    "kilnd, durability sync": lambda: managed("sync"),
}


def one_life(make) -> dict:
    """By library: writes acknowledged, lost, made twice, and the longest time without one after the kill, in ms."""
    with make() as (where, kill, contents), Clients(where) as clients:
        clients.wait_for_all(300)
        killed_ns = now_ns()
        kill()
        clients.wait_for_all(300, killed_ns + 100_000_000)
        clients.stop()
        there = contents()
        found = {}
        for number, name in enumerate(LIBRARIES):
            history = clients.history(name)
            findings = check_appends(history, {f"list:{number}": there[f"list:{number}"]})
            found[name] = (findings.acknowledged, len(findings.lost), len(findings.twice),
                           longest_gap_ms(history, killed_ns))
    return found


def table(session) -> str:
    install_node_packages()
    rows = []
    for label, make in SETUPS.items():
        lives = []
        for _ in range(session.size(3, 1)):
            session.say(label)
            lives.append(one_life(make))
        for name in LIBRARIES:
            told, lost, twice, gaps = zip(*(life[name] for life in lives))
            target = summary.verdict(max(gaps), 3000, " ms") if label.startswith("kilnd") else ""
            rows.append([f"{label}: {name}", f"{sum(told):,}", sum(lost), sum(twice),
                         f"{summary.median(gaps):,.0f}", f"{max(gaps):,.0f}", target])
    return summary.markdown(["setup: library", "acknowledged", "lost", "twice", "none for, ms", "at most, ms",
                             "target"], rows)
