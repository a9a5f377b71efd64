"""The life of a replication group: replicas, roles, endpoints, and who takes over when the primary is gone."""

import os
import signal
import threading

import pytest
import redis

from api.kilnd import Kilnd, error_of, refusal
from servers import pause_process, wait_until
from service.group import LIMIT_S, SOON, TYPE, Group, can_read, wait_writable


@pytest.fixture(scope="module")
def kilnd():
    with Kilnd("--failover-after-ms", "1000") as running:
        yield running


@pytest.fixture(scope="module")
def aws(kilnd):
    return kilnd.client()


def test_the_life_of_a_group_with_replicas(kilnd, aws):
    group = Group(kilnd, aws, "life", 3, AutomaticFailoverEnabled=True, MultiAZEnabled=True,
                  PreferredCacheClusterAZs=["us-east-1b", "us-east-1c", "us-east-1a"])
    seen = group.seen()
    assert seen["MemberClusters"] == ["life-001", "life-002", "life-003"]
    assert (seen["AutomaticFailover"], seen["MultiAZ"], seen["Status"]) == ("enabled", "enabled", "available")
    members = group.shard["NodeGroupMembers"]
    assert [member["CurrentRole"] for member in members] == ["primary", "replica", "replica"]
    assert [member["PreferredAvailabilityZone"] for member in members] == ["us-east-1b", "us-east-1c", "us-east-1a"]
    clusters = aws.describe_cache_clusters(CacheClusterId="life-002")["CacheClusters"][0]
    assert clusters["ReplicationGroupId"] == "life" and clusters["CacheClusterStatus"] == "available"
    group.at().set("k", "v")
    group.wait_in_step()
    assert [group.node(number).get("k") for number in (1, 2, 3)] == ["v", "v", "v"]
    with pytest.raises(redis.ReadOnlyError):
        group.node(2).set("k", "w")
    reached = set()
    wait_until(lambda: reached.add(group.at("ReaderEndpoint").config_get("replica-announce-ip")["replica-announce-ip"])
               or len(reached) == 2, LIMIT_S, "both replicas serve at the reader endpoint")
    assert group.at("ReaderEndpoint").role()[0] == "slave" and group.at().role()[0] == "master"
    events = group.events()
    assert "Replication group life created" in events
    assert "Automatic failover has been turned on for replication group life" in events
    group.delete()
    assert not [name for name in kilnd.nodes() if name.startswith("life-")]
    assert not [name for name in kilnd.folders() if name.startswith("life-")]


def test_replicas_come_and_go(kilnd, aws):
    group = Group(kilnd, aws, "scales", 1)
    group.at().set("k", "v")
    assert group.at("ReaderEndpoint").get("k") == "v"  # while there is no replica
    reply = aws.increase_replica_count(ReplicationGroupId="scales", NewReplicaCount=2, ApplyImmediately=True)
    assert reply["ReplicationGroup"]["Status"] == "modifying"
    group.wait_available()
    group.wait_in_step()
    assert group.seen()["MemberClusters"] == ["scales-001", "scales-002", "scales-003"]
    assert group.node(3).get("k") == "v"
    assert error_of(aws.increase_replica_count, ReplicationGroupId="scales", NewReplicaCount=2,
                    ApplyImmediately=True) == "NoOperationFault"
    aws.decrease_replica_count(ReplicationGroupId="scales", ReplicasToRemove=["scales-002"], ApplyImmediately=True)
    group.wait(lambda seen: seen["Status"] == "available" and seen["MemberClusters"] == ["scales-001", "scales-003"],
               "a replica is gone")
    assert "scales-002.0001" not in kilnd.nodes()
    aws.create_cache_cluster(CacheClusterId="extra", ReplicationGroupId="scales",
                             PreferredAvailabilityZone="us-east-1c")
    kilnd.wait_cluster("extra")
    group.wait_available()
    assert group.seen()["MemberClusters"] == ["scales-001", "scales-003", "extra"]
    aws.delete_cache_cluster(CacheClusterId="extra")
    kilnd.wait_cluster("extra", None)
    group.wait_available()
    assert refusal(aws.delete_cache_cluster, CacheClusterId="scales-001")[0] == "InvalidCacheClusterState"
    aws.decrease_replica_count(ReplicationGroupId="scales", NewReplicaCount=0, ApplyImmediately=True)
    group.wait(lambda seen: seen["Status"] == "available" and seen["MemberClusters"] == ["scales-001"], "none is left")
    wait_until(lambda: can_read(group.at("ReaderEndpoint"), "k") == "v", LIMIT_S, "the primary serves readers again")
    group.delete()


