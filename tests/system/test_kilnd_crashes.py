"""kilnd killed with -9 at many moments of every change: after its next start the change is done, and done once.

Moments are chosen in two ways: after each change of the state store or of a node's folder that is
seen from outside, and by a sweep of delays. Each crash meets the data directory that the one before
has left, so that what it leaves behind must not disturb the next either.
"""

import glob
import os
import signal
import subprocess
import time

import pytest
from servers import wait_until

from api.kilnd import Kilnd, cluster_of, endpoints

SWEEP_MS = range(0, 150, 10)
QUIET_S = 0.3  # without a change: there will be no more


def create(aws):
    aws.create_cache_cluster(CacheClusterId="web", Engine="memcached", CacheNodeType="cache.t3.micro", NumCacheNodes=2)


def grow(aws):
    aws.modify_cache_cluster(CacheClusterId="web", NumCacheNodes=3, ApplyImmediately=True)


def shrink(aws):
    first = cluster_of(aws, "web")["CacheNodes"][0]["CacheNodeId"]
    aws.modify_cache_cluster(CacheClusterId="web", NumCacheNodes=2, CacheNodeIdsToRemove=[first], ApplyImmediately=True)


def change_type(aws):
    other = {"cache.t3.micro": "cache.t3.small", "cache.t3.small": "cache.t3.micro"}
    aws.modify_cache_cluster(CacheClusterId="web", CacheNodeType=other[cluster_of(aws, "web")["CacheNodeType"]],
                             ApplyImmediately=True)


def reboot(aws):
    ids = [node["CacheNodeId"] for node in cluster_of(aws, "web")["CacheNodes"]]
    aws.reboot_cache_cluster(CacheClusterId="web", CacheNodeIdsToReboot=ids)


def delete(aws):
    aws.delete_cache_cluster(CacheClusterId="web")


def create_group(aws):
    aws.create_replication_group(ReplicationGroupId="rg", ReplicationGroupDescription="d", Engine="valkey",
                                 CacheNodeType="cache.t3.micro")


def delete_group(aws):
    aws.delete_replication_group(ReplicationGroupId="rg")


def group_states(kilnd) -> list:
    return [group["Status"] for group in kilnd.client().describe_replication_groups()["ReplicationGroups"]]


def node_states(kilnd, name) -> set:
    return {node["CacheNodeStatus"] for node in kilnd.wait_cluster(name)["CacheNodes"]}


def settled(kilnd, nodes: int, name="web") -> dict:
    """The processes when kilnd has done what it was told; then nothing is there that should not be."""
    cluster = kilnd.wait_cluster(name, "available" if nodes else None)
    wanted = {f"{name}.{node['CacheNodeId']}" for node in cluster["CacheNodes"]} if nodes else set()
    if name == "rg-001":
        wait_until(lambda: group_states(kilnd) == (["available"] if nodes else []), what="the group follows")
    wait_until(lambda: set(kilnd.nodes()) == wanted, what=f"there are processes of {wanted} alone")
    wait_until(lambda: kilnd.folders() == wanted, what=f"there are folders of {wanted} alone")
    assert len(wanted) == nodes
    if nodes:
        # A cluster that kilnd finds stays available while it starts again the nodes that ended with it.
        wait_until(lambda: node_states(kilnd, name) == {"available"}, what="the nodes follow")
        assert len(set(endpoints(kilnd.wait_cluster(name)))) == nodes
    return kilnd.nodes()


class Delay:
    def __init__(self, delay_ms: int):
        self.delay_ms = delay_ms

    def begin(self, kilnd):
        pass

    def has_come(self) -> bool:
        time.sleep(self.delay_ms / 1000)
        return True


class Change:
    """After so many changes of what is on the disk."""

    def __init__(self, count: int):
        self.count = count

    def begin(self, kilnd):
        self.data = kilnd.data
        self.seen = self.look()

    def look(self) -> tuple:
        log = (self.data / "state.db-wal").stat()
        return log.st_size, log.st_mtime_ns, sorted(glob.glob(f"{self.data}/nodes/*/*"))

    def has_come(self) -> bool:
        left, quiet_at = self.count, time.monotonic() + QUIET_S
        while left > 0 and time.monotonic() < quiet_at:
            now = self.look()
            if now != self.seen:
                left, quiet_at, self.seen = left - 1, time.monotonic() + QUIET_S, now
        return left == 0


