"""Replication groups of one node through boto3: the only way to a Valkey cache, on AWS as here."""

import os
import signal

import pytest
import redis
from botocore.exceptions import ClientError
from servers import pause_process, wait_until

from .kilnd import Kilnd, arn, cluster_of, refusal

TYPE = "cache.t3.micro"
FAST = {"Delay": 1, "MaxAttempts": 20}


def create(aws, name, engine="valkey", **more):
    return aws.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="a group", Engine=engine,
                                        CacheNodeType=TYPE, **more)["ReplicationGroup"]


def group_of(aws, name):
    """Its description, or None when it is gone."""
    try:
        return aws.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ReplicationGroupNotFoundFault", error
        return None


def wait_group(aws, name, status="available"):
    wait_until(lambda: (group := group_of(aws, name)) and group["Status"] == status, what=f"{name} is {status}")
    return group_of(aws, name)


def to_redis(endpoint) -> redis.Redis:
    return redis.Redis(endpoint["Address"], endpoint["Port"], decode_responses=True)


@pytest.fixture(scope="module")
def valkey(kilnd, aws):
    """A group for the tests that leave it as it is."""
    create(aws, "plain-valkey")
    return wait_group(aws, "plain-valkey")


def test_the_first_reply_names_the_member_but_no_endpoint(aws):
    # Terraform reads MemberClusters from the reply to the creation.
    group = create(aws, "First-Group")
    assert group["ReplicationGroupId"] == "first-group" and group["Status"] == "creating"
    assert group["MemberClusters"] == ["first-group-001"]
    assert "NodeGroups" not in group and group["PendingModifiedValues"] == {}
    assert group["ARN"] == arn("replicationgroup", "first-group")
    expected = {"ClusterEnabled": False, "AutomaticFailover": "disabled", "MultiAZ": "disabled",
                "SnapshotRetentionLimit": 0, "AuthTokenEnabled": False, "TransitEncryptionEnabled": False,
                "AtRestEncryptionEnabled": False, "CacheNodeType": TYPE, "Description": "a group"}
    assert {name: group[name] for name in expected} == expected
    wait_group(aws, "first-group")


@pytest.mark.parametrize("engine", ["redis", "valkey"])
def test_both_engines_serve_at_every_endpoint(kilnd, aws, engine):
    # One node: primary, reader and its own endpoint lead to the same data.
    create(aws, f"serves-{engine}", engine, Port=7001)
    group = wait_group(aws, f"serves-{engine}")
    shard = group["NodeGroups"][0]
    member = shard["NodeGroupMembers"][0]
    assert (shard["NodeGroupId"], shard["Status"]) == ("0001", "available")
    assert (member["CacheClusterId"], member["CacheNodeId"], member["CurrentRole"]) == (
        f"serves-{engine}-001", "0001", "primary")
    to_redis(shard["PrimaryEndpoint"]).set("k", engine)
    for endpoint in (shard["PrimaryEndpoint"], shard["ReaderEndpoint"], member["ReadEndpoint"]):
        assert endpoint["Port"] == 7001 and to_redis(endpoint).get("k") == engine
    cluster = cluster_of(aws, f"serves-{engine}-001")
    assert cluster["ReplicationGroupId"] == f"serves-{engine}" and cluster["Engine"] == engine
    kilnd.wait_events(f"Replication group serves-{engine} created")


def test_members_can_be_left_out_of_the_list_of_clusters(aws, valkey):
    # What consoles do: they list groups and lone clusters side by side.
    def ids(**arguments):
        return [cluster["CacheClusterId"] for cluster in aws.describe_cache_clusters(**arguments)["CacheClusters"]]

    assert "plain-valkey-001" in ids()
    assert "plain-valkey-001" not in ids(ShowCacheClustersNotInReplicationGroups=True)


def test_the_waiters_of_boto3_end(aws):
    # They know the statuses by heart.
    create(aws, "awaited-group")
    aws.get_waiter("replication_group_available").wait(ReplicationGroupId="awaited-group", WaiterConfig=FAST)
    aws.delete_replication_group(ReplicationGroupId="awaited-group")
    aws.get_waiter("replication_group_deleted").wait(ReplicationGroupId="awaited-group", WaiterConfig=FAST)
    assert cluster_of(aws, "awaited-group-001") is None