def test_what_a_group_cannot_do_is_refused(kilnd, aws):
    group = Group(kilnd, aws, "refuses", 2, AutomaticFailoverEnabled=True)
    name = {"ReplicationGroupId": "refuses"}
    assert refusal(aws.test_failover, **name, NodeGroupId="0002")[:2] == ("NodeGroupNotFoundFault", 404)
    assert refusal(aws.decrease_replica_count, **name, NewReplicaCount=0, ApplyImmediately=True)[0::2] == (
        "InvalidParameterValue",
        "Must have at least 1 replica when cluster mode is disabled with auto failover enabled.")
    assert error_of(aws.increase_replica_count, **name, NewReplicaCount=2,
                    ApplyImmediately=False) == "InvalidParameterValue"
    assert "only read replica" in refusal(aws.delete_cache_cluster, CacheClusterId="refuses-002")[2]
    assert error_of(aws.modify_replication_group, **name, PrimaryClusterId="refuses-002",
                    ApplyImmediately=True) == "InvalidParameterCombination"
    aws.modify_replication_group(**name, AutomaticFailoverEnabled=False, ApplyImmediately=True)
    group.wait(lambda seen: seen["AutomaticFailover"] == "disabled" and seen["Status"] == "available", "it is off")
    assert error_of(aws.test_failover, **name, NodeGroupId="0001") == "TestFailoverNotAvailableFault"
    assert error_of(aws.modify_replication_group, **name, MultiAZEnabled=True) == "InvalidParameterCombination"
    assert error_of(aws.create_cache_cluster, CacheClusterId="more", ReplicationGroupId="refuses",
                    CacheNodeType=TYPE) == "InvalidParameterCombination"
    group.delete()


def test_a_killed_primary_is_replaced_and_what_its_replica_acknowledged_is_there(kilnd, aws):
    group = Group(kilnd, aws, "killed", 2, AutomaticFailoverEnabled=True)
    primary = group.at()
    for number in range(200):
        primary.set(f"key{number}", number)
    assert primary.wait(1, 5000) == 1
    os.kill(group.pid("killed-001"), signal.SIGKILL)
    wait_writable(group)
    group.wait(lambda _: group.primary_id == "killed-002", "the replica is the primary")
    assert [group.at().get(f"key{number}") for number in range(200)] == [str(number) for number in range(200)]
    # The one that failed comes back, without its data, and takes them from the other.
    group.wait_in_step()
    wait_until(lambda: can_read(group.node(1), "key199") == "199", LIMIT_S, "the one that was killed has the data")
    assert group.node(1).role()[0] == "slave"
    text = "Failover from primary node killed-001 to replica node killed-002 completed"
    assert text in group.events()
    kilnd.wait_events("Recovering cache nodes 0001", "Finished recovery for cache nodes 0001", source="killed-001")
    kilnd.wait_events(text, source="killed-002")
    # And back again, with the roles swapped.
    os.kill(group.pid("killed-002"), signal.SIGKILL)
    wait_writable(group)
    assert group.at().get("key199") == "199" and group.primary_id == "killed-001"
    group.delete()


def test_writes_go_on_through_the_primary_endpoint(kilnd, aws):
    """A client that tries again has lost nothing that a replica had acknowledged."""
    group = Group(kilnd, aws, "goes-on", 3, AutomaticFailoverEnabled=True)
    endpoint = group.shard["PrimaryEndpoint"]
    certain, is_over = [], threading.Event()

    def write():
        client, number = None, 0
        while not is_over.is_set():
            try:
                client = client or redis.Redis(endpoint["Address"], endpoint["Port"], socket_timeout=1)
                client.rpush("list", number)
                if client.wait(2, 200) >= 2:
                    certain.append(number)
                number += 1
            except redis.RedisError:
                client = None

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: len(certain) > 100, LIMIT_S, "writes are acknowledged")
        os.kill(group.pid("goes-on-001"), signal.SIGKILL)
        before = len(certain)
        wait_until(lambda: len(certain) > before + 100, LIMIT_S, "writes go on")
    finally:
        is_over.set()
        writer.join()
    assert group.primary_id != "goes-on-001"
    kept = {int(number) for number in group.at().lrange("list", 0, -1)}
    assert set(certain) <= kept
    group.delete()


