"""Many client processes against one server for a few seconds.

Processes, not threads: Python threads would take turns, and the server would never see two clients at once.
"""

import multiprocessing
import os
import random
import time
import traceback

from resp.wire import Connection
from servers import HOST

JOIN_S = 60.0


def seconds() -> float:
    return float(os.environ.get("STRESS_SECONDS", "4"))


def seed() -> int:
    chosen = int(os.environ.get("STRESS_SEED", "1"))
    print(f"seed {chosen}")
    return chosen


class Member:
    """What a role function gets: a connection, random numbers of its own, and the time."""

    def __init__(self, port: int, number: int, seed_value: int, deadline: float, stop):
        self.port, self.number, self.deadline, self.stop = port, number, deadline, stop
        self.rng = random.Random(seed_value * 1000 + number)
        self.client = self.connect()
        self.done = 0

    def connect(self) -> Connection:
        return Connection(HOST, self.port, timeout_s=30.0)

    def goes_on(self) -> bool:
        self.done += 1
        return time.monotonic() < self.deadline and not self.stop.is_set()


def _run(role, arguments, number, reports):
    try:
        member = Member(*arguments)
        role(member)
        reports.put((number, None, member.done))
    except BaseException:
        arguments[-1].set()
        reports.put((number, f"{role.__name__}: {traceback.format_exc()}", 0))


def run(server, *roles) -> list:
    """Runs every (function, how many) of roles until the time is up; fails with what a member raised.

    Returns how many rounds each member made.
    """
    context = multiprocessing.get_context("fork")
    stop, reports = context.Event(), context.Queue()
    chosen, deadline = seed(), time.monotonic() + seconds()
    members = []
    for role, count in roles:
        for _ in range(count):
            number = len(members)
            arguments = (server.port, number, chosen, deadline, stop)
            members.append(context.Process(target=_run, args=(role, arguments, number, reports), daemon=True))
    for member in members:
        member.start()
    results = [reports.get(timeout=seconds() + JOIN_S) for _ in members]
    for member in members:
        member.join(JOIN_S)
    failed = [text for _, text, _ in results if text]
    assert server.is_alive(), server.log_tail()
    assert not failed, f"seed {chosen}\n" + failed[0]
    rounds = [done for _, _, done in sorted(results)]
    assert min(rounds) > 1, f"a client was starved: {rounds}"
    return rounds
