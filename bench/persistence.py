"""Saving, loading and logging beside redis-server: time, CPU, memory, and what clients feel of it."""

import contextlib
import time

import load
import peers
import summary

VALUE_BYTES = 64
RDB_10 = ("--rdb-version", "10")  # what redis-server 7.0 writes and reads


def _info(server, field: str) -> str:
    lines = server.call("INFO", "persistence").decode().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(field + ":"))


def _wait_for(server, field: str, value: str):
    while _info(server, field) != value:
        time.sleep(0.01)


def _fill(server, keys: int):
    load.run(server, "SET key:{seq} {value}", requests=keys, keys=keys, value_bytes=VALUE_BYTES, pipeline=64)


def _children_cpu_s(pid: int) -> float:
    stat = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(stat[13]) + int(stat[14])) / 100


def _save(server) -> dict:
    """One BGSAVE of an idle server: seconds, CPU seconds and MB a second."""
    cpu_s, children_s, started = server.cpu_s(), _children_cpu_s(server.process.pid), time.monotonic()
    server.call("BGSAVE")
    _wait_for(server, "rdb_bgsave_in_progress", "0")
    seconds = time.monotonic() - started
    spent = server.cpu_s() - cpu_s + _children_cpu_s(server.process.pid) - children_s
    megabytes = (server.directory / "dump.rdb").stat().st_size / 1e6
    return {"seconds": seconds, "cpu_s": spent, "mb_s": megabytes / seconds}


