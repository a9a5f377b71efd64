"""What clients asked for and were told while something failed: the one form in which all tests of faults keep it.

A history is a list of operations, in a file one line of JSON each:

  {"client": "3", "op": "append", "key": "list:1", "value": "3-17", "start_ns": 81, "end_ns": 95, "outcome": "ok"}

  op       write (value), read (value is what was read, null if nothing), append (value) to a list or a set
  times    nanoseconds of this machine's monotonic clock, the same in all processes: just before the request was sent
           and just after the reply was read, or was given up
  outcome  ok: the server said so. fail: it certainly was not done: it was refused, or never sent. unknown: the reply
           never came, so it may have been done, or may yet be done

Values of writes and appends are unique in a history: a value says which operation it came from.
"""

import json
import threading
import time
from typing import NamedTuple, Optional

OK, FAIL, UNKNOWN = "ok", "fail", "unknown"
WRITE, READ, APPEND = "write", "read", "append"


class Operation(NamedTuple):
    client: str
    op: str
    key: str
    value: Optional[str]
    start_ns: int
    end_ns: int
    outcome: str


class History:
    """Takes operations from many threads."""

    def __init__(self):
        self.operations = []
        self.lock = threading.Lock()

    def add(self, *fields):
        operation = Operation(*fields)
        with self.lock:
            self.operations.append(operation)

    def copy(self) -> list:
        with self.lock:
            return list(self.operations)

    def count(self, outcome=OK, since_ns=0) -> int:
        """Operations that have begun since then and ended so."""
        return sum(one.outcome == outcome and one.start_ns >= since_ns for one in self.copy())


def dump(operations, path):
    path.write_text("".join(json.dumps(one._asdict()) + "\n" for one in operations))


def load(lines) -> list:
    return [Operation(**json.loads(line)) for line in lines if line.strip()]


def now_ns() -> int:
    return time.monotonic_ns()


def longest_gap_ms(operations, since_ns=0, kinds=(WRITE, APPEND)) -> float:
    """The longest time in which none of these operations was acknowledged, from `since_ns` on."""
    ends = sorted(one.end_ns for one in operations
                  if one.outcome == OK and one.op in kinds and one.end_ns >= since_ns)
    if since_ns:
        ends.insert(0, since_ns)
    return max((after - before for before, after in zip(ends, ends[1:])), default=0) / 1e6
