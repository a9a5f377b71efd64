"""What replicas cost, how long a full copy takes, and how late changes arrive, beside redis-server."""

import threading
import time

import load
import peers
import summary

VALUE_BYTES = 64
AT_ONCE = ("--repl-diskless-sync-delay", "0", "--client-output-buffer-limit", "replica 0 0 0")


def _field(server, name: str, section: str = "replication") -> str:
    lines = server.call("INFO", section).decode().splitlines()
    return next((line.partition(":")[2] for line in lines if line.startswith(name + ":")), "")


def _follow(replica, primary):
    replica.call("REPLICAOF", "127.0.0.1", str(primary.port))
    while _field(replica, "master_link_status") != "up":
        time.sleep(0.005)


def _set_cost(server, requests: int, keys: int) -> float:
    return load.run(server, "SET key:{key} {value}", requests=requests, keys=keys, value_bytes=VALUE_BYTES,
                    pipeline=16)["cpu_us"]


class _Buffers(threading.Thread):
    """The most that a primary kept for its replicas while this ran."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.most, self.over = server, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, int(_field(self.server, "mem_total_replication_buffers", "memory") or 0))


def _lags(primary, replica, samples: int) -> list:
    """Milliseconds from a write on the primary until a reader of the replica sees it."""
    seen = []
    with primary.connect() as writer, replica.connect() as reader:
        for number in range(samples):
            word = str(number).encode()
            started = time.monotonic()
            writer.call("SET", "the-lag", word)
            while reader.call("GET", "the-lag")[1] != word:
                pass
            seen.append((time.monotonic() - started) * 1000)
            time.sleep(0.002)
    return sorted(seen)


def _sync(make, session, keys: int) -> dict:
    """A full sync beside writes: seconds, the probe's p99 before and meanwhile, and what it kept."""
    with peers.running(make(*AT_ONCE), make(*AT_ONCE, cores=peers.BOTH_CORES)) as (primary, replica):
        session.say(f"{primary.label}: filling")
        load.run(primary, "SET key:{seq} {value}", requests=keys, keys=keys, value_bytes=VALUE_BYTES, pipeline=64)
        found = {}
        with load.probe(primary) as calm:
            load.run(primary, "SET key:{key} {value}", seconds=session.size(5, 1), keys=keys,
                     value_bytes=VALUE_BYTES, connections=4, pipeline=1)
        session.say(f"{primary.label}: full sync")
        buffers = _Buffers(primary)
        with load.probe(primary) as busy:
            writer = load.start(primary, "SET key:{key} {value}", seconds=session.size(20, 3), keys=keys,
                                value_bytes=VALUE_BYTES, connections=4, pipeline=1)
            buffers.start()
            started = time.monotonic()
            _follow(replica, primary)
            found["seconds"] = time.monotonic() - started
            buffers.over.set()
            session.say(f"{primary.label}: lag")
            lags = _lags(primary, replica, session.size(500, 50))
            result = load.finish(writer)
        found |= {"calm_ms": calm["p99_us"] / 1000, "busy_ms": busy["p99_us"] / 1000, "buffers": buffers.most / 2**20,
                  "lag_ms": lags[len(lags) * 99 // 100], "rate": result["requests"] / result["seconds"]}
    return found


def table_replicas(session) -> str:
    keys, requests = session.size(200_000, 5_000), session.size(1_000_000, 20_000)
    with peers.running(peers.Kiln(label="none"), peers.Kiln(*AT_ONCE, label="one"),
                       peers.Kiln(*AT_ONCE, cores=peers.BOTH_CORES)) as (alone, primary, replica):
        _follow(replica, primary)
        costs = summary.alternate(session.rounds, {
            s.label: lambda s=s: _set_cost(s, requests, keys) for s in (alone, primary)})
    ratio = summary.median(summary.ratios(costs["one"], costs["none"]))
    return summary.markdown(
        ["", "no replica", "one replica", "ratio", "target"],
        [["CPU per SET, us", *(f"{summary.median(costs[label]):.3f}" for label in ("none", "one")), f"{ratio:.2f}",
          summary.verdict(ratio, 1.15, "x")]])


def table_sync(session) -> str:
    keys = session.size(3_000_000, 30_000)
    found = {label: _sync(make, session, keys) for label, make in (("redis", peers.Redis), ("Kiln", peers.Kiln))}
    rows = []
    for label, one in found.items():
        mine = label == "Kiln"
        rows.append([label, f"{one['rate']:,.0f}", f"{one['seconds']:.2f}", f"{one['calm_ms']:.2f}",
                     f"{one['busy_ms']:.2f}", f"{one['buffers']:.0f}", f"{one['lag_ms']:.2f}",
                     summary.verdict(one["seconds"] / found["redis"]["seconds"], 0.6, "x of the time") if mine else "",
                     summary.verdict(one["busy_ms"] / one["calm_ms"], 1.3, "x p99") if mine else "",
                     summary.verdict(one["buffers"], 64, "MB") if mine else "",
                     summary.verdict(one["lag_ms"], 10, "ms") if mine else ""])
    return summary.markdown(["full sync", "writes/s", "s", "p99 before, ms", "p99, ms", "kept, MB", "lag p99, ms",
                             "time", "p99", "kept", "lag"], rows)
