"""What tests of the files on disk say to a server: fill it, ask it, write to it all the time, and kill it."""

import signal
import threading

from resp.wire import Closed


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.log.close()


def info(client, field):
    text = client.call("INFO", "persistence")[1].decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)[field]


def digest(client):
    return client.call("DEBUG", "DIGEST")[1]


def fill(client, count=300):
    for db in (0, 5):
        client.call("SELECT", db)
        for i in range(count):
            client.pipeline([["SET", f"text{i}", "v" * (i % 70)], ["RPUSH", f"list{i % 9}", i, "x" * i],
                             ["HSET", f"hash{i % 9}", f"f{i}", i], ["ZADD", f"zset{i % 9}", i / 8, f"m{i}"],
                             ["SADD", f"set{i % 9}", f"m{i}"], ["INCR", "counter"]])
    client.call("SELECT", 0)


class Writer(threading.Thread):
    """Increments two keys of its own, one after the other, and knows how far it was told it came."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.server, self.number, self.told = server, number, 0
        self.over = threading.Event()

    def run(self):
        try:
            with self.server.connect() as client:
                while not self.over.is_set():
                    replies = client.pipeline([["INCR", f"first{self.number}"], ["INCR", f"second{self.number}"]] * 5)
                    self.told = max(int(value) for sigil, value in replies if sigil == ":")
        except (Closed, OSError, ValueError):
            pass
