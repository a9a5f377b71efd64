"""CreateSnapshot, DescribeSnapshots, CopySnapshot, DeleteSnapshot: what they take, refuse and tell."""

import pytest
from servers import wait_until

from .kilnd import Kilnd, TIMEOUT_S, arn, error_of, refusal

TYPE = "cache.t3.micro"


@pytest.fixture(scope="module")
def quiet():
    """A kilnd of our own whose nodes are not real: what lists tell is what these tests made."""
    with Kilnd("--simulate-nodes") as server:
        yield server


@pytest.fixture(scope="module")
def cache(quiet):
    client = quiet.client()
    for engine in ("redis", "memcached"):
        client.create_cache_cluster(CacheClusterId=engine, Engine=engine, CacheNodeType=TYPE, NumCacheNodes=1)
        quiet.wait_cluster(engine)
    client.create_replication_group(ReplicationGroupId="group", ReplicationGroupDescription="three nodes",
                                    CacheNodeType=TYPE, NumCacheClusters=3, AutomaticFailoverEnabled=True,
                                    PreferredCacheClusterAZs=["us-east-1a", "us-east-1b", "us-east-1c"])
    wait_until(lambda: group(client)["Status"] == "available", TIMEOUT_S, "the group is available")
    return client


def group(client):
    return client.describe_replication_groups(ReplicationGroupId="group")["ReplicationGroups"][0]


def status(client, name):
    """None: there is none."""
    found = [row for row in client.describe_snapshots()["Snapshots"] if row["SnapshotName"] == name]
    return found[0]["SnapshotStatus"] if found else None


def take(client, name, **source):
    """A snapshot, once it is available and its source again, too."""
    client.create_snapshot(SnapshotName=name, **source)
    name = name.lower()
    wait_until(lambda: status(client, name) == "available", TIMEOUT_S, f"{name} is available")
    if "CacheClusterId" in source:
        wait_until(lambda: client.describe_cache_clusters(**source)["CacheClusters"][0]["CacheClusterStatus"]
                   == "available", TIMEOUT_S, "the cluster is available")
    wait_until(lambda: group(client)["Status"] == "available", TIMEOUT_S, "the group is available")
    return client.describe_snapshots(SnapshotName=name)["Snapshots"][0]


def drop(client, *names):
    for name in names:
        client.delete_snapshot(SnapshotName=name)
        wait_until(lambda: status(client, name) is None, TIMEOUT_S, f"{name} is gone")


def test_a_snapshot_says_what_its_source_was(cache):
    taken = take(cache, "full", CacheClusterId="redis")
    cluster = cache.describe_cache_clusters(CacheClusterId="redis", ShowCacheNodeInfo=True)["CacheClusters"][0]
    for field, of in {"CacheNodeType": "CacheNodeType", "Engine": "Engine", "EngineVersion": "EngineVersion",
                      "CacheClusterCreateTime": "CacheClusterCreateTime", "SnapshotWindow": "SnapshotWindow",
                      "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
                      "PreferredAvailabilityZone": "PreferredAvailabilityZone",
                      "CacheSubnetGroupName": "CacheSubnetGroupName"}.items():
        assert taken[field] == cluster[of], field
    assert taken["CacheParameterGroupName"] == cluster["CacheParameterGroup"]["CacheParameterGroupName"]
    assert taken["ARN"] == arn("snapshot", "full") and taken["Port"] == 6379 and taken["VpcId"]
    node, = taken["NodeSnapshots"]
    assert node["CacheNodeId"] == "0001" and node["CacheSize"] == "1 MB"
    assert node["CacheNodeCreateTime"] <= node["SnapshotCreateTime"]
    assert "ReplicationGroupId" not in taken and "NumNodeGroups" not in taken
    drop(cache, "full")


