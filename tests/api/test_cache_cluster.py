"""Cache clusters through boto3: what the API answers, and whether real clients find it true."""

import concurrent.futures
import datetime
import re
import socket

import pymemcache
import pytest
import redis
from botocore.exceptions import ClientError

from servers import HOST, free_port, wait_until

from .kilnd import Kilnd, arn, cluster_of, endpoints, refusal

TYPE = "cache.t3.micro"
MICRO_BYTES = 536870912  # maxmemory of a cache.t3.micro
FAST = {"Delay": 1, "MaxAttempts": 20}


def create(aws, name, engine="redis", **more):
    return aws.create_cache_cluster(CacheClusterId=name, Engine=engine, CacheNodeType=TYPE, **more)["CacheCluster"]


def to_redis(cluster) -> redis.Redis:
    host, port = endpoints(cluster)[0]
    return redis.Redis(host, port, decode_responses=True)


def memcached_stats(where, *which) -> dict:
    client = pymemcache.Client(where)
    try:
        return {key.decode(): value for key, value in client.stats(*which).items()}
    finally:
        client.close()


def discovered(where) -> tuple:
    """The version and the nodes that Auto Discovery tells."""
    with socket.create_connection(where, timeout=5) as connection:
        connection.sendall(b"config get cluster\r\n")
        lines = list(iter(connection.makefile("rb").readline, b"END\r\n"))
    assert lines[0].startswith(b"CONFIG cluster 0 "), lines
    nodes = [node.split("|") for node in lines[2].decode().split()]
    return int(lines[1]), sorted((address, int(port)) for _, address, port in nodes)


def window(**from_now) -> str:
    """A maintenance window of two hours, by when it begins."""
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**from_now)
    return "-".join(time.strftime("%a:%H:%M").lower() for time in (begin, begin + datetime.timedelta(hours=2)))


def config_endpoint(cluster):
    return cluster["ConfigurationEndpoint"]["Address"], cluster["ConfigurationEndpoint"]["Port"]


@pytest.fixture(scope="module")
def plain(kilnd, aws):
    """A Redis cluster for the tests that leave it as it is."""
    create(aws, "plain")
    return kilnd.wait_cluster("plain")


# ---- Create and describe ----

def test_the_first_reply_promises_no_endpoint_yet(kilnd, aws):
    # Terraform and CloudFormation read endpoints as soon as they are there: not before they work.
    cluster = create(aws, "First-Reply", Port=7000, Tags=[{"Key": "team", "Value": "a"}])
    assert cluster["CacheClusterId"] == "first-reply"
    assert cluster["CacheClusterStatus"] == "creating"
    assert "CacheNodes" not in cluster and "CacheClusterCreateTime" not in cluster
    assert cluster["PendingModifiedValues"] == {}
    assert cluster["ARN"] == arn("cluster", "first-reply")
    cluster = kilnd.wait_cluster("first-reply")
    assert endpoints(cluster)[0][1] == 7000 and to_redis(cluster).ping()
    tags = aws.list_tags_for_resource(ResourceName=cluster["ARN"])["TagList"]
    assert tags == [{"Key": "team", "Value": "a"}]


def test_what_is_not_said_gets_the_defaults_of_aws(plain):
    # Infrastructure tools compare these with what they know and would want to change a difference.
    expected = {
        "Engine": "redis", "EngineVersion": "7.1.0", "CacheNodeType": TYPE, "NumCacheNodes": 1,
        "CacheSubnetGroupName": "default", "AutoMinorVersionUpgrade": True, "SnapshotRetentionLimit": 0,
        "AuthTokenEnabled": False, "TransitEncryptionEnabled": False, "AtRestEncryptionEnabled": False,
        "NetworkType": "ipv4", "IpDiscovery": "ipv4", "PreferredAvailabilityZone": "us-east-1a",
    }
    assert {name: plain[name] for name in expected} == expected
    assert plain["CacheParameterGroup"] == {
        "CacheParameterGroupName": "default.redis7", "ParameterApplyStatus": "in-sync", "CacheNodeIdsToReboot": []}
    assert re.fullmatch(r"\w{3}:\d\d:\d\d-\w{3}:\d\d:\d\d", plain["PreferredMaintenanceWindow"])
    assert re.fullmatch(r"\d\d:\d\d-\d\d:\d\d", plain["SnapshotWindow"])
    assert "ConfigurationEndpoint" not in plain and "ReplicationGroupId" not in plain
    node = plain["CacheNodes"][0]
    assert (node["CacheNodeId"], node["CacheNodeStatus"], node["ParameterGroupStatus"]) == (
        "0001", "available", "in-sync")


def test_nodes_are_shown_only_when_asked_for(aws, plain):
    # The documented shape: CacheNodes is there with ShowCacheNodeInfo alone.
    assert "CacheNodes" not in aws.describe_cache_clusters(CacheClusterId="plain")["CacheClusters"][0]