def crash_during(kilnd, change, nodes: int, moment, name="web") -> bool:
    """Makes the change, kills kilnd at the moment and starts it again. False: the moment never came."""
    client, before = kilnd.client(), kilnd.nodes()
    moment.begin(kilnd)
    change(client)
    came = moment.has_come()
    kilnd.kill()
    kilnd.start()
    after = settled(kilnd, nodes, name)
    for node in before.keys() & after.keys():
        is_same = before[node] == after[node]
        assert is_same == (change in (grow, shrink)), f"{node}\n{kilnd.log_tail()}"
    return came


def events_of(kilnd, text: str) -> int:
    pages = kilnd.client().get_paginator("describe_events").paginate()
    return sum(text in event["Message"] for page in pages for event in page["Events"])


@pytest.fixture
def kilnd():
    with Kilnd() as running:
        yield running


# A change and the one that undoes it, with the number of nodes after each.
PAIRS = [(create, 2, delete, 0), (grow, 3, shrink, 2), (change_type, 2, change_type, 2), (reboot, 2, reboot, 2),
         (create_group, 1, delete_group, 0)]
# What must have been told as often as it was done.
TOLD = {
    create: ["Cache cluster created", "Cache cluster deleted"],
    grow: ["Added cache node", "Removed cache node"],
    create_group: ["Replication group rg created", "Replication group rg deleted", "Cache cluster deleted"],
}


@pytest.mark.parametrize("there, more, back, fewer", PAIRS, ids=[pair[0].__name__ for pair in PAIRS])
def test_a_change_is_finished_wherever_kilnd_was_killed(kilnd, there, more, back, fewer):
    name = "rg-001" if there is create_group else "web"
    if fewer:
        create(kilnd.client())
        settled(kilnd, fewer)
    rounds = 0
    for delay_ms in SWEEP_MS:
        rounds += 1
        crash_during(kilnd, there, more, Delay(delay_ms), name)
        crash_during(kilnd, back, fewer, Delay(delay_ms), name)
    step, steps = 0, [True, True]
    while any(steps):
        rounds += 1
        steps = [crash_during(kilnd, there, more, Change(step), name),
                 crash_during(kilnd, back, fewer, Change(step), name)]
        step += 1
    assert step > 2, "no step was seen"
    told = TOLD.get(there, [])
    assert {text: events_of(kilnd, text) for text in told} == dict.fromkeys(told, rounds)
    assert kilnd.end() == 0 and not kilnd.nodes()


@pytest.mark.parametrize("delay_ms", [0, 10, 20, 40, 80])
def test_an_end_in_the_middle_of_a_change_leaves_no_process(kilnd, delay_ms):
    # The signal meets nodes that have just been started, or not yet.
    kilnd.client().create_cache_cluster(CacheClusterId="web", Engine="memcached", CacheNodeType="cache.t3.micro",
                                        NumCacheNodes=10)
    time.sleep(delay_ms / 1000)
    assert kilnd.end() == 0 and not kilnd.nodes()
    kilnd.start()
    settled(kilnd, 10)


def test_a_start_may_be_killed_as_often_as_one_likes(kilnd):
    # While it takes over what runs, starts what does not and deletes what is to go.
    create(kilnd.client())
    before = settled(kilnd, 2)
    kilnd.client().create_cache_cluster(CacheClusterId="goes", Engine="redis", CacheNodeType="cache.t3.micro")
    kilnd.wait_cluster("goes")
    kilnd.client().delete_cache_cluster(CacheClusterId="goes")
    kilnd.kill()
    os.kill(kilnd.nodes()["web.0002"], signal.SIGKILL)
    for delay_ms in range(0, 100, 5):
        with (kilnd.directory / "log").open("ab") as log:
            process = subprocess.Popen(kilnd.argv(), stdout=log, stderr=log)
        time.sleep(delay_ms / 1000)
        process.kill()
        process.wait()
    kilnd.start()
    after = settled(kilnd, 2)
    assert after["web.0001"] == before["web.0001"] and after["web.0002"] != before["web.0002"]
    assert cluster_of(kilnd.client(), "goes") is None