def test_a_primary_that_hangs_is_replaced(kilnd, aws):
    group = Group(kilnd, aws, "hangs", 2, AutomaticFailoverEnabled=True)
    group.at().set("k", "v")
    group.wait_in_step()
    pause_process(group.pid("hangs-001"))
    group.wait(lambda _: group.primary_id == "hangs-002", "the replica is the primary")
    wait_writable(group)
    assert group.at().get("k") == "v"
    wait_until(lambda: can_read(group.node(1), "k") == "v", LIMIT_S, "it is back as a replica")
    group.delete()


def test_a_test_of_the_failover_tells_its_story(kilnd, aws):
    group = Group(kilnd, aws, "tested", 2, AutomaticFailoverEnabled=True)
    group.at().set("k", "v")
    group.wait_in_step()
    reply = aws.test_failover(ReplicationGroupId="tested", NodeGroupId="0001")
    assert reply["ReplicationGroup"]["Status"] == "available"
    group.wait(lambda _: group.primary_id == "tested-002", "the replica is the primary")
    wait_writable(group)
    assert group.at().get("k") == "v"
    events = group.events()
    assert events.index("Test Failover API called for node group 0001") < events.index(
        "Failover from primary node tested-001 to replica node tested-002 completed")
    kilnd.wait_events("Recovering cache nodes 0001", "Finished recovery for cache nodes 0001", source="tested-001")
    group.delete()


def test_a_promotion_by_hand_loses_nothing(kilnd, aws):
    group = Group(kilnd, aws, "by-hand", 2)
    endpoint = group.shard["PrimaryEndpoint"]
    acknowledged, is_over = [], threading.Event()

    def write():
        client, number = None, 0
        while not is_over.is_set():
            try:
                client = client or redis.Redis(endpoint["Address"], endpoint["Port"], socket_timeout=2)
                client.rpush("list", number)
                acknowledged.append(number)
            except redis.RedisError:
                client = None
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: len(acknowledged) > 100, LIMIT_S, "writes are acknowledged")
        aws.modify_replication_group(ReplicationGroupId="by-hand", PrimaryClusterId="by-hand-002",
                                     ApplyImmediately=True)
        group.wait(lambda seen: seen["Status"] == "available" and group.primary_id == "by-hand-002", "it is promoted")
        before = len(acknowledged)
        wait_until(lambda: len(acknowledged) > before + 100, LIMIT_S, "writes go on")
    finally:
        is_over.set()
        writer.join()
    kept = {int(number) for number in group.at().lrange("list", 0, -1)}
    assert not sorted(set(acknowledged) - kept)
    group.wait_in_step()
    assert group.node(1).role()[0] == "slave"
    group.delete()


def test_a_primary_that_is_rebooted_hands_over_before(kilnd, aws):
    group = Group(kilnd, aws, "reboots", 2)
    group.at().set("k", "v")
    group.wait_in_step()
    aws.reboot_cache_cluster(CacheClusterId="reboots-001", CacheNodeIdsToReboot=["0001"])
    kilnd.wait_cluster("reboots-001")
    group.wait_available()
    assert group.primary_id == "reboots-002" and group.at().get("k") == "v"
    wait_until(lambda: can_read(group.node(1), "k") == "v", LIMIT_S, "it has the data again")
    group.delete()


def test_the_service_may_die_at_the_same_time(kilnd):
    """Who comes after it finds a dead primary and a replica with the data, and knows what to do."""
    with Kilnd("--keep-nodes-on-exit") as own:
        aws = own.client()
        group = Group(own, aws, "survives", 2, AutomaticFailoverEnabled=True)
        group.at().set("k", "v")
        group.wait_in_step()
        own.kill()
        os.kill(group.pid("survives-001"), signal.SIGKILL)
        own.start()
        group.aws = own.client()
        group.wait(lambda _: group.primary_id == "survives-002", "the replica is the primary")
        wait_writable(group)
        assert group.at().get("k") == "v"
        group.delete()


def test_a_retained_primary_stands_alone(kilnd, aws):
    group = Group(kilnd, aws, "retained", 2)
    group.at().set("k", "v")
    place = group.shard["NodeGroupMembers"][0]["ReadEndpoint"]
    reply = aws.delete_replication_group(ReplicationGroupId="retained", RetainPrimaryCluster=True)
    assert "NodeGroups" not in reply["ReplicationGroup"]
    aws.get_waiter("replication_group_deleted").wait(ReplicationGroupId="retained", WaiterConfig=SOON)
    alone = kilnd.wait_cluster("retained-001")
    assert "ReplicationGroupId" not in alone
    assert redis.Redis(place["Address"], place["Port"], decode_responses=True).get("k") == "v"
    aws.delete_cache_cluster(CacheClusterId="retained-001")
    kilnd.wait_cluster("retained-001", None)
