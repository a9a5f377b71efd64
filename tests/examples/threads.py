"""Many threads at once, for tests of what must hold under concurrency."""

import concurrent.futures
import contextlib
import threading

import redis


def together(count, function):
    """Calls function(0) ... function(count - 1) at the same moment; returns what they return."""
    start = threading.Barrier(count)

    def run(number):
        start.wait()
        return function(number)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextlib.contextmanager
def meanwhile(count, function):
    """Threads that call function() over and over while the block runs; what one raises, this raises."""
    over = threading.Event()

    def run():
        while not over.is_set():
            function()

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        threads = [pool.submit(run) for _ in range(count)]
        try:
            yield
        finally:
            over.set()
        for thread in threads:
            thread.result()


class LockWatcher(redis.Redis):
    """Notes which threads were refused a lock."""

    def __init__(self, address):
        super().__init__(host=address[0], port=address[1], decode_responses=True)
        self.refused = set()

    def set(self, *arguments, **options):
        done = super().set(*arguments, **options)
        if not done:
            self.refused.add(threading.get_ident())
        return done
