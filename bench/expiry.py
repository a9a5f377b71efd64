"""How long after its time an expired key is gone: one million keys come due within ten seconds.

A subscriber to `expired` events compares their arrival with the due time, which is part of the key.
Another million keys, due in ten hours, lie between them: a server that samples has to find the due
ones. Nobody reads the keys, so only active expiry removes them.
"""

import math
import re
import time

import load
import peers
import summary

DUE = re.compile(rb"due:(\d{13}):\d{12}\r\n")
EVENTS = "__keyevent@0__:expired"
OPTIONS = ("--notify-keyspace-events", "Ex", "--client-output-buffer-limit", "pubsub 0 0 0")


def lags(client, count: int, until_s: float) -> list:
    """Lags in ms of the events that arrive by a wall-clock time, in order of arrival."""
    found, rest = [], b""
    client.settimeout(0.2)
    while len(found) < count and time.time() < until_s:
        try:
            rest += client.recv(1 << 20)
        except TimeoutError:
            continue
        now_ms, end = time.time() * 1000, 0
        for match in DUE.finditer(rest):
            found.append(now_ms - int(match[1]))
            end = match.end()
        rest = rest[end:]
    return found


def lags_of(session, kind, patience_s: float) -> list:
    """Sorted lags of all due keys; infinite for those not expired `patience_s` after the last was due."""
    count = session.size(1_000_000, 20_000)
    window_s = session.size(10, 2)
    with kind(*OPTIONS) as server:
        session.say(f"{server.label}, {count:,} due keys")
        options = {"keys": count, "requests": count, "value_bytes": 32, "pipeline": 64}
        filled = load.run(server, "SET undue:{seq} {value} EX 36000", **options)
        due_s = time.time() + 1.5 * filled["seconds"] + 1
        with server.connect() as client:
            client.call("SUBSCRIBE", EVENTS)
            load.run(server, "SET due:{due}:{seq} {value} PXAT {due}", due_ms=int(due_s * 1000),
                     due_window_ms=window_s * 1000, **options)
            if time.time() > due_s:
                raise load.Failed("keys came due before all of them were set")
            found = lags(client.socket, count, due_s + window_s + patience_s)
    return sorted(found) + [math.inf] * (count - len(found))


def row(label: str, rounds: list, patience_s: float) -> list:
    def text(fraction: float) -> str:
        values = [summary.percentile(round_, fraction) for round_ in rounds]
        return f"> {patience_s:g} s" if math.inf in values else summary.spread(values, 1)
    gone = min(sum(lag < math.inf for lag in round_) / len(round_) for round_ in rounds)
    target = ""
    if label == "Kiln":
        middle = [summary.median([summary.percentile(r, fraction) for r in rounds]) for fraction in (0.5, 0.99)]
        target = ", ".join(map(summary.verdict, middle, (50, 1000)))
    return [label, len(rounds), text(0.5), text(0.99), text(1.0), f"{gone:.1%}", target]


def table(session) -> str:
    patience_s = session.size(60, 4)
    kiln = [lags_of(session, peers.Kiln, 20) for _ in range(session.rounds)]
    redis = [lags_of(session, peers.Redis, patience_s)]
    return summary.markdown(
        ["server", "rounds", "lag p50, ms", "lag p99, ms", "lag max, ms", "expired in time", "target p50, p99"],
        [row("redis", redis, patience_s), row("Kiln", kiln, 20)])
