"""Round trips of five serial clients beside 45 clients that keep 64 requests in flight each."""

import time

import cpu
import load
import peers
import summary


def serial_percentiles(session, server, keys: int) -> dict:
    seconds = session.size(3.0, 0.5)
    with load.background(server, cpu.GET[server.protocol], keys=keys, connections=45, pipeline=64,
                         seconds=seconds + 1):
        time.sleep(0.3)
        return load.run(server, cpu.GET[server.protocol], keys=keys, connections=5, seconds=seconds, realtime=1)


def table(session) -> str:
    keys = session.size(1_000_000, 20_000)
    with peers.running(peers.Noop(), peers.Redis(), peers.Memcached(), peers.Kiln()) as servers:
        for server in servers:
            cpu.fill(server, keys)
        session.say("five serial clients beside 45 at pipeline 64")
        found = summary.alternate(session.rounds, {
            server.label: lambda s=server: serial_percentiles(session, s, keys) for server in servers})
    rows = []
    for label, rounds in found.items():
        columns = {name: [round_[name] / 1000 for round_ in rounds] for name in ("p50_us", "p99_us", "p999_us")}
        target = summary.verdict(summary.median(columns["p999_us"]), 1.0, " ms") if label == "Kiln" else ""
        rows.append([label, *map(summary.spread, columns.values()), target])
    return summary.markdown(["server", "p50, ms", "p99, ms", "p99.9, ms", "target p99.9"], rows)
