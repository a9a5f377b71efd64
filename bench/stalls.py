"""The longest pause that a serial client sees while tables grow and while a big key is deleted.

The probe shares the load's core, at real-time priority. What the machine itself takes is told by two
floors: the no-op responder under the same load, and the same server for as long when it is idle. The
load has few requests in flight, or the probe would measure its queue; it yields to a worker on its
core. While something big is deleted the servers run at real-time priority too, or a pause would tell
when the scheduler turned to something else, which takes 3 to 5 ms at a time even of an idle server.
(Not while tables grow: the system holds real-time threads that never sleep back for 50 ms a second.)
"""

import contextlib
import os
import time

import load
import peers
import summary

IN_FLIGHT = {"connections": 4, "pipeline": 32, "courtesy": 10}
LIMIT_MS = 2.0


def two_workers():
    return peers.Kiln(workers=2, label="Kiln, 2 workers", cores=peers.BOTH_CORES)


@contextlib.contextmanager
def urgent(make):
    """A server at real-time priority, but not its allocator's helper, which may have bursts."""
    with make() as server:
        with contextlib.suppress(PermissionError):
            for task in server.tasks():
                if "jemalloc" not in (task / "comm").read_text():
                    os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(10))
        yield server


def growth(session, make) -> dict:
    """Percentiles of the probe's round trips while a server is filled."""
    keys = session.size(10_000_000, 200_000)
    with make() as server, load.probe(server) as seen:
        done = load.run(server, "SET key:{seq} {value}", requests=keys, keys=keys, value_bytes=32, **IN_FLIGHT)
    return {**seen, "seconds": done["seconds"]}


def idle(seconds: float) -> dict:
    with peers.Kiln() as server, load.probe(server) as seen:
        time.sleep(seconds)
    return seen


def growth_table(session) -> str:
    subjects = {"no-op": peers.Noop, "redis": peers.Redis, "Kiln": peers.Kiln, "Kiln, 2 workers": two_workers}
    found = {name: [] for name in ("idle Kiln", *subjects)}
    for number in range(session.rounds):
        for name, make in subjects.items():
            session.say(f"round {number + 1}: {name} grows")
            found[name].append(growth(session, make))
        found["idle Kiln"].append(idle(found["Kiln"][-1]["seconds"]))
    rows = []
    for name, rounds in found.items():
        longest = [round_["max_us"] / 1000 for round_ in rounds]
        target = summary.verdict(summary.median(longest), LIMIT_MS, " ms") if name.startswith("Kiln") else ""
        rows.append([name, *(f"{summary.median([r[field] for r in rounds]) / 1000:.2f}" for field in
                             ("p50_us", "p99_us", "p999_us")), summary.spread(longest), target])
    real_time = all(round_["is_realtime"] for rounds in found.values() for round_ in rounds)
    note = "" if real_time else "\n\nThe system refused the probe real-time priority."
    return summary.markdown(["growing", "p50, ms", "p99, ms", "p99.9, ms", "longest, ms", "target"], rows) + note


def deletions(session, make) -> dict:
    """(longest pause, the deleting client's own wait) in ms, by command; and of an idle spell."""
    members = session.size(2_000_000, 50_000)
    spell_s = session.size(1.5, 0.3)  # freeing may go on behind the reply
    found = {}
    with urgent(make) as server:
        load.run(server, "ZADD one {key} member:{seq}", requests=members, keys=members, pipeline=64)
        server.call("ZRANGESTORE", "two", "one", 0, -1)
        for words in (("PING",), ("DEL", "one"), ("UNLINK", "two")):
            with load.probe(server) as seen, server.connect(60) as client:
                time.sleep(0.2)
                started = time.monotonic()
                if client.call(*words)[0] == "-":
                    raise load.Failed(f"{server.label}: {words}")
                waited = time.monotonic() - started
                time.sleep(spell_s)
            found[words[0]] = (seen["max_us"] / 1000, waited * 1000)
    return found


def deletion_table(session) -> str:
    subjects = {"redis": peers.Redis, "Kiln": peers.Kiln, "Kiln, 2 workers": two_workers}
    found = {name: [] for name in subjects}
    for number in range(session.rounds):
        for name, make in subjects.items():
            session.say(f"round {number + 1}: {name} deletes")
            found[name].append(deletions(session, make))
    rows = []
    for command, title in (("PING", "nothing"), ("DEL", "DEL"), ("UNLINK", "UNLINK")):
        for name, rounds in found.items():
            longest, waited = zip(*(round_[command] for round_ in rounds))
            judged = name.startswith("Kiln") and command != "PING"
            target = summary.verdict(summary.median(longest), LIMIT_MS, " ms") if judged else ""
            rows.append([f"{title}, {name}", summary.spread(longest), summary.spread(waited), target])
    return summary.markdown(["deleting", "longest pause, ms", "own wait, ms", "target"], rows)


def table(session) -> str:
    return growth_table(session) + "\n\n" + deletion_table(session)