def test_that_of_a_group_is_of_a_replica_and_knows_the_shards(cache):
    take(cache, "shards", ReplicationGroupId="group")
    plain, = cache.describe_snapshots(SnapshotName="shards")["Snapshots"]
    assert "NodeGroupConfiguration" not in plain["NodeSnapshots"][0]
    shown, = cache.describe_snapshots(SnapshotName="shards", ShowNodeGroupConfig=True)["Snapshots"]
    assert (shown["ReplicationGroupId"], shown["ReplicationGroupDescription"]) == ("group", "three nodes")
    assert (shown["AutomaticFailover"], shown["NumNodeGroups"]) == ("enabled", 1)
    node, = shown["NodeSnapshots"]
    assert node["CacheClusterId"] == "group-003"
    assert node["NodeGroupConfiguration"] == {
        "NodeGroupId": "0001", "ReplicaCount": 2, "PrimaryAvailabilityZone": "us-east-1a",
        "ReplicaAvailabilityZones": ["us-east-1b", "us-east-1c"]}
    cache.modify_replication_group(ReplicationGroupId="group", SnapshottingClusterId="group-002")
    assert take(cache, "chosen", ReplicationGroupId="group")["CacheClusterId"] == "group-002"
    assert take(cache, "named", CacheClusterId="group-001")["CacheClusterId"] == "group-001"
    drop(cache, "shards", "chosen", "named")