def test_a_deleted_group_takes_its_member_along(kilnd, aws):
    create(aws, "goes-group")
    endpoint = wait_group(aws, "goes-group")["NodeGroups"][0]["PrimaryEndpoint"]
    reply = aws.delete_replication_group(ReplicationGroupId="goes-group")["ReplicationGroup"]
    assert reply["Status"] == "deleting" and "NodeGroups" not in reply
    wait_until(lambda: group_of(aws, "goes-group") is None)
    assert "goes-group-001.0001" not in kilnd.nodes() and "goes-group-001.0001" not in kilnd.folders()
    with pytest.raises(redis.ConnectionError):
        to_redis(endpoint).ping()
    create(aws, "goes-group")
    wait_group(aws, "goes-group")


def test_a_member_is_deleted_with_its_group_only(aws, valkey):
    assert refusal(aws.delete_cache_cluster, CacheClusterId="plain-valkey-001") == (
        "InvalidCacheClusterState", 400,
        "Cannot delete the cache cluster since it is the only member of a replication group. "
        "Delete the replication group instead.")


def test_a_member_is_modified_and_rebooted_as_a_cluster(kilnd, aws):
    # The group follows: modifying, then available with what its member has become.
    create(aws, "changes-group")
    wait_group(aws, "changes-group")
    aws.modify_cache_cluster(CacheClusterId="changes-group-001", CacheNodeType="cache.t3.small", ApplyImmediately=True)
    wait_until(lambda: group_of(aws, "changes-group")["CacheNodeType"] == "cache.t3.small")
    endpoint = wait_group(aws, "changes-group")["NodeGroups"][0]["PrimaryEndpoint"]
    before = kilnd.nodes()["changes-group-001.0001"]
    kilnd.wait_cluster("changes-group-001")
    aws.reboot_cache_cluster(CacheClusterId="changes-group-001", CacheNodeIdsToReboot=["0001"])
    kilnd.wait_cluster("changes-group-001")
    assert kilnd.nodes()["changes-group-001.0001"] != before
    wait_group(aws, "changes-group")
    assert to_redis(endpoint).ping()


BAD_CREATIONS = [
    # what is wrong, arguments, code
    ("id starts with a digit", {"ReplicationGroupId": "1a"}, "InvalidParameterValue"),
    ("id is too long", {"ReplicationGroupId": "a" * 41}, "InvalidParameterValue"),
    ("id has two hyphens", {"ReplicationGroupId": "a--b"}, "InvalidParameterValue"),
    ("no description", {"ReplicationGroupDescription": ""}, "MissingParameter"),
    ("memcached", {"Engine": "memcached"}, "InvalidParameterValue"),
    ("unknown engine", {"Engine": "keydb"}, "InvalidParameterValue"),
    ("unknown version", {"EngineVersion": "6.0"}, "InvalidParameterCombination"),
    ("unknown type", {"CacheNodeType": "cache.none"}, "InvalidParameterValue"),
    ("no type", {"CacheNodeType": ""}, "MissingParameter"),
    ("no cluster", {"NumCacheClusters": 0}, "InvalidParameterValue"),
    ("seven clusters", {"NumCacheClusters": 7}, "InvalidParameterValue"),
    ("failover of one node", {"AutomaticFailoverEnabled": True}, "InvalidParameterCombination"),
    ("group of another family", {"CacheParameterGroupName": "default.redis7"}, "InvalidParameterCombination"),
    ("unknown group", {"CacheParameterGroupName": "nobodys"}, "CacheParameterGroupNotFound"),
    ("unknown subnet group", {"CacheSubnetGroupName": "nobodys"}, "CacheSubnetGroupNotFoundFault"),
    ("two zones", {"PreferredCacheClusterAZs": ["us-east-1a", "us-east-1b"]}, "InvalidParameterValue"),
    ("unknown zone", {"PreferredCacheClusterAZs": ["mars-1a"]}, "InvalidParameterValue"),
    ("a count of both kinds", {"NumCacheClusters": 2, "ReplicasPerNodeGroup": 1}, "InvalidParameterCombination"),
    ("zones without failover", {"NumCacheClusters": 2, "MultiAZEnabled": True}, "InvalidParameterCombination"),
    ("port 0", {"Port": 0}, "InvalidParameterValue"),
    ("windows overlap", {"PreferredMaintenanceWindow": "sun:05:00-sun:06:00", "SnapshotWindow": "05:30-06:30"},
     "InvalidParameterValue"),
    # What is not built yet says so; ignoring it would promise what nobody keeps.
    ("shards", {"NumNodeGroups": 2}, "UnsupportedOperation"),
    ("cluster mode", {"ClusterMode": "enabled"}, "UnsupportedOperation"),
    ("a password", {"AuthToken": "a" * 16}, "UnsupportedOperation"),
    ("encryption", {"TransitEncryptionEnabled": True}, "UnsupportedOperation"),
]


