"""The application whose tasks celery_tasks_done.py sends: a worker's process imports it too."""

import os
import time

import redis
from celery import Celery

URL = os.environ["BROKER_URL"]
app = Celery("tasks", broker=URL, backend=URL)
app.conf.update(
    task_acks_late=True, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 1, "priority_steps": list(range(10)),
                              "queue_order_strategy": "priority"},
    result_expires=600)
log = redis.Redis.from_url(URL)


@app.task
def add(a, b):
    return a + b


@app.task(bind=True, max_retries=5)
def thrice(self):
    """Succeeds when it is tried for the third time."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.01)
    return self.request.retries


@app.task
def note(text):
    log.rpush("notes", text)


@app.task
def hang():
    """Stays in the hands of the first worker that takes it, and is done at once by the second."""
    if log.incr("taken") == 1:
        time.sleep(3600)
    log.rpush("notes", "finished")


@app.task
def total(numbers):
    return sum(numbers)
