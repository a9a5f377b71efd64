"""RQ: jobs, retries, dependencies, scheduled jobs, and a worker killed in mid-job."""

import datetime
import os
import signal
import sys

import redis
from rq import Queue, Retry, Worker
from rq.command import send_shutdown_command
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from lib.rq_jobs import double, fails_twice, hang
from lib.steps import URL, Process, run, until

os.environ["REDIS_URL"] = URL
client = redis.Redis.from_url(URL)
queue = Queue("work", connection=client)


def worker(*options):
    return Process(sys.executable, "-B", "-c", "from rq.cli import main; main()", "worker", "--url", URL,
                   "--quiet", *options, "work")


def jobs_in_a_burst():
    jobs = queue.enqueue_many([Queue.prepare_data(double, (n,)) for n in range(50)])
    assert len(queue) == 50
    with worker("--burst", "--worker-class", "rq.SimpleWorker") as burst:
        assert burst.child.wait() == 0
    assert [job.result for job in jobs] == [2 * n for n in range(50)]
    assert len(FinishedJobRegistry(queue=queue)) == 50 and len(queue) == 0


def retries_dependencies_and_schedules():
    tried = queue.enqueue(fails_twice, retry=Retry(max=3))
    after = queue.enqueue(double, 21, depends_on=tried)
    later = queue.enqueue_in(datetime.timedelta(seconds=1), double, 4)
    assert len(ScheduledJobRegistry(queue=queue)) == 1
    assert after.get_status() == "deferred"
    with worker("--with-scheduler", "--worker-class", "rq.SimpleWorker"):
        until(lambda: after.get_status(refresh=True) == "finished", "the job and its dependant")
        assert tried.result == "third" and after.result == 42
        until(lambda: later.get_status(refresh=True) == "finished", "the scheduled job")
        until(lambda: len(Worker.all(connection=client)) == 1, "one worker")
        name = Worker.all(connection=client)[0].name
        send_shutdown_command(client, name)
        until(lambda: not Worker.all(connection=client), "it shuts down when told")


def killed_worker():
    job = queue.enqueue(hang)
    with worker() as first:
        until(lambda: client.get("taken") == b"1", "the first takes it")
        horse = int(client.hget(Worker.all(connection=client)[0].key, "pid") or 0)
        assert horse and job.get_status(refresh=True) == "started"
        first.end(signal.SIGKILL)
        until(lambda: len(StartedJobRegistry(queue=queue)) == 1, "it is still taken")
        registry = StartedJobRegistry(queue=queue)
        client.zadd(registry.key, {job.id: 1})
        registry.cleanup()
    assert job.id in FailedJobRegistry(queue=queue)
    FailedJobRegistry(queue=queue).requeue(job.id)
    with worker("--burst") as second:
        assert second.child.wait() == 0
    assert job.get_status(refresh=True) == "finished" and job.result == "finished"


run(jobs_in_a_burst, retries_dependencies_and_schedules, killed_worker)
