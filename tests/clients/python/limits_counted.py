"""limits and Flask-Limiter: exact counts from eight threads, for each strategy, and an application that refuses."""

import threading
import time

import flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import STRATEGIES

from lib.steps import URL, run


def exact_counts_of_every_strategy():
    for name, strategy in STRATEGIES.items():
        passed = []

        def hit(limiter, kind=name, found=passed):
            found.append(sum(limiter.hit(parse("100 per hour"), kind, "user") for _ in range(40)))

        storages = [storage_from_string(URL) for _ in range(8)]  # strategies refer to them weakly
        threads = [threading.Thread(target=hit, args=[strategy(each)]) for each in storages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(passed) == 100, (name, passed)
        limiter = strategy(storages[0])
        reset, remaining = limiter.get_window_stats(parse("100 per hour"), name, "user")
        assert remaining == 0 and 0 < reset - time.time() <= 3601
        assert not limiter.test(parse("100 per hour"), name, "user")
        limiter.clear(parse("100 per hour"), name, "user")
        assert limiter.hit(parse("100 per hour"), name, "user")


def storage():
    kept = storage_from_string(URL)
    assert kept.check() and kept.incr("n", 100, amount=5) == 5 and kept.get("n") == 5
    assert kept.reset() >= 1


def application():
    app = flask.Flask("limited")
    limiter = Limiter(get_remote_address, app=app, storage_uri=URL, strategy="moving-window",
                      default_limits=["7 per hour"], headers_enabled=True)

    @app.route("/")
    def page():
        return "page"

    @app.route("/free")
    @limiter.exempt
    def free():
        return "free"

    browser = app.test_client()
    answers = [browser.get("/") for _ in range(10)]
    assert [answer.status_code for answer in answers] == [200] * 7 + [429] * 3
    assert answers[0].headers["X-RateLimit-Remaining"] == "6"
    assert all(browser.get("/free").status_code == 200 for _ in range(10))


run(exact_counts_of_every_strategy, storage, application)
