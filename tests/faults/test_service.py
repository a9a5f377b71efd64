"""Replication groups of kilnd whose primary dies or hangs while clients write and read through its endpoint.

The clients' history is judged as that of test_failover.py; here kilnd decides who takes over.
"""

import os
import signal

import pytest

from api.kilnd import Kilnd
from faults.acknowledged import check_appends
from faults.history import APPEND, READ, WRITE, longest_gap_ms, now_ns
from faults.linearizability import violations
from faults.load import Directory, Load
from resp.wire import Closed, Connection, UnixConnection
from servers import wait_until

LIMIT_S = 40
SOON = {"Delay": 1, "MaxAttempts": 40}


@pytest.fixture(scope="module")
def kilnd():
    with Kilnd("--failover-after-ms", "1000") as running:
        aws = running.client()
        for mode in ("sync", "async"):
            aws.create_cache_parameter_group(CacheParameterGroupName=mode, CacheParameterGroupFamily="redis7",
                                             Description="d")
            aws.modify_cache_parameter_group(CacheParameterGroupName=mode, ParameterNameValues=[
                {"ParameterName": "durability", "ParameterValue": mode}])
        yield running


class Cache:
    """A group of one primary and its replicas, with automatic failover."""

    def __init__(self, kilnd, name, mode, nodes=3):
        self.kilnd, self.aws, self.name, self.nodes = kilnd, kilnd.client(), name, nodes
        self.aws.create_replication_group(
            ReplicationGroupId=name, ReplicationGroupDescription="d", CacheNodeType="cache.t3.micro",
            NumCacheClusters=nodes, AutomaticFailoverEnabled=True, CacheParameterGroupName=mode)
        self.aws.get_waiter("replication_group_available").wait(ReplicationGroupId=name, WaiterConfig=SOON)
        place = self.shard()["PrimaryEndpoint"]
        self.directory = Directory((place["Address"], place["Port"]))
        wait_until(self.is_in_step, LIMIT_S, "replicas follow")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # While a member takes a failed one's place it is not deleted.
        self.aws.get_waiter("replication_group_available").wait(ReplicationGroupId=self.name, WaiterConfig=SOON)
        self.aws.delete_replication_group(ReplicationGroupId=self.name)
        self.aws.get_waiter("replication_group_deleted").wait(ReplicationGroupId=self.name, WaiterConfig=SOON)

    def shard(self):
        return self.aws.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0][
            "NodeGroups"][0]

    def primary(self) -> str:
        return next(one["CacheClusterId"] for one in self.shard()["NodeGroupMembers"]
                    if one["CurrentRole"] == "primary")

    def signal_primary(self, number) -> str:
        primary = self.primary()
        os.kill(self.kilnd.nodes()[f"{primary}.0001"], number)
        return primary

    def call(self, *words):
        with Connection(*self.directory.address, 2.0) as client:
            return client.call(*words)

    def is_in_step(self) -> bool:
        try:
            with Connection(*self.directory.address, 2.0) as client:
                client.call("SET", "in-step", "yes")
                return client.call("WAIT", self.nodes - 1, 500) == (":", self.nodes - 1)
        except (OSError, Closed):
            return False

    def lists(self) -> dict:
        keys = [key[1] for key in self.call("KEYS", "list:*")[1]]
        return {key.decode(): [value[1].decode() for value in self.call("LRANGE", key, 0, -1)[1]] for key in keys}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_what_clients_were_told_holds_across_a_failover(kilnd, mode, number, record_property):
    with Cache(kilnd, f"{mode}-{number.name.lower()}", mode) as cache:
        with Load(cache.directory, 1, kinds=(WRITE, READ, APPEND, APPEND)) as load:
            load.wait_for(300)
            fault_ns = now_ns()
            old = cache.signal_primary(number)
            wait_until(lambda: cache.primary() != old, LIMIT_S, "another is the primary")
            load.wait_for(300)
        wait_until(cache.is_in_step, LIMIT_S, "all follow")
        operations = load.history.copy()
        findings = check_appends(operations, cache.lists())
        record_property("life", f"{findings}; no write for {longest_gap_ms(operations, fault_ns):.0f} ms")
        print(f"{number.name}, {mode}: {findings}; no write for {longest_gap_ms(operations, fault_ns):.0f} ms")
        assert findings._replace(lost=[]).are_clean(), findings
        if mode == "sync":
            found = violations(operations)
            assert not findings.lost and not found, [str(findings), *map(str, found)]
        else:
            assert all(one.end_ns > fault_ns - 1_000_000_000 for one in findings.lost)


def test_a_replica_that_never_had_the_data_is_not_promoted(kilnd):
    """It is still taking its first snapshot when the primary dies; the one that has everything takes over."""
    with Cache(kilnd, "unready", "async", nodes=2) as cache:
        for number in range(200):
            cache.call("SET", f"key{number}", number)
        wait_until(cache.is_in_step, LIMIT_S, "the replica follows")
        old = cache.primary()
        admin = kilnd.data / "nodes" / f"{old}.0001"
        slow_down(admin)
        cache.aws.increase_replica_count(ReplicationGroupId="unready", NewReplicaCount=2, ApplyImmediately=True)
        wait_until(lambda: "wait_bgsave" in cache.call("INFO", "replication")[1].decode(), LIMIT_S, "the sync")
        cache.signal_primary(signal.SIGKILL)
        wait_until(lambda: cache.primary() != old, LIMIT_S, "another is the primary")
        assert cache.primary() == "unready-002"
        cache.nodes = 3
        wait_until(cache.is_in_step, LIMIT_S, "all follow")
        assert cache.call("GET", "key199") == ("$", b"199")


def slow_down(folder):
    """The node's snapshots take longer than a test."""
    [path] = [path for path in folder.iterdir() if path.is_socket()]
    with UnixConnection(path) as admin:
        assert admin.call("CONFIG", "SET", "rdb-key-save-delay", 1_000_000) == ("+", b"OK")