def test_an_id_is_found_in_any_case(aws, plain):
    # AWS stores ids in lower case; scripts spell them as they like.
    found = aws.describe_cache_clusters(CacheClusterId="PLAIN")["CacheClusters"]
    assert [cluster["CacheClusterId"] for cluster in found] == ["plain"]


def test_the_node_type_gives_memory_and_its_reserve(plain):
    # reserved-memory-percent is 25: the rest is what maxmemory becomes.
    assert int(to_redis(plain).config_get("maxmemory")["maxmemory"]) == MICRO_BYTES * 75 // 100


def test_memcached_nodes_serve_with_the_memory_of_their_type(kilnd, aws):
    # 512 MB less the 100 MB that are kept for connections.
    create(aws, "mc-memory", "memcached", NumCacheNodes=2)
    cluster = kilnd.wait_cluster("mc-memory")
    assert cluster["NumCacheNodes"] == 2 and len(set(endpoints(cluster))) == 2
    for where in endpoints(cluster):
        stats = memcached_stats(where)
        assert stats["limit_maxbytes"] == 412 << 20 and stats["threads"] == 2
    version, nodes = discovered(config_endpoint(cluster))
    assert version >= 1 and nodes == sorted(endpoints(cluster))
    assert "SnapshotWindow" not in cluster and "SnapshotRetentionLimit" not in cluster


def test_forty_memcached_nodes_are_one_cluster(kilnd, aws):
    # The limit of AWS; every node must know all others.
    create(aws, "mc-forty", "memcached", NumCacheNodes=40)
    cluster = kilnd.wait_cluster("mc-forty")
    assert [node["CacheNodeId"] for node in cluster["CacheNodes"]] == [f"{i:04}" for i in range(1, 41)]
    assert {discovered(where)[1] == sorted(endpoints(cluster)) for where in endpoints(cluster)} == {True}
    aws.delete_cache_cluster(CacheClusterId="mc-forty")
    kilnd.wait_cluster("mc-forty", None)


@pytest.mark.parametrize("arguments, zones, shown", [
    ({}, ["us-east-1a"] * 3, "us-east-1a"),
    ({"PreferredAvailabilityZone": "us-east-1b"}, ["us-east-1b"] * 3, "us-east-1b"),
    ({"AZMode": "cross-az"}, ["us-east-1a", "us-east-1b", "us-east-1c"], "Multiple"),
    ({"AZMode": "cross-az", "PreferredAvailabilityZones": ["us-east-1c", "us-east-1c", "us-east-1a"]},
     ["us-east-1c", "us-east-1c", "us-east-1a"], "Multiple"),
])
def test_zones_are_those_asked_for(kilnd, aws, arguments, zones, shown):
    # Cross-zone clusters are spread when nobody says how.
    create(aws, "mc-zones", "memcached", NumCacheNodes=3, **arguments)
    cluster = kilnd.wait_cluster("mc-zones")
    assert [node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]] == zones
    assert cluster["PreferredAvailabilityZone"] == shown
    aws.delete_cache_cluster(CacheClusterId="mc-zones")
    kilnd.wait_cluster("mc-zones", None)


