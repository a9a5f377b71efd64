"""Clients that write and read all the time, through whatever happens, and keep a history of what they were told."""

import random
import threading

from faults.history import APPEND, FAIL, OK, READ, UNKNOWN, WRITE, History, now_ns
from resp.wire import Closed, Connection
from servers import wait_until

# A server that says this has not done what it was asked for.
REFUSALS = (b"READONLY", b"NOREPLICAS", b"LOADING", b"MASTERDOWN", b"MISCONF")
REGISTERS, LISTS = 12, 4
PATIENCE_S = 0.3
PAUSE_S = 0.001  # between requests: many clients, not many requests
LOOK_ANEW_S = 0.005


class Directory:
    """Where the primary is, as clients are told."""

    def __init__(self, address=None):
        self.address = address


class Client(threading.Thread):
    """Goes where the directory says. A loyal one stays where it is as long as its connection lasts."""

    def __init__(self, load, number, is_loyal):
        super().__init__(daemon=True)
        self.load, self.number, self.is_loyal = load, number, is_loyal
        self.chance = random.Random(f"{load.seed}:{number}")
        self.count = 0
        self.patience_s = 30.0 if is_loyal else PATIENCE_S

    def run(self):
        while not self.load.over.is_set():
            address = self.load.directory.address
            try:
                with Connection(*address, self.patience_s) as connection:
                    while not self.load.over.is_set() and (self.is_loyal or address == self.load.directory.address):
                        if not self.ask(connection):
                            break
                        self.load.over.wait(PAUSE_S)
            except OSError:
                pass
            self.load.over.wait(LOOK_ANEW_S)

    def request(self) -> tuple:
        self.count += 1
        value = f"{self.number}-{self.count}"
        what = self.chance.choice(self.load.kinds)
        if what == APPEND:
            key = f"list:{self.chance.randrange(LISTS)}"
            return what, key, value, ("RPUSH", key, value)
        key = f"register:{self.chance.randrange(REGISTERS)}"
        return (what, key, value, ("SET", key, value)) if what == WRITE else (what, key, None, ("GET", key))

    def ask(self, connection) -> bool:
        """Whether the connection may be used again."""
        what, key, value, words = self.request()
        start_ns = now_ns()
        try:
            reply = connection.call(*words)
        except (OSError, Closed):
            self.load.history.add(str(self.number), what, key, value, start_ns, now_ns(), UNKNOWN)
            return False
        if reply[0] == "-" and not reply[1].startswith(REFUSALS):
            self.load.surprises.append((words, reply))
        if what == READ and reply[0] == "$":
            value = reply[1] and reply[1].decode()
        outcome = FAIL if reply[0] == "-" else OK
        self.load.history.add(str(self.number), what, key, value, start_ns, now_ns(), outcome)
        return outcome == OK


class Load:
    """`loyal`: how many of the clients are loyal ones."""

    def __init__(self, directory, seed, clients=5, loyal=1, kinds=(WRITE, READ, APPEND, APPEND)):
        self.directory, self.seed, self.kinds = directory, seed, kinds
        self.history, self.over, self.surprises = History(), threading.Event(), []
        self.clients = [Client(self, number, number < loyal) for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.over.set()
        for client in self.clients:
            client.join()
        assert not self.surprises, self.surprises[:3]

    def wait_for(self, count=60, outcome=OK, timeout_s=20):
        """Until so many more operations that began after this call have ended so."""
        since_ns = now_ns()
        wait_until(lambda: self.history.count(outcome, since_ns) >= count, timeout_s, f"{count} operations: {outcome}")