@pytest.mark.parametrize("arguments, code", [row[1:] for row in BAD_CREATIONS], ids=[row[0] for row in BAD_CREATIONS])
def test_a_wrong_creation_is_refused_and_leaves_nothing(aws, arguments, code):
    if "ClusterMode" in arguments and "ClusterMode" not in aws.meta.service_model.operation_model(
            "CreateReplicationGroup").input_shape.members:
        arguments = {"NumNodeGroups": 2, "ReplicasPerNodeGroup": 0}  # A boto3 from before ClusterMode.
    refused = refusal(aws.create_replication_group, **{
        "ReplicationGroupId": "refused", "ReplicationGroupDescription": "d", "Engine": "valkey", "CacheNodeType": TYPE,
        **arguments})
    assert refused[:2] == (code, 404 if code == "CacheParameterGroupNotFound" else 400), refused
    assert group_of(aws, "refused") is None and cluster_of(aws, "refused-001") is None


def test_ids_in_use_are_refused(aws, valkey):
    # Also the id of a lone cluster that the member would have.
    base = {"ReplicationGroupDescription": "d", "CacheNodeType": TYPE}
    assert refusal(aws.create_replication_group, ReplicationGroupId="PLAIN-valkey", **base)[:2] == (
        "ReplicationGroupAlreadyExists", 400)
    aws.create_cache_cluster(CacheClusterId="lone-001", Engine="redis", CacheNodeType=TYPE)
    assert refusal(aws.create_replication_group, ReplicationGroupId="lone", **base)[:2] == (
        "CacheClusterAlreadyExists", 400)


def test_an_unknown_group_is_not_found_by_any_operation(aws):
    for call in (aws.describe_replication_groups, aws.delete_replication_group,
                 aws.list_allowed_node_type_modifications):
        assert refusal(call, ReplicationGroupId="nobody")[:2] == ("ReplicationGroupNotFoundFault", 404)


def test_a_group_that_is_busy_refuses_its_deletion(kilnd, aws):
    create(aws, "busy-group")
    wait_group(aws, "busy-group")
    pid = kilnd.nodes()["busy-group-001.0001"]
    pause_process(pid)  # So that it does not end yet.
    aws.delete_replication_group(ReplicationGroupId="busy-group")
    refused = refusal(aws.delete_replication_group, ReplicationGroupId="busy-group")
    assert refused == ("InvalidReplicationGroupState", 400,
                       "Replication group busy-group has status deleting which is not valid for deletion.")
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: group_of(aws, "busy-group") is None)


def test_a_group_that_is_being_created_refuses_its_deletion(never_ready):
    create(never_ready, "young")
    assert refusal(never_ready.delete_replication_group, ReplicationGroupId="young")[:2] == (
        "InvalidReplicationGroupState", 400)


def test_pages_follow_each_other_without_gap_or_repetition():
    with Kilnd("--simulate-nodes") as kilnd:
        aws = kilnd.client()
        for i in range(21):
            create(aws, f"g{i:02}")
        pages = aws.get_paginator("describe_replication_groups").paginate(PaginationConfig={"PageSize": 20})
        ids = [[group["ReplicationGroupId"] for group in page["ReplicationGroups"]] for page in pages]
        assert ids == [[f"g{i:02}" for i in range(20)], ["g20"]]


def test_a_group_whose_program_is_missing_says_so_and_can_be_deleted():
    # AWS's own status for it; nobody waits for ever.
    with Kilnd("--kiln-server", "/nonexistent/kiln-server") as kilnd:
        aws = kilnd.client()
        create(aws, "fails")
        wait_group(aws, "fails", "create-failed")
        kilnd.wait_events("/nonexistent/kiln-server cannot be run", source="fails-001")
        aws.delete_replication_group(ReplicationGroupId="fails")
        wait_until(lambda: group_of(aws, "fails") is None)