def test_a_parameter_group_of_the_user_is_obeyed_and_followed(kilnd, aws):
    # What the group says at the start, and each change of it while the node runs.
    aws.create_cache_parameter_group(
        CacheParameterGroupName="lru", CacheParameterGroupFamily="redis7", Description="d")

    def change(name, value):
        aws.modify_cache_parameter_group(CacheParameterGroupName="lru", ParameterNameValues=[
            {"ParameterName": name, "ParameterValue": value}])

    change("maxmemory-policy", "allkeys-lru")
    create(aws, "grouped", CacheParameterGroupName="LRU")
    client = to_redis(kilnd.wait_cluster("grouped"))
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
    client.set("kept", "1")
    change("maxmemory-policy", "allkeys-lfu")
    wait_until(lambda: client.config_get("maxmemory-policy")["maxmemory-policy"] == "allkeys-lfu")
    change("reserved-memory-percent", "50")
    wait_until(lambda: int(client.config_get("maxmemory")["maxmemory"]) == MICRO_BYTES // 2)
    assert client.get("kept") == "1"


def test_a_parameter_of_the_start_waits_for_a_reboot(kilnd, aws):
    # requires-reboot: the group says so until the node has been restarted.
    aws.create_cache_parameter_group(
        CacheParameterGroupName="many-dbs", CacheParameterGroupFamily="redis7", Description="d")
    create(aws, "dbs", CacheParameterGroupName="many-dbs")
    kilnd.wait_cluster("dbs")
    aws.modify_cache_parameter_group(CacheParameterGroupName="many-dbs", ParameterNameValues=[
        {"ParameterName": "databases", "ParameterValue": "20"}])

    def group():
        return cluster_of(aws, "dbs")["CacheParameterGroup"]

    wait_until(lambda: group()["ParameterApplyStatus"] == "pending-reboot")
    assert group()["CacheNodeIdsToReboot"] == ["0001"]
    reply = aws.reboot_cache_cluster(CacheClusterId="dbs", CacheNodeIdsToReboot=["0001"])["CacheCluster"]
    assert reply["CacheClusterStatus"] == "rebooting cluster nodes"
    cluster = kilnd.wait_cluster("dbs")
    assert cluster["CacheParameterGroup"]["ParameterApplyStatus"] == "in-sync"
    assert to_redis(cluster).config_get("databases") == {"databases": "20"}
    kilnd.wait_events("Cache node 0001 restarted", source="dbs")


# ---- Refusals ----

LONG = "a" * 51
BAD_CREATIONS = [
    # what is wrong,            arguments,                                             code
    ("id starts with a digit",  {"CacheClusterId": "1a"},                              "InvalidParameterValue"),
    ("id ends with a hyphen",   {"CacheClusterId": "a-"},                              "InvalidParameterValue"),
    ("id has two hyphens",      {"CacheClusterId": "a--b"},                            "InvalidParameterValue"),
    ("id has an underscore",    {"CacheClusterId": "a_b"},                             "InvalidParameterValue"),
    ("id is no ASCII",          {"CacheClusterId": "caf\u00e9"},                       "InvalidParameterValue"),
    ("id is a path",            {"CacheClusterId": "../../x"},                         "InvalidParameterValue"),
    ("id is too long",          {"CacheClusterId": LONG},                              "InvalidParameterValue"),
    ("id is empty",             {"CacheClusterId": ""},                                "MissingParameter"),
    ("no engine",               {"Engine": ""},                                        "MissingParameter"),
    ("unknown engine",          {"Engine": "mysql"},                                   "InvalidParameterValue"),
    ("valkey needs a group",    {"Engine": "valkey"},                                  "InvalidParameterValue"),
    ("no node type",            {"CacheNodeType": ""},                                 "MissingParameter"),
    ("unknown node type",       {"CacheNodeType": "cache.t3.nano"},                    "InvalidParameterValue"),
    ("type without prefix",     {"CacheNodeType": "t3.micro"},                         "InvalidParameterValue"),
    ("unknown version",         {"EngineVersion": "4.0.13"},                           "InvalidParameterCombination"),
    ("two redis nodes",         {"NumCacheNodes": 2},                                  "InvalidParameterValue"),
    ("no node",                 {"NumCacheNodes": 0},                                  "InvalidParameterValue"),
    ("fewer than none",         {"NumCacheNodes": -1},                                 "InvalidParameterValue"),
    ("41 memcached nodes",      {"Engine": "memcached", "NumCacheNodes": 41},          "NodeQuotaForClusterExceeded"),
    ("port 0",                  {"Port": 0},                                           "InvalidParameterValue"),
    ("port 65536",              {"Port": 65536},                                       "InvalidParameterValue"),
    ("unknown zone",            {"PreferredAvailabilityZone": "us-east-1z"},           "InvalidParameterValue"),
    ("unknown zone mode",       {"AZMode": "no-az"},                                   "InvalidParameterValue"),
    ("one node, two zones",     {"Engine": "memcached", "AZMode": "cross-az"},         "InvalidParameterCombination"),
    ("zones do not match",      {"Engine": "memcached", "NumCacheNodes": 2,
                                 "PreferredAvailabilityZones": ["us-east-1a"]},        "InvalidParameterCombination"),
    ("unknown group",           {"CacheParameterGroupName": "nobodys"},                "CacheParameterGroupNotFound"),
    ("group of another family", {"CacheParameterGroupName": "default.redis6.x"},       "InvalidParameterCombination"),
    ("group of cluster mode",   {"CacheParameterGroupName": "default.redis7.cluster.on"},
                                                                                       "InvalidParameterCombination"),
    ("unknown subnet group",    {"CacheSubnetGroupName": "nobodys"},                   "CacheSubnetGroupNotFoundFault"),
    ("window of 59 minutes",    {"PreferredMaintenanceWindow": "sun:05:00-sun:05:59"}, "InvalidParameterValue"),
    ("window is no window",     {"PreferredMaintenanceWindow": "sometimes"},           "InvalidParameterValue"),
    ("window of another day",   {"PreferredMaintenanceWindow": "son:05:00-son:06:00"}, "InvalidParameterValue"),
    ("windows overlap",         {"PreferredMaintenanceWindow": "sun:05:00-sun:06:00",
                                 "SnapshotWindow": "05:30-06:30"},                     "InvalidParameterValue"),
    ("short snapshot window",   {"SnapshotWindow": "05:00-05:30"},                     "InvalidParameterValue"),
    ("36 days of snapshots",    {"SnapshotRetentionLimit": 36},                        "InvalidParameterValue"),
    ("memcached snapshots",     {"Engine": "memcached", "SnapshotRetentionLimit": 1},  "InvalidParameterCombination"),
    ("EC2-Classic groups",      {"CacheSecurityGroupNames": ["default"]},              "InvalidParameterValue"),
    ("tag of AWS",              {"Tags": [{"Key": "aws:x", "Value": "1"}]},            "InvalidParameterValue"),
    ("51 tags",                 {"Tags": [{"Key": f"k{i}", "Value": ""} for i in range(51)]},
                                                                                       "TagQuotaPerResourceExceeded"),
    ("unknown address family",  {"NetworkType": "ipx"},                                "InvalidParameterValue"),
    ("a group that is not there", {"ReplicationGroupId": "nobodys"},                   "ReplicationGroupNotFoundFault"),
]


@pytest.mark.parametrize("arguments, code", [row[1:] for row in BAD_CREATIONS], ids=[row[0] for row in BAD_CREATIONS])
def test_a_wrong_creation_is_refused_and_leaves_nothing(kilnd, aws, arguments, code):
    # The code decides what an SDK raises, the status how it is treated: both are the reference's.
    def ids():
        return [cluster["CacheClusterId"] for cluster in aws.describe_cache_clusters()["CacheClusters"]]

    before = ids()
    status = 404 if code in ("CacheParameterGroupNotFound", "ReplicationGroupNotFoundFault") else 400
    refused = refusal(aws.create_cache_cluster,
                    **{"CacheClusterId": "refused", "Engine": "redis", "CacheNodeType": TYPE, **arguments})
    assert refused[:2] == (code, status), refused
    assert ids() == before


def test_the_texts_that_tools_look_for_are_those_of_aws(aws, plain):
    # Terraform and others match on parts of messages.
    def text(**arguments):
        base = {"CacheClusterId": "refused", "Engine": "redis", "CacheNodeType": TYPE}
        return refusal(aws.create_cache_cluster, **{**base, **arguments})[2]

    assert text(NumCacheNodes=2) == (
        "Cannot create a Redis cluster with a NumCacheNodes parameter greater than 1.")
    assert text(EngineVersion="4.0.13") == "Cannot find version 4.0.13 for redis"
    assert text(CacheParameterGroupName="default.redis6.x") == (
        "Expected a parameter group of family redis7 but found one of family redis6.x")
    assert text(CacheParameterGroupName="default.redis5.0.6") == (
        "CacheParameterGroup not found: default.redis5.0.6")
    assert text(CacheClusterId="PLAIN") == "Cache cluster plain already exists."
    assert text(Engine="memcached", NumCacheNodes=2, PreferredAvailabilityZones=["us-east-1a"]) == (
        "Must specify the same number of preferred availability zones as requested number of nodes.")
    assert text(PreferredMaintenanceWindow="sun:05:00-sun:06:00", SnapshotWindow="05:30-06:30") == (
        "The snapshot window and maintenance window must not overlap.")


def test_an_id_in_use_is_refused(aws, plain):
    refused = refusal(aws.create_cache_cluster, CacheClusterId="Plain", Engine="redis", CacheNodeType=TYPE)
    assert refused[:2] == ("CacheClusterAlreadyExists", 400)


def test_an_unknown_id_is_not_found_by_any_operation(aws):
    # 404 and the exact code: waiters and tools take them for "it is gone".
    calls = [(aws.describe_cache_clusters, {}), (aws.modify_cache_cluster, {}),
             (aws.delete_cache_cluster, {}), (aws.reboot_cache_cluster, {"CacheNodeIdsToReboot": ["0001"]}),
             (aws.list_allowed_node_type_modifications, {})]
    for call, arguments in calls:
        assert refusal(call, CacheClusterId="nobody", **arguments) == (
            "CacheClusterNotFound", 404, "CacheCluster not found: nobody")


def test_what_is_not_built_is_refused_by_name(aws):
    # Ignoring AuthToken or encryption would be a lie about security.
    for arguments in ({"AuthToken": "a" * 16}, {"TransitEncryptionEnabled": True}):
        refused = refusal(aws.create_cache_cluster, CacheClusterId="refused", Engine="redis", CacheNodeType=TYPE,
                        **arguments)
        assert refused[:2] == ("UnsupportedOperation", 400) and next(iter(arguments)) in refused[2]


def test_calls_at_the_same_moment_do_not_meet(kilnd, aws):
    # One id has one cluster, and an address one node; whoever lost a race is not told "try again".
    def attempt(name):
        try:
            return create(kilnd.client(), name)["CacheClusterId"]
        except ClientError as error:
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        same = list(pool.map(attempt, ["raced"] * 12))
        assert sorted(same) == ["CacheClusterAlreadyExists"] * 11 + ["raced"]
        names = [f"racer-{i}" for i in range(12)]
        assert list(pool.map(attempt, names)) == names
    places = [endpoints(kilnd.wait_cluster(name))[0] for name in names]
    assert len(set(places)) == 12


# ---- Modify ----

def test_without_apply_immediately_values_wait_and_can_be_taken_back(kilnd, aws):
    # Sending the present value again is how a pending change is cancelled.
    create(aws, "waiting", "memcached", NumCacheNodes=2)
    before = kilnd.wait_cluster("waiting")
    reply = aws.modify_cache_cluster(CacheClusterId="waiting", NumCacheNodes=1, CacheNodeIdsToRemove=["0001"],
                                       CacheNodeType="cache.t3.small")["CacheCluster"]
    assert reply["CacheClusterStatus"] == "available"
    assert reply["PendingModifiedValues"] == {
        "NumCacheNodes": 1, "CacheNodeIdsToRemove": ["0001"], "CacheNodeType": "cache.t3.small"}
    assert endpoints(cluster_of(aws, "waiting")) == endpoints(before)
    reply = aws.modify_cache_cluster(CacheClusterId="waiting", NumCacheNodes=2, CacheNodeType=TYPE)["CacheCluster"]
    assert reply["PendingModifiedValues"] == {} and reply["CacheClusterStatus"] == "available"
    # What waits is done with the next change that does not wait.
    aws.modify_cache_cluster(CacheClusterId="waiting", NumCacheNodes=3)
    aws.modify_cache_cluster(CacheClusterId="waiting", ApplyImmediately=True)
    assert len(kilnd.wait_cluster("waiting")["CacheNodes"]) == 3


def test_what_waits_is_done_in_the_maintenance_window(kilnd, aws):
    # By itself, when its time has come.
    create(aws, "patient", "memcached")
    kilnd.wait_cluster("patient")
    aws.modify_cache_cluster(CacheClusterId="patient", NumCacheNodes=2, PreferredMaintenanceWindow=window(days=3))
    assert kilnd.wait_cluster("patient")["PendingModifiedValues"] == {"NumCacheNodes": 2}
    aws.modify_cache_cluster(CacheClusterId="patient", PreferredMaintenanceWindow=window(minutes=-30))
    wait_until(lambda: len(cluster_of(aws, "patient")["CacheNodes"]) == 2)
    cluster = kilnd.wait_cluster("patient")
    assert cluster["PendingModifiedValues"] == {}
    assert discovered(config_endpoint(cluster))[1] == sorted(endpoints(cluster))


def test_memcached_nodes_come_and_go_while_the_others_serve(kilnd, aws):
    # The version of the node list grows with every change: clients ignore a list that is not newer.
    create(aws, "elastic", "memcached")
    cluster = kilnd.wait_cluster("elastic")
    first = endpoints(cluster)[0]
    keeper = pymemcache.Client(first)
    keeper.set("kept", "1")
    configuration = config_endpoint(cluster)
    versions = [discovered(configuration)[0]]

    def modify(**arguments):
        reply = aws.modify_cache_cluster(CacheClusterId="elastic", ApplyImmediately=True, **arguments)
        assert reply["CacheCluster"]["CacheClusterStatus"] == "modifying"
        changed = kilnd.wait_cluster("elastic")
        for where in [*endpoints(changed), configuration]:
            version, nodes = discovered(where)
            assert nodes == sorted(endpoints(changed)), where
        assert version > versions[-1]
        versions.append(version)
        return [node["CacheNodeId"] for node in changed["CacheNodes"]]

    assert modify(NumCacheNodes=3, NewAvailabilityZones=["us-east-1b", "us-east-1c"]) == ["0001", "0002", "0003"]
    zones = [node["CustomerAvailabilityZone"] for node in cluster_of(aws, "elastic")["CacheNodes"]]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert modify(NumCacheNodes=2, CacheNodeIdsToRemove=["0002"]) == ["0001", "0003"]
    assert modify(NumCacheNodes=3) == ["0001", "0003", "0004"], "ids are not used twice"
    assert keeper.get("kept") == b"1"
    keeper.close()
    kilnd.wait_events("Added cache node 0003 in availability zone us-east-1c", "Removed cache node 0002",
                      "Added cache node 0004", source="elastic")
    assert set(kilnd.nodes()) >= {"elastic.0001", "elastic.0003", "elastic.0004"}
    assert "elastic.0002" not in kilnd.nodes() and "elastic.0002" not in kilnd.folders()


def test_cross_zone_spreads_the_nodes_to_come(kilnd, aws):
    # The nodes that are there stay where they are, as on AWS.
    create(aws, "spreads", "memcached")
    kilnd.wait_cluster("spreads")
    aws.modify_cache_cluster(CacheClusterId="spreads", NumCacheNodes=3, AZMode="cross-az", ApplyImmediately=True)
    cluster = kilnd.wait_cluster("spreads")
    zones = [node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"] and cluster["PreferredAvailabilityZone"] == "Multiple"
    refused = refusal(aws.modify_cache_cluster, CacheClusterId="spreads", AZMode="single-az")
    assert refused[:2] == ("InvalidParameterCombination", 400)


def test_a_larger_node_type_gives_redis_memory_at_once(kilnd, aws):
    # Online: the data stay.
    create(aws, "grows")
    client = to_redis(kilnd.wait_cluster("grows"))
    client.set("kept", "1")
    aws.modify_cache_cluster(CacheClusterId="grows", CacheNodeType="cache.t3.small", ApplyImmediately=True)
    assert kilnd.wait_cluster("grows")["CacheNodeType"] == "cache.t3.small"
    assert int(client.config_get("maxmemory")["maxmemory"]) == 1471026299 * 75 // 100
    assert client.get("kept") == "1"


def test_a_larger_node_type_restarts_memcached_with_its_memory(kilnd, aws):
    # As on AWS its nodes start empty; serving on with the old memory would be a broken promise.
    create(aws, "mc-grows", "memcached", NumCacheNodes=2)
    kilnd.wait_cluster("mc-grows")
    aws.modify_cache_cluster(CacheClusterId="mc-grows", CacheNodeType="cache.t3.small", ApplyImmediately=True)
    cluster = kilnd.wait_cluster("mc-grows")
    for where in endpoints(cluster):
        assert memcached_stats(where)["limit_maxbytes"] == 1302 << 20
    assert cluster["CacheParameterGroup"]["ParameterApplyStatus"] == "in-sync"


def test_another_parameter_group_takes_over(kilnd, aws):
    aws.create_cache_parameter_group(
        CacheParameterGroupName="other", CacheParameterGroupFamily="redis7", Description="d")
    aws.modify_cache_parameter_group(CacheParameterGroupName="other", ParameterNameValues=[
        {"ParameterName": "timeout", "ParameterValue": "600"}])
    create(aws, "moves")
    client = to_redis(kilnd.wait_cluster("moves"))
    aws.modify_cache_cluster(CacheClusterId="moves", CacheParameterGroupName="other")
    cluster = kilnd.wait_cluster("moves")
    assert cluster["CacheParameterGroup"]["CacheParameterGroupName"] == "other"
    assert client.config_get("timeout") == {"timeout": "600"}


def test_what_needs_no_node_changes_at_once(kilnd, aws, plain):
    # Windows and flags: the cluster stays available.
    reply = aws.modify_cache_cluster(
        CacheClusterId="plain", PreferredMaintenanceWindow="Mon:01:00-Mon:02:00", SnapshotWindow="04:00-05:00",
        SnapshotRetentionLimit=3, AutoMinorVersionUpgrade=False,
        NotificationTopicArn="arn:aws:sns:us-east-1:000000000000:t", SecurityGroupIds=["sg-1"])["CacheCluster"]
    assert reply["CacheClusterStatus"] == "available"
    assert cluster_of(aws, "plain") == {**reply, "CacheNodes": plain["CacheNodes"]}
    assert (reply["PreferredMaintenanceWindow"], reply["SnapshotWindow"], reply["SnapshotRetentionLimit"]) == (
        "mon:01:00-mon:02:00", "04:00-05:00", 3)
    assert not reply["AutoMinorVersionUpgrade"]
    assert reply["NotificationConfiguration"]["TopicStatus"] == "active"
    assert reply["SecurityGroups"] == [{"SecurityGroupId": "sg-1", "Status": "active"}]


BAD_CHANGES = [
    # what is wrong, arguments, code
    ("no nodes", {"NumCacheNodes": 0}, "InvalidParameterValue"),
    ("41 nodes", {"NumCacheNodes": 41}, "NodeQuotaForClusterExceeded"),
    ("not said which", {"NumCacheNodes": 1}, "InvalidParameterCombination"),
    ("too few ids", {"NumCacheNodes": 1, "CacheNodeIdsToRemove": ["0001"]}, "InvalidParameterCombination"),
    ("an id twice", {"NumCacheNodes": 1, "CacheNodeIdsToRemove": ["0001"] * 2}, "InvalidParameterValue"),
    ("an unknown id", {"NumCacheNodes": 2, "CacheNodeIdsToRemove": ["0009"]}, "InvalidParameterValue"),
    ("ids without a number", {"CacheNodeIdsToRemove": ["0001"]}, "InvalidParameterCombination"),
    ("ids with a growth", {"NumCacheNodes": 4, "CacheNodeIdsToRemove": ["0001"]}, "InvalidParameterCombination"),
    ("two zones for one", {"NumCacheNodes": 4, "NewAvailabilityZones": ["us-east-1a"] * 2},
     "InvalidParameterCombination"),
    ("an unknown zone", {"NumCacheNodes": 4, "NewAvailabilityZones": ["mars-1a"]}, "InvalidParameterValue"),
    ("one node, two zones", {"NumCacheNodes": 1, "CacheNodeIdsToRemove": ["0001", "0002"], "AZMode": "cross-az"},
     "InvalidParameterCombination"),
    ("unknown zone mode", {"AZMode": "no-az"}, "InvalidParameterValue"),
    ("unknown type", {"CacheNodeType": "cache.x"}, "InvalidParameterValue"),
    ("unknown version", {"EngineVersion": "9.9"}, "InvalidParameterCombination"),
    ("an older version", {"EngineVersion": "1.4.34"}, "InvalidParameterCombination"),
    ("unknown group", {"CacheParameterGroupName": "nobodys"}, "CacheParameterGroupNotFound"),
    ("group of another family", {"CacheParameterGroupName": "default.redis7"}, "InvalidParameterCombination"),
    ("a short window", {"PreferredMaintenanceWindow": "sun:05:00-sun:05:30"}, "InvalidParameterValue"),
    ("snapshots", {"SnapshotRetentionLimit": 1}, "InvalidParameterCombination"),
    ("no boolean", {"NotificationTopicStatus": "perhaps"}, "InvalidParameterValue"),
]


@pytest.fixture(scope="module")
def three(kilnd, aws):
    create(aws, "three", "memcached", NumCacheNodes=3)
    return kilnd.wait_cluster("three")


@pytest.mark.parametrize("arguments, code", [row[1:] for row in BAD_CHANGES], ids=[row[0] for row in BAD_CHANGES])
def test_a_wrong_change_is_refused_and_changes_nothing(kilnd, aws, three, arguments, code):
    status = 404 if code == "CacheParameterGroupNotFound" else 400
    refused = refusal(aws.modify_cache_cluster, CacheClusterId="three", ApplyImmediately=True, **arguments)
    assert refused[:2] == (code, status), refused
    assert cluster_of(aws, "three") == three


def test_a_redis_cluster_cannot_get_a_second_node(aws, plain):
    assert refusal(aws.modify_cache_cluster, CacheClusterId="plain", NumCacheNodes=2)[0] == "InvalidParameterValue"


# ---- Reboot ----

def test_one_node_of_several_is_rebooted(kilnd, aws):
    # The others keep serving and keep their data.
    create(aws, "boots", "memcached", NumCacheNodes=2)
    one, two = endpoints(kilnd.wait_cluster("boots"))
    clients = [pymemcache.Client(where) for where in (one, two)]
    for client in clients:
        client.set("k", "v")
    before = kilnd.nodes()
    aws.reboot_cache_cluster(CacheClusterId="boots", CacheNodeIdsToReboot=["0002"])
    kilnd.wait_cluster("boots")
    after = kilnd.nodes()
    assert after["boots.0001"] == before["boots.0001"] and after["boots.0002"] != before["boots.0002"]
    assert clients[0].get("k") == b"v"
    clients[1].close()
    assert clients[1].get("k") is None
    clients[0].close(), clients[1].close()


def test_reboots_of_nothing_or_nobody_are_refused(aws, plain):
    assert refusal(aws.reboot_cache_cluster, CacheClusterId="plain",
                 CacheNodeIdsToReboot=["0002"])[:2] == ("InvalidParameterValue", 400)
    assert refusal(aws.reboot_cache_cluster, CacheClusterId="plain",
                 CacheNodeIdsToReboot=[])[:2] == ("MissingParameter", 400)


# ---- Delete ----

def test_a_deleted_cluster_is_gone_with_its_process_and_files(kilnd, aws):
    create(aws, "goes", "memcached", NumCacheNodes=2)
    addresses = endpoints(kilnd.wait_cluster("goes"))
    reply = aws.delete_cache_cluster(CacheClusterId="goes")["CacheCluster"]
    assert reply["CacheClusterStatus"] == "deleting" and "ConfigurationEndpoint" not in reply
    kilnd.wait_cluster("goes", None)
    assert not {"goes.0001", "goes.0002"} & (set(kilnd.nodes()) | kilnd.folders())
    kilnd.wait_events("Cache cluster deleted", source="goes")
    with pytest.raises(ConnectionRefusedError):
        pymemcache.Client(addresses[0]).get("k")
    create(aws, "goes")  # The id is free again, also for another engine.
    assert to_redis(kilnd.wait_cluster("goes")).ping()


# ---- States, waiters, pages ----

def test_a_cluster_that_is_busy_refuses_changes(never_ready):
    # The codes that SDKs retry on.
    create(never_ready, "busy")
    for call, arguments in [(never_ready.modify_cache_cluster, {"NumCacheNodes": 1}),
                            (never_ready.delete_cache_cluster, {}),
                            (never_ready.reboot_cache_cluster, {"CacheNodeIdsToReboot": ["0001"]})]:
        refused = refusal(call, CacheClusterId="busy", **arguments)
        assert refused[:2] == ("InvalidCacheClusterState", 400), refused


def test_the_waiters_of_boto3_end(kilnd, aws):
    # They know the statuses by heart: a word of ours would make them wait for ever, or fail.
    create(aws, "awaited")
    aws.get_waiter("cache_cluster_available").wait(CacheClusterId="awaited", WaiterConfig=FAST)
    aws.delete_cache_cluster(CacheClusterId="awaited")
    aws.get_waiter("cache_cluster_deleted").wait(CacheClusterId="awaited", WaiterConfig=FAST)


def test_node_types_to_change_to_are_listed_up_and_down(aws, plain):
    reply = aws.list_allowed_node_type_modifications(CacheClusterId="plain")
    up, down = reply["ScaleUpModifications"], reply["ScaleDownModifications"]
    assert "cache.r6g.large" in up and "cache.t3.small" in up and "cache.t1.micro" in down
    assert TYPE not in up + down and up == sorted(up) and not set(up) & set(down)
    assert refusal(aws.list_allowed_node_type_modifications)[0] == "InvalidParameterCombination"
    assert refusal(aws.list_allowed_node_type_modifications, CacheClusterId="plain",
                 ReplicationGroupId="x")[0] == "InvalidParameterCombination"


@pytest.fixture(scope="module")
def crowd():
    """25 clusters, all that this kilnd may have."""
    with Kilnd("--simulate-nodes", "--node-quota", "25") as kilnd:
        aws = kilnd.client()
        for i in range(25):
            create(aws, f"c{i:02}")
        yield aws


def test_pages_follow_each_other_without_gap_or_repetition(crowd):
    pages = list(crowd.get_paginator("describe_cache_clusters").paginate(PaginationConfig={"PageSize": 20}))
    ids = [cluster["CacheClusterId"] for page in pages for cluster in page["CacheClusters"]]
    assert [len(page["CacheClusters"]) for page in pages] == [20, 5]
    assert ids == [f"c{i:02}" for i in range(25)]
    assert "Marker" not in pages[1]


def test_a_page_has_twenty_to_a_hundred_records(crowd):
    for records in (0, 19, 101):
        assert refusal(crowd.describe_cache_clusters, MaxRecords=records)[:2] == ("InvalidParameterValue", 400)
    assert refusal(crowd.describe_cache_clusters, Marker="nonsense!")[:2] == ("InvalidParameterValue", 400)
    assert len(crowd.describe_cache_clusters(MaxRecords=100)["CacheClusters"]) == 25


def test_a_marker_stays_good_when_its_cluster_is_gone(crowd):
    # Somebody deletes while somebody else lists.
    first = crowd.describe_cache_clusters(MaxRecords=20)
    wait_until(lambda: crowd.describe_cache_clusters(CacheClusterId="c19")["CacheClusters"][0]
               ["CacheClusterStatus"] == "available")
    crowd.delete_cache_cluster(CacheClusterId="c19")

    def rest():
        return [c["CacheClusterId"] for c in crowd.describe_cache_clusters(Marker=first["Marker"])["CacheClusters"]]

    assert rest() == ["c20", "c21", "c22", "c23", "c24"]
    crowd.get_waiter("cache_cluster_deleted").wait(CacheClusterId="c19", WaiterConfig=FAST)
    assert rest() == ["c20", "c21", "c22", "c23", "c24"]
    create(crowd, "c19")


def test_the_quota_of_nodes_counts_all_clusters(crowd):
    refused = refusal(crowd.create_cache_cluster, CacheClusterId="more", Engine="redis", CacheNodeType=TYPE)
    assert refused == ("NodeQuotaForCustomerExceeded", 400,
                       "Customer node quota exceeded. You can have at most 25 nodes in this region")


# ---- Where all caches share the machine's address ----

def test_in_mode_host_every_node_has_a_port_of_its_own():
    # For clients on other machines, who cannot reach 127.x.y.z. The port asked for is where clients begin.
    with Kilnd("--address-mode", "host", "--port-range", "21300-21399") as kilnd:
        aws = kilnd.client()
        port = free_port()
        create(aws, "mc", "memcached", NumCacheNodes=2, Port=port)
        cluster = kilnd.wait_cluster("mc")
        assert config_endpoint(cluster) == (HOST, port)
        aws.modify_cache_cluster(CacheClusterId="mc", NumCacheNodes=3, ApplyImmediately=True)
        cluster = kilnd.wait_cluster("mc")
        assert len({config_endpoint(cluster), *endpoints(cluster)}) == 4
        for where in [config_endpoint(cluster), *endpoints(cluster)]:
            assert discovered(where)[1] == sorted(endpoints(cluster))
        create(aws, "web")
        assert to_redis(kilnd.wait_cluster("web")).ping()
        refused = refusal(aws.create_cache_cluster, CacheClusterId="late", Engine="redis", CacheNodeType=TYPE,
                          Port=port)
        assert refused[:2] == ("InsufficientCacheClusterCapacity", 400) and str(port) in refused[2]