def _tree_rss(server) -> int:
    """Of the server and its children, counted once: what is shared belongs to the server."""
    children = open(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read().split()
    total = server.rss_bytes()
    for child in children:
        with contextlib.suppress(OSError):
            rollup = open(f"/proc/{child}/smaps_rollup").read().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Private_"))
    return total


def _overwritten(server, keys: int) -> float:
    """The growth of memory, in percent, while every key is overwritten during a save."""
    before = peak = _tree_rss(server)
    server.call("BGSAVE")
    writer = load.start(server, "SET key:{seq} {value}", requests=keys, keys=keys, value_bytes=VALUE_BYTES, pipeline=16)
    while _info(server, "rdb_bgsave_in_progress") == "1" or writer.poll() is None:
        peak = max(peak, _tree_rss(server))
    load.finish(writer)
    return (peak / before - 1) * 100


def _pauses(server, keys: int, saves: bool) -> dict:
    """The probe's round trips beside a load of which the server could bear more, with and without a save."""
    with load.probe(server) as seen:
        writer = load.start(server, ["GET key:{key}", "SET key:{key} {value}"], requests=keys, keys=keys,
                            value_bytes=VALUE_BYTES, connections=4, pipeline=4)
        if saves:
            server.call("BGSAVE")
        load.finish(writer)
        if saves:
            _wait_for(server, "rdb_bgsave_in_progress", "0")
    return seen


def table_save(session) -> str:
    keys = session.size(2_000_000, 20_000)
    rows, found = [], {}
    with peers.running(peers.Redis(), peers.Kiln(*RDB_10)) as servers:
        for server in servers:
            session.say(f"{server.label}: filling")
            _fill(server, keys)
        saves = {s.label: [] for s in servers}
        for _ in range(session.rounds):
            for server in servers:
                session.say(f"{server.label}: BGSAVE")
                saves[server.label].append(_save(server))
        for server in servers:
            session.say(f"{server.label}: pauses")
            calm, saving = (_pauses(server, keys // 2, saves=saves_now) for saves_now in (False, True))
            session.say(f"{server.label}: overwriting")
            found[server.label] = (calm, saving, _overwritten(server, keys))
    def ratio(field):
        return summary.median(summary.ratios(*([r[field] for r in saves[label]] for label in ("Kiln", "redis"))))
    for label, (calm, saving, growth) in found.items():
        mine = label == "Kiln"
        rows.append([
            label, f"{summary.median([r['mb_s'] for r in saves[label]]):.0f}",
            f"{summary.median([r['cpu_s'] for r in saves[label]]):.2f}",
            f"{calm['p99_us'] / 1000:.2f}", f"{saving['p99_us'] / 1000:.2f}", f"{saving['max_us'] / 1000:.2f}",
            f"{growth:.1f}",
            summary.verdict(1 / ratio("mb_s"), 0.5, "x of the time") if mine else "",
            summary.verdict(ratio("cpu_s"), 0.5, "x of the CPU") if mine else "",
            summary.verdict(saving["p99_us"] / calm["p99_us"], 1.2, "x p99") if mine else "",
            summary.verdict(growth, 3, "%") if mine else ""])
    return summary.markdown(["BGSAVE", "MB/s", "CPU, s", "p99 before, ms", "p99 saving, ms", "longest, ms",
                             "memory grown, %", "speed", "CPU", "p99", "memory"], rows)


def _restart(server, prepare) -> float:
    """Seconds from the start to the first answer that is no refusal."""
    prepare(server)
    server.process.kill()
    server.process.wait()
    server.log.close()
    started = time.monotonic()
    server.start()
    while b"loading:1" in server.call("INFO", "persistence"):
        time.sleep(0.002)
    return time.monotonic() - started


def _empty_start(server) -> float:
    started = time.monotonic()
    server.start()
    return time.monotonic() - started


def table_load(session) -> str:
    keys = session.size(2_000_000, 20_000)
    kinds = {
        "RDB": ((), lambda server: server.call("SAVE")),
        "AOF": (("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"), lambda server: time.sleep(1.2)),
    }
    rows = []
    for kind, (options, prepare) in kinds.items():
        seconds = {}
        for make in (peers.Redis, peers.Kiln):
            with make(*options, cores=peers.BOTH_CORES, **({"workers": 2} if make is peers.Kiln else {})) as server:
                session.say(f"{server.label}: {kind}")
                _fill(server, keys)
                seconds[server.label] = [_restart(server, prepare) for _ in range(session.rounds)]
                assert int(server.call("DBSIZE")) == keys
        faster = summary.median(summary.ratios(seconds["redis"], seconds["Kiln"]))
        limit = 2.5 if kind == "RDB" else 2
        rows.append([kind, *(f"{keys / summary.median(seconds[label]) / 1e6:.2f}" for label in ("redis", "Kiln")),
                     f"{faster:.2f}", f">= {limit}: {'met' if faster >= limit else 'missed'}"])
    return summary.markdown(["reading", "redis, M keys/s", "Kiln, M keys/s", "Kiln / redis", "target"], rows)


def table_log(session) -> str:
    keys, rows = session.size(200_000, 5_000), []
    none, logged = ("--appendonly", "no"), ("--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")
    always = (*logged, "--appendfsync", "always")
    with peers.running(peers.Redis(*always, label="redis"), peers.Kiln(*always, label="Kiln")) as servers:
        requests = session.size(100_000, 2_000)
        rates = summary.alternate(session.rounds, {
            s.label: lambda s=s: requests / load.run(s, "SET key:{key} {value}", requests=requests, keys=keys,
                                                     value_bytes=VALUE_BYTES, connections=50, pipeline=1)["seconds"]
            for s in servers})
        ratio = summary.median(summary.ratios(rates["Kiln"], rates["redis"]))
        rows.append(["always, 50 connections: requests/s",
                     *(f"{summary.median(rates[s.label]):,.0f}" for s in servers), f"{ratio:.2f}",
                     f">= 1: {'met' if ratio >= 1 else 'missed'}"])
    with peers.running(peers.Kiln(*none, label="none"), peers.Kiln(*logged, label="everysec")) as servers:
        requests = session.size(1_000_000, 20_000)
        costs = summary.alternate(session.rounds, {
            s.label: lambda s=s: load.run(s, "SET key:{key} {value}", requests=requests, keys=keys,
                                          value_bytes=VALUE_BYTES, pipeline=16)["cpu_us"] for s in servers})
        ratio = summary.median(summary.ratios(costs["everysec"], costs["none"]))
        rows.append(["CPU per SET, us: none, everysec", *(f"{summary.median(costs[s.label]):.3f}" for s in servers),
                     f"{ratio:.2f}", summary.verdict(ratio, 1.15, "x")])
    return summary.markdown(["logging", "redis / none", "Kiln / everysec", "ratio", "target"], rows)
