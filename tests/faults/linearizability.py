"""Decides whether what clients saw of a register could have come from one that does one thing at a time.

Each operation must take effect at one moment between its start and its end. A write of unknown outcome may take effect
at any moment from its start on, or never; a read of unknown outcome tells nothing, nor does what failed.

Keys are judged alone: a history is linearizable if the history of each key is (Herlihy and Wing, 1990). For one key the
orders are searched depth first, as Wing and Gong (1993) have it: any operation that began before the first end among
those that are left may be the next. What was tried is remembered as the set of operations done and the value after
them, as Lowe (2017) has it, so that no set is searched twice with one value.
"""

from collections import defaultdict
from typing import NamedTuple

from faults.history import FAIL, OK, READ, WRITE

NEVER_NS = 1 << 63
MOST_STATES = 2_000_000  # of one key; more would be a test that asks too much


class Undecided(Exception):
    """There were too many orders to try."""


class Violation(NamedTuple):
    """What cannot be explained: the operations of a key up to the first that fits in no order."""

    key: str
    operations: list

    def __str__(self):
        lines = [f"{self.key} is not linearizable:"]
        first = min(one.start_ns for one in self.operations)
        for one in self.operations[-12:]:
            lines.append(f"  client {one.client} {one.op} {one.value} {(one.start_ns - first) / 1e6:.3f} to "
                         f"{(one.end_ns - first) / 1e6:.3f} ms: {one.outcome}")
        return "\n".join(lines)


def violations(operations, initial=None) -> list:
    """One for each register that is not linearizable. Appends are not looked at."""
    keys = defaultdict(list)
    for one in operations:
        if one.op in (READ, WRITE):
            keys[one.key].append(one)
    return [Violation(key, left) for key, own in sorted(keys.items()) if (left := _unexplained(own, initial))]


def _relevant(operations) -> list:
    """Without what tells nothing: what failed, reads without an answer, and unknown writes that nobody has read."""
    seen = {one.value for one in operations if one.op == READ and one.outcome == OK}
    kept = [one for one in operations if one.outcome == OK
            or (one.outcome != FAIL and one.op == WRITE and one.value in seen)]
    return sorted(kept, key=lambda one: one.start_ns)


def _end_ns(one) -> int:
    return one.end_ns if one.outcome == OK else NEVER_NS


def _candidates(operations, done: int, first: int) -> list:
    """Which may be the next: those that began before any that is left has ended. `first`: all before it are done."""
    found, earliest = [], NEVER_NS
    for number in range(first, len(operations)):
        one = operations[number]
        if one.start_ns > earliest:
            break
        if not done >> number & 1:
            found.append(number)
            earliest = min(earliest, _end_ns(one))
    return [number for number in found if operations[number].start_ns <= earliest]


def _unexplained(operations, initial) -> list:
    """Nothing if there is an order; otherwise the operations that began before the point that no order gets past."""
    own = _relevant(operations)
    must = sum(1 << number for number, one in enumerate(own) if one.outcome == OK)
    tried, deepest = set(), 0
    stack = [(0, initial, 0)]
    while stack:
        done, value, first = stack.pop()
        if done & must == must:
            return []
        while done >> first & 1:
            first += 1
        candidates = _candidates(own, done, first)
        deepest = max(deepest, *candidates)
        for number in candidates:
            one = own[number]
            if one.op == READ and one.value != value:
                continue
            state = (done | 1 << number, one.value)
            if state not in tried:
                tried.add(state)
                stack.append((*state, first))
        if len(tried) > MOST_STATES:
            raise Undecided(f"{own[0].key}: {len(own)} operations")
    return own[:deepest + 1]
