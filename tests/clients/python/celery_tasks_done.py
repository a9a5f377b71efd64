"""Celery with Redis as broker and result backend: retries, priorities, chords, a worker killed in mid-task."""

import os
import signal
import sys

from lib.steps import URL, Process, run, until

os.environ["BROKER_URL"] = URL
from lib.celery_tasks import add, app, hang, log, note, thrice, total  # noqa: E402
from celery import chain, chord, group  # noqa: E402


def worker(*options):
    return Process(sys.executable, "-B", "-m", "celery", "-A", "lib.celery_tasks", "worker", "--loglevel=WARNING",
                   "--without-gossip", "--without-mingle", "--without-heartbeat", *options, C_FORCE_ROOT="1")


def notes():
    return [text.decode() for text in log.lrange("notes", 0, -1)]


def priorities_in_order():
    for priority in [5, 9, 0, 3]:
        note.apply_async([str(priority)], priority=priority)
    with worker("--pool=solo"):
        until(lambda: len(notes()) == 4, "four notes")
    assert notes() == ["0", "3", "5", "9"]


def results_retries_and_workflows():
    with worker("--pool=prefork", "--concurrency=2", "--prefetch-multiplier=50"):
        results = [add.delay(n, n) for n in range(100)]
        assert [result.get(timeout=20) for result in results] == [2 * n for n in range(100)]
        assert thrice.delay().get(timeout=20) == 2
        assert chain(add.s(1, 2), add.s(3))().get(timeout=20) == 6
        assert sorted(group(add.s(n, 1) for n in range(10))().get(timeout=20)) == list(range(1, 11))
        assert chord((add.s(n, n) for n in range(20)), total.s())().get(timeout=20) == 380
        assert add.apply_async((1, 1), countdown=0.05).get(timeout=20) == 2
        assert list(app.control.ping(timeout=1, limit=1)[0].values()) == [{"ok": "pong"}]
        revoked = add.apply_async((1, 1), countdown=3600)
        revoked.revoke()
        until(lambda: log.scard("_kombu.binding.celery") == 1, "the queue's binding")


def killed_worker():
    log.delete("notes", "taken", "unacked", "unacked_index")
    hang.delay()
    with worker("--pool=solo") as first:
        until(lambda: log.get("taken") == b"1", "the first takes it")
        first.end(signal.SIGKILL)
    assert log.hlen("unacked") == 1
    oldest = log.zrange("unacked_index", 0, 0, withscores=True)[0][1]
    until(lambda: log.time()[0] > oldest + 1, "it becomes visible again")
    with worker("--pool=solo"):
        until(lambda: notes() == ["finished"], "the second finishes it")
        until(lambda: not log.exists("unacked"), "it is acknowledged")


run(priorities_in_order, results_retries_and_workflows, killed_worker)
