"""What every program here does the same: find its servers, wait, start others, and tell its steps.

`python3 PROGRAM.py PORT...` prints a line for each step that holds and "done" at last; what does not hold raises.
"""

import os
import signal
import subprocess
import sys
import time

WAIT_S = 20
HOST = "127.0.0.1"
PORTS = [int(word) for word in sys.argv[1:] if word.isdigit()]
PORT = PORTS[0] if PORTS else 0
URL = f"redis://{HOST}:{PORT}/0"


def until(condition, what):
    """Polls until condition() holds and returns its value."""
    deadline = time.monotonic() + WAIT_S
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {WAIT_S} s: {what}"
        time.sleep(0.005)


def run(*steps):
    for step in steps:
        started = time.monotonic()
        step()
        print("ok", step.__name__, round((time.monotonic() - started) * 1000), "ms", flush=True)
    print("done", flush=True)


class Process:
    """A child in a process group of its own. What it leaves behind ends with this program's session."""

    def __init__(self, *command, **environment):
        path = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.child = subprocess.Popen([str(word) for word in command], process_group=0,
                                      env=dict(os.environ, PYTHONPATH=path, **environment))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(signal.SIGKILL)

    def end(self, number):
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass
        self.child.wait()
