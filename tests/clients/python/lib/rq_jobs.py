"""What rq_jobs_done.py sends: a worker's process imports it too."""

import os
import time

import redis


def double(n):
    return n * 2


def fails_twice():
    if redis.Redis.from_url(os.environ["REDIS_URL"]).incr("tries") < 3:
        raise ValueError("again")
    return "third"


def hang():
    """Stays in the hands of the first worker that takes it, and is done at once by the second."""
    if redis.Redis.from_url(os.environ["REDIS_URL"]).incr("taken") == 1:
        time.sleep(3600)
    return "finished"
