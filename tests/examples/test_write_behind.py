"""Write-behind: every write reaches the database in order, also if the worker is killed at its work.

A trigger in the database keeps the history of the table, so that the tests see each single write.
"""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading

import psycopg2
import pytest

import write_behind
from servers import wait_until
from write_behind import PROCESSING, QUEUE, Worker, WriteBehind

from .conftest import EXAMPLES
from .threads import together

HISTORY = {
    "sqlite": """
        CREATE TABLE history (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, price_cents INTEGER);
        CREATE TRIGGER added AFTER INSERT ON products BEGIN
          INSERT INTO history (id, price_cents) VALUES (new.id, new.price_cents); END;
        CREATE TRIGGER changed AFTER UPDATE ON products BEGIN
          INSERT INTO history (id, price_cents) VALUES (new.id, new.price_cents); END;""",
    "postgresql": """
        CREATE TABLE history (number SERIAL, id TEXT, price_cents INTEGER);
        CREATE OR REPLACE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN INSERT INTO history (id, price_cents) VALUES (new.id, new.price_cents); RETURN new; END $$;
        CREATE TRIGGER changed AFTER INSERT OR UPDATE ON products
          FOR EACH ROW EXECUTE FUNCTION remember();""",
}
LOCK = {"sqlite": "BEGIN EXCLUSIVE", "postgresql": "BEGIN; LOCK TABLE products"}


class History:
    def __init__(self, url):
        self.kind = url.partition(":")[0]
        if self.kind == "sqlite":
            self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
            self.connection.executescript(HISTORY[self.kind])
        else:
            self.connection = psycopg2.connect(url)
            self.connection.autocommit = True
            self.connection.cursor().execute(HISTORY[self.kind])

    def rows(self):
        cursor = self.connection.cursor()
        cursor.execute("SELECT id, price_cents FROM history ORDER BY number")
        return cursor.fetchall()

    @contextlib.contextmanager
    def locked(self):
        """While the block runs, nobody else can write products."""
        self.connection.cursor().execute(LOCK[self.kind])
        try:
            yield
        finally:
            self.connection.cursor().execute("ROLLBACK")


@pytest.fixture
def history(products, database_url):
    kept = History(database_url)
    yield kept
    kept.connection.close()


@pytest.fixture
def catalogue(cache, products):
    return WriteBehind(cache, products)


@pytest.fixture
def start_worker(redis_address, database_url):
    """Starts a worker process; all are killed at the end."""
    started = []

    def start():
        host, port = redis_address
        started.append(subprocess.Popen([
            sys.executable, EXAMPLES / "write_behind.py", "--worker", "--host", host, "--port", str(port),
            "--database", database_url]))
        return started[-1]

    yield start
    for process in started:
        kill(process)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def product(product_id, price_cents):
    return {"id": product_id, "name": "Cup", "price_cents": price_cents}


def is_done(cache):
    return not cache.exists(QUEUE, PROCESSING)


def without_repeats(rows):
    return [row for row, before in zip(rows, [None, *rows]) if row != before]


def test_a_write_is_read_before_the_database_has_it(catalogue, products):
    catalogue.write(product("p1", 300))
    assert catalogue.read("p1") == product("p1", 300)
    assert products.get("p1") is None


def test_a_read_that_misses_fills_the_cache(catalogue, cache, products):
    products.put(product("p1", 300))
    assert catalogue.read("p1") == product("p1", 300) and cache.ttl("product:p1") > 0
    assert catalogue.read("p2") is None


def test_writes_of_many_threads_reach_the_database_in_their_order(catalogue, cache, products, history):
    def write(number):
        for price_cents in range(25):
            catalogue.write(product(f"p{price_cents % 3}", 100 * number + price_cents))

    together(4, write)
    queued = [json.loads(entry) for entry in reversed(cache.lrange(QUEUE, 0, -1))]
    worker = Worker(cache, products)
    while worker.step(timeout_s=0.01):
        pass
    assert history.rows() == [(entry["id"], entry["price_cents"]) for entry in queued]
    assert products.all() == [json.loads(cache.get(f"product:p{number}")) for number in range(3)]


def test_a_worker_killed_between_pop_and_write_loses_nothing(catalogue, cache, history, start_worker):
    worker = start_worker()
    catalogue.write(product("p1", 0))
    wait_until(lambda: is_done(cache), 30, "the worker is at work")
    with history.locked():
        for price_cents in range(1, 6):
            catalogue.write(product("p1", price_cents))
        wait_until(lambda: cache.llen(PROCESSING) == 1, what="the worker has popped an entry")
        kill(worker)
    assert cache.llen(PROCESSING) == 1 and cache.llen(QUEUE) == 4
    start_worker()
    wait_until(lambda: is_done(cache), 30, "all is written")
    assert without_repeats(history.rows()) == [("p1", price_cents) for price_cents in range(6)]


def test_workers_killed_at_any_time_keep_the_order(catalogue, cache, history, start_worker):
    entries = [(f"p{number % 7}", number) for number in range(300)]
    for entry in entries:
        catalogue.write(product(*entry))
    for left in (240, 170, 100):
        worker = start_worker()
        wait_until(lambda: cache.llen(QUEUE) <= left, 30, "the worker is at work")
        kill(worker)
    start_worker()
    wait_until(lambda: is_done(cache), 30, "all is written")
    rows = history.rows()
    assert without_repeats(rows) == entries and len(rows) <= len(entries) + 3


def test_what_several_workers_left_is_taken_oldest_first(cache, products, history):
    for price_cents in (3, 4):
        cache.lpush(QUEUE, json.dumps(product("p1", price_cents)))
    for price_cents in (1, 2):
        cache.lpush(PROCESSING, json.dumps(product("p1", price_cents)))
    worker = Worker(cache, products)
    worker.recover()
    while worker.step(timeout_s=0.01):
        pass
    assert history.rows() == [("p1", price_cents) for price_cents in (1, 2, 3, 4)]


def test_only_what_is_written_may_expire(catalogue, cache, products):
    worker = Worker(cache, products)
    catalogue.write(product("p1", 1))
    catalogue.write(product("p1", 2))
    worker.step()
    assert cache.ttl("product:p1") == -1  # the second write is still to come
    worker.step()
    assert cache.ttl("product:p1") > 0


def test_a_worker_stops_when_told_to(cache, products):
    stop = threading.Event()
    thread = threading.Thread(target=Worker(cache, products).run, args=(stop,))
    thread.start()
    WriteBehind(cache, products).write(product("p1", 1))
    wait_until(lambda: is_done(cache))
    stop.set()
    thread.join(30)
    assert not thread.is_alive() and products.get("p1") == product("p1", 1)


def test_the_short_form_keeps_the_order_too(catalogue, cache, products, history):
    for price_cents in range(20):
        catalogue.write(product("p1", price_cents))
    write_behind.drain_simply(cache, products, timeout_s=0.01)
    assert history.rows() == [("p1", price_cents) for price_cents in range(20)]