@pytest.mark.parametrize("arguments, code", [
    ({"SnapshotName": "a"}, "InvalidParameterCombination"),
    ({"SnapshotName": "a", "CacheClusterId": "redis", "ReplicationGroupId": "group"}, "InvalidParameterCombination"),
    ({"SnapshotName": "a", "CacheClusterId": "none"}, "CacheClusterNotFound"),
    ({"SnapshotName": "a", "ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault"),
    ({"SnapshotName": "a", "CacheClusterId": "memcached"}, "SnapshotFeatureNotSupportedFault"),
    ({"SnapshotName": "a.b", "CacheClusterId": "redis"}, "InvalidParameterValue"),
    ({"SnapshotName": "1a", "CacheClusterId": "redis"}, "InvalidParameterValue"),
    ({"SnapshotName": "a", "CacheClusterId": "redis", "KmsKeyId": "k"}, "UnsupportedOperation"),
    ({"SnapshotName": "a", "CacheClusterId": "redis", "Tags": [{"Key": "aws:a", "Value": "b"}]},
     "InvalidParameterValue")])
def test_what_cannot_be_taken(cache, arguments, code):
    assert error_of(cache.create_snapshot, **arguments) == code


def test_names_are_unique_and_in_lower_case(cache):
    take(cache, "Upper-Case", CacheClusterId="redis")
    assert error_of(cache.create_snapshot, SnapshotName="upper-case", CacheClusterId="redis") == \
        "SnapshotAlreadyExistsFault"
    assert error_of(cache.copy_snapshot, SourceSnapshotName="upper-case", TargetSnapshotName="UPPER-CASE") == \
        "SnapshotAlreadyExistsFault"
    assert error_of(cache.delete_cache_cluster, CacheClusterId="redis", FinalSnapshotIdentifier="upper-case") == \
        "SnapshotAlreadyExistsFault"
    drop(cache, "upper-case")


def test_unknown_ones(cache):
    for call, arguments in ((cache.describe_snapshots, {"SnapshotName": "none"}),
                            (cache.delete_snapshot, {"SnapshotName": "none"}),
                            (cache.copy_snapshot, {"SourceSnapshotName": "none", "TargetSnapshotName": "a"}),
                            (cache.list_tags_for_resource, {"ResourceName": arn("snapshot", "none")}),
                            (cache.create_cache_cluster, {"CacheClusterId": "a", "Engine": "redis",
                                                          "CacheNodeType": TYPE, "SnapshotName": "none"})):
        assert refusal(call, **arguments)[:2] == ("SnapshotNotFoundFault", 404)


def test_filters_and_pages(cache):
    for name in ("page-a", "page-b"):
        take(cache, name, ReplicationGroupId="group")
    for number in range(20):
        cache.copy_snapshot(SourceSnapshotName="page-a", TargetSnapshotName=f"copy-{number}")
    wait_until(lambda: all(row["SnapshotStatus"] == "available" for row in cache.describe_snapshots()["Snapshots"]),
               TIMEOUT_S, "all copies are there")
    first = cache.describe_snapshots(MaxRecords=20)
    second = cache.describe_snapshots(MaxRecords=20, Marker=first["Marker"])
    names = [row["SnapshotName"] for row in first["Snapshots"] + second["Snapshots"]]
    assert len(names) == len(set(names)) == 22 and not second.get("Marker")
    for records in (19, 51):
        assert error_of(cache.describe_snapshots, MaxRecords=records) == "InvalidParameterValue"

    def count(**filters):
        return len(cache.describe_snapshots(**filters)["Snapshots"])

    assert count(ReplicationGroupId="group") == 22 and count(ReplicationGroupId="other") == 0
    assert count(CacheClusterId="redis") == 0
    assert (count(SnapshotSource="user"), count(SnapshotSource="system")) == (22, 0)
    assert error_of(cache.describe_snapshots, SnapshotSource="mine") == "InvalidParameterValue"
    assert error_of(cache.delete_snapshot, SnapshotName="page-c") == "SnapshotNotFoundFault"
    drop(cache, "page-a", "page-b", *(f"copy-{number}" for number in range(20)))


def test_tags(cache):
    take(cache, "tagged", CacheClusterId="redis")
    resource = {"ResourceName": arn("snapshot", "tagged")}
    cache.add_tags_to_resource(**resource, Tags=[{"Key": "a", "Value": "1"}])
    assert cache.list_tags_for_resource(**resource)["TagList"] == [{"Key": "a", "Value": "1"}]
    assert cache.remove_tags_from_resource(**resource, TagKeys=["a"])["TagList"] == []
    drop(cache, "tagged")


def test_a_restored_cache_is_like_its_snapshot(quiet, cache):
    take(cache, "model", CacheClusterId="redis")
    cache.create_cache_cluster(CacheClusterId="restored", SnapshotName="model")
    restored = quiet.wait_cluster("restored")
    taken = cache.describe_snapshots(SnapshotName="model")["Snapshots"][0]
    assert [restored[field] for field in ("Engine", "EngineVersion", "CacheNodeType")] == [
        taken[field] for field in ("Engine", "EngineVersion", "CacheNodeType")]
    assert error_of(cache.create_cache_cluster, CacheClusterId="older", SnapshotName="model", EngineVersion="6.2",
                    Engine="redis") == "InvalidParameterCombination"
    assert error_of(cache.create_cache_cluster, CacheClusterId="both", SnapshotName="model", Engine="redis",
                    SnapshotArns=["arn:aws:s3:::a/b"], CacheNodeType=TYPE) == "InvalidParameterCombination"
    assert error_of(cache.create_cache_cluster, CacheClusterId="mc", SnapshotName="model", Engine="memcached",
                    CacheNodeType=TYPE, NumCacheNodes=1) == "InvalidParameterCombination"
    wait_until(lambda: status(cache, "model") == "available", TIMEOUT_S, "it is restoring no more")
    drop(cache, "model")


def test_a_final_snapshot_of_memcached_is_refused(cache):
    assert error_of(cache.delete_cache_cluster, CacheClusterId="memcached", FinalSnapshotIdentifier="s") == \
        "SnapshotFeatureNotSupportedFault"


def test_states_of_snapshots_and_their_sources(never_ready):
    never_ready.create_cache_cluster(CacheClusterId="slow", Engine="redis", CacheNodeType=TYPE)
    assert error_of(never_ready.create_snapshot, SnapshotName="a", CacheClusterId="slow") == "InvalidCacheClusterState"
    never_ready.create_replication_group(ReplicationGroupId="slow-group", ReplicationGroupDescription="d",
                                         CacheNodeType=TYPE, NumCacheClusters=1)
    assert error_of(never_ready.create_snapshot, SnapshotName="a", ReplicationGroupId="slow-group") == \
        "InvalidReplicationGroupState"
