"""What the README promises, kept by the programs that people have: the aws CLI, AWS's SDKs, clients of caches.

Each life of a cache is told once for each program, for redis and for memcached: create, wait, describe, use,
modify, delete. At the end of each neither a record nor a process nor a folder is left.
"""

import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys

import boto3
import botocore.session
import pymemcache
import pytest
import redis
from botocore.exceptions import ClientError
from pymemcache.client.hash import HashClient

from api.kilnd import REGION, Kilnd, cluster_of, endpoints
from servers import ROOT, wait_until

NODE = pathlib.Path(__file__).resolve().parent / "node"
LIMIT_S = 120
URL = "http://127.0.0.1:8380"  # as the documents have it


@pytest.fixture(scope="module")
def kilnd():
    with Kilnd() as running:
        yield running


@pytest.fixture(autouse=True)
def environment(kilnd, monkeypatch):
    """What docs/service.md says to export, and nothing of the machine's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(kilnd.data / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def cache(kilnd, environment):
    """boto3's client, made as docs/service.md says."""
    return boto3.Session().client("elasticache", endpoint_url=kilnd.url)


def run(command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def address(place) -> tuple:
    return place["Address"], place["Port"]


def to_redis(cluster) -> redis.Redis:
    [(host, port)] = endpoints(cluster)
    return redis.Redis(host, port, decode_responses=True)


def is_used(cluster) -> bool:
    """Whether a client of its engine writes to the cluster and reads what it wrote."""
    if cluster["Engine"] == "redis":
        with to_redis(cluster) as client:
            return client.set("k", "v") and client.get("k") == "v"
    assert cluster["Engine"] == "memcached" and cluster["NumCacheNodes"] == len(cluster["CacheNodes"])
    for place in endpoints(cluster):
        with contextlib.closing(pymemcache.Client(place)) as client:
            if not client.set("k", b"v", noreply=False) or client.get("k") != b"v":
                return False
    return True


def has_left_nothing(kilnd, name) -> bool:
    return not [node for node in {*kilnd.nodes(), *kilnd.folders()} if node.startswith(f"{name}.")]


# ---- The aws CLI ----

def pasted(document, kilnd) -> list:
    """The lines that a document tells to paste, from the first export on, with this kilnd's URL and credentials."""
    lines = (ROOT / document).read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    export AWS_"))
    end = next(number for number in range(first, len(lines)) if not lines[number].startswith("    "))
    block = "\n".join(line.strip() for line in lines[first:end])
    assert URL in block
    block = re.sub(r"(?<=AWS_SHARED_CREDENTIALS_FILE=)\S+", f"{kilnd.data}/credentials", block)
    return block.replace(URL, kilnd.url).split("\n")


def shell(lines) -> list:
    """Runs lines as if they were pasted; the JSON documents that they print."""
    output, documents = run(["bash"], input="\n".join(["shopt -s expand_aliases", "set -e", *lines, ""])), []
    while output := output.lstrip():
        document, end = json.JSONDecoder().raw_decode(output)
        documents.append(document)
        output = output[end:]
    return documents


def test_the_lines_of_the_readme_are_those_that_kilnd_prints(kilnd):
    lines, printed = pasted("README.md", kilnd), (kilnd.directory / "log").read_text().splitlines()
    assert [line.strip() for line in printed if line.strip() in lines] == lines


def test_the_lines_of_the_service_document_list_the_caches(kilnd):
    assert shell(pasted("docs/service.md", kilnd)) == [{"CacheClusters": []}]


@pytest.mark.parametrize("engine, change, changed", [
    ("redis", "--cache-node-type cache.t3.small", {"CacheNodeType": "cache.t3.small"}),
    ("memcached", "--num-cache-nodes 2", {"NumCacheNodes": 2}),
])
def test_the_aws_cli_leads_the_life_of_a_cache(kilnd, engine, change, changed):
    *lines, describe = pasted("README.md", kilnd)
    lines = [line.replace("--engine redis", f"--engine {engine} --num-cache-nodes 1") for line in lines]
    name = re.search(r"create-cache-cluster --cache-cluster-id (\S+)", lines[2])[1]
    assert describe.startswith("kiln describe-cache-clusters") and lines[3].startswith("kiln wait ")
    created, seen = shell([*lines, describe])
    [cluster] = seen["CacheClusters"]
    assert created["CacheCluster"]["CacheClusterStatus"] == "creating"
    assert cluster["CacheClusterStatus"] == "available" and is_used(cluster)

    alias = lines[:2]
    answer, seen = shell([*alias, f"kiln modify-cache-cluster --cache-cluster-id {name} {change} --apply-immediately",
                          lines[3], describe])
    assert answer["CacheCluster"]["CacheClusterId"] == name
    [cluster] = seen["CacheClusters"]
    assert changed.items() <= cluster.items() and is_used(cluster)
    [answer] = shell([*alias, f"kiln delete-cache-cluster --cache-cluster-id {name}",
                      f"kiln wait cache-cluster-deleted --cache-cluster-id {name}"])
    assert answer["CacheCluster"]["CacheClusterStatus"] == "deleting" and has_left_nothing(kilnd, name)


# ---- boto3 ----

def wait(cache, waiter, **names):
    cache.get_waiter(waiter).wait(**names, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


@contextlib.contextmanager
def new_cluster(kilnd, cache, name, engine, nodes=1):
    """An available one, deleted at the end."""
    created = cache.create_cache_cluster(CacheClusterId=name, Engine=engine, CacheNodeType="cache.t3.micro",
                                         NumCacheNodes=nodes)
    assert created["CacheCluster"]["CacheClusterStatus"] == "creating"
    wait(cache, "cache_cluster_available", CacheClusterId=name)
    yield cluster_of(cache, name)
    deleted = cache.delete_cache_cluster(CacheClusterId=name)
    assert deleted["CacheCluster"]["CacheClusterStatus"] == "deleting"
    wait(cache, "cache_cluster_deleted", CacheClusterId=name)
    assert cluster_of(cache, name) is None and has_left_nothing(kilnd, name)


@pytest.mark.parametrize("engine, family, parameter, change", [
    ("redis", "redis7", ("maxmemory-policy", "allkeys-lru"), {"CacheNodeType": "cache.t3.small"}),
    ("memcached", "memcached1.6", ("max_item_size", "2097152"), {"NumCacheNodes": 3}),
])
def test_boto3_leads_the_life_of_a_cache(kilnd, cache, engine, family, parameter, change):
    name, group = f"boto3-{engine}", f"boto3-{engine}-group"
    values = [dict(zip(("ParameterName", "ParameterValue"), parameter))]
    cache.create_cache_parameter_group(CacheParameterGroupName=group, CacheParameterGroupFamily=family,
                                       Description="of a test")
    cache.modify_cache_parameter_group(CacheParameterGroupName=group, ParameterNameValues=values)
    with new_cluster(kilnd, cache, name, engine) as cluster:
        assert cluster["CacheClusterStatus"] == "available" and is_used(cluster)
        cache.add_tags_to_resource(ResourceName=cluster["ARN"], Tags=[{"Key": "team", "Value": "a"}])
        assert cache.list_tags_for_resource(ResourceName=cluster["ARN"])["TagList"] == [{"Key": "team", "Value": "a"}]

        cache.modify_cache_cluster(CacheClusterId=name, ApplyImmediately=True, CacheParameterGroupName=group, **change)
        wait(cache, "cache_cluster_available", CacheClusterId=name)
        cluster = cluster_of(cache, name)
        assert change.items() <= cluster.items() and cluster["PendingModifiedValues"] == {}
        assert cluster["CacheParameterGroup"]["CacheParameterGroupName"] == group and is_used(cluster)

        events = cache.get_paginator("describe_events").paginate(SourceIdentifier=name, SourceType="cache-cluster",
                                                                 Duration=60, PaginationConfig={"PageSize": 20})
        assert "Cache cluster created" in [event["Message"] for event in events.search("Events[]")]
    cache.delete_cache_parameter_group(CacheParameterGroupName=group)


def test_boto3_leads_the_life_of_a_replication_group(kilnd, cache):
    name = "boto3-group"
    cache.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="of a test", Engine="valkey",
                                   CacheNodeType="cache.t3.micro")
    wait(cache, "replication_group_available", ReplicationGroupId=name)
    [group] = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
    [shard] = group["NodeGroups"]
    for place in (shard["PrimaryEndpoint"], shard["ReaderEndpoint"]):
        with redis.Redis(*address(place)) as client:
            assert client.ping()
    cache.delete_replication_group(ReplicationGroupId=name)
    wait(cache, "replication_group_deleted", ReplicationGroupId=name)
    with pytest.raises(ClientError, match="ReplicationGroupNotFound"):
        cache.describe_replication_groups(ReplicationGroupId=name)
    assert not kilnd.nodes() and not kilnd.folders()


# ---- Paginators ----

NEEDED = {  # Arguments without which AWS answers an error.
    "describe_cache_parameters": {"CacheParameterGroupName": "default.redis7"},
    "describe_engine_default_parameters": {"CacheParameterGroupFamily": "redis7"},
}
COUNT = 45  # of each thing that there can be many of: three pages


@pytest.fixture(scope="module")
def crowded():
    """boto3's client of a kilnd that has more of everything than fits a page."""
    with Kilnd("--simulate-nodes") as running:
        cache = running.client()
        for number in range(COUNT):
            cache.create_cache_cluster(CacheClusterId=f"c-{number}", Engine="redis", CacheNodeType="cache.t3.micro")
            cache.create_replication_group(ReplicationGroupId=f"r-{number}", ReplicationGroupDescription="of a test",
                                           CacheNodeType="cache.t3.micro", Engine="redis")
            cache.create_cache_parameter_group(CacheParameterGroupName=f"p-{number}", Description="of a test",
                                               CacheParameterGroupFamily="redis7")
            cache.create_cache_subnet_group(CacheSubnetGroupName=f"s-{number}", SubnetIds=["subnet-1"],
                                            CacheSubnetGroupDescription="of a test")
        for number in range(COUNT):
            wait(cache, "cache_cluster_available", CacheClusterId=f"c-{number}")
            wait(cache, "replication_group_available", ReplicationGroupId=f"r-{number}")
        yield cache


def paginators() -> list:
    return sorted(botocore.session.get_session().get_paginator_model("elasticache")._paginator_config)


@pytest.mark.parametrize("operation", paginators())
def test_a_paginator_tells_everything_once(crowded, operation):
    call = re.sub("(?<!^)([A-Z])", r"_\1", operation).lower()
    paginator, needed = crowded.get_paginator(call), NEEDED.get(call, {})
    [key] = paginator.result_keys
    pages = [key.search(page) for page in paginator.paginate(**needed, PaginationConfig={"PageSize": 20})]
    assert all(len(page) == 20 for page in pages[:-1])
    items = [json.dumps(item, default=str) for page in pages for item in page]
    whole = key.search(paginator.paginate(**needed).build_full_result())
    assert items == [json.dumps(item, default=str) for item in whole]
    if call != "describe_events":  # of which several may say the same
        assert len(set(items)) == len(items)


@pytest.mark.parametrize("call, list_name, least", [
    ("describe_cache_clusters", "CacheClusters", 2 * COUNT),
    ("describe_replication_groups", "ReplicationGroups", COUNT),
    ("describe_cache_parameter_groups", "CacheParameterGroups", COUNT + 1),
    ("describe_cache_subnet_groups", "CacheSubnetGroups", COUNT + 1),
    ("describe_events", "Events", 2 * COUNT),
])
def test_lists_are_complete(crowded, call, list_name, least):
    assert len(crowded.get_paginator(call).paginate().build_full_result()[list_name]) >= least


# ---- AWS's SDK for JavaScript ----

@pytest.fixture(scope="module")
def node_folder():
    """The folder with the SDK, which npm brings on first use."""
    if not (NODE / "node_modules" / "@aws-sdk" / "client-elasticache").is_dir():
        run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=NODE)
    return NODE


def test_the_javascript_sdk_leads_the_life_of_a_cache(kilnd, node_folder):
    run(["node", "elasticache.mjs", kilnd.url], cwd=node_folder)
    assert not kilnd.nodes() and not kilnd.folders()


# ---- The caches themselves ----

def test_the_examples_run_on_managed_caches(kilnd, cache):
    with new_cluster(kilnd, cache, "examples-redis", "redis") as first, \
            new_cluster(kilnd, cache, "examples-memcached", "memcached") as second:
        places = {"KILN_REDIS": endpoints(first)[0], "KILN_MEMCACHED": address(second["ConfigurationEndpoint"])}
        output = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/examples"], cwd=ROOT,
                     env={**os.environ, **{name: "%s:%d" % place for name, place in places.items()}})
        assert re.search(r"^\d+ passed in ", output.splitlines()[-1]), output


def discover(place) -> tuple:
    """Auto Discovery, as AWS documents it for those who write a client: the version and the nodes' addresses."""
    with socket.create_connection(place, timeout=10) as connection, connection.makefile("rb") as reader:
        connection.sendall(b"config get cluster\r\n")
        head, key, flags, size = reader.readline().split()
        assert (head, key, flags) == (b"CONFIG", b"cluster", b"0")
        version, nodes, end = reader.read(int(size)).decode().split("\n")
        assert end == "" and reader.readline() == b"\r\n" and reader.readline() == b"END\r\n"
    return int(version), [(ip, int(port)) for _, ip, port in (node.split("|") for node in nodes.split(" "))]


def scale(cache, name, entrance, **change) -> tuple:
    """What a client that asks all the while is told in the end, by every node. It is never told nothing."""
    version = discover(entrance)[0]
    cache.modify_cache_cluster(CacheClusterId=name, ApplyImmediately=True, **change)

    def changed():
        told = discover(entrance)
        return told[0] > version and len(told[1]) == change["NumCacheNodes"] and told

    told = wait_until(changed, 20, "the list of nodes has changed")
    wait(cache, "cache_cluster_available", CacheClusterId=name)
    assert told[1] == endpoints(cluster_of(cache, name))
    assert [discover(place) for place in told[1]] == [told] * len(told[1])
    return told


def test_auto_discovery_follows_the_nodes_of_a_memcached_cache(kilnd, cache):
    with new_cluster(kilnd, cache, "discovered", "memcached", 3) as cluster:
        entrance = address(cluster["ConfigurationEndpoint"])
        version, nodes = discover(entrance)
        assert nodes == endpoints(cluster)
        with contextlib.closing(HashClient(nodes)) as client:
            for number in range(100):
                client.set(f"key{number}", b"%d" % number, noreply=False)
            assert [client.get(f"key{number}") for number in range(100)] == [b"%d" % number for number in range(100)]
        for place in nodes:  # Each of them has its share.
            with contextlib.closing(pymemcache.Client(place)) as one:
                assert 0 < one.stats()[b"curr_items"] < 100

        more = scale(cache, "discovered", entrance, NumCacheNodes=4)
        assert set(nodes) < set(more[1])
        fewer = scale(cache, "discovered", entrance, NumCacheNodes=2, CacheNodeIdsToRemove=["0001", "0003"])
        assert version < more[0] < fewer[0] and set(fewer[1]) == {nodes[1], more[1][3]}


RESTRICTED = """
BGREWRITEAOF; BGSAVE; CONFIG SET maxmemory 1; CONFIG REWRITE; CONFIG RESETSTAT; DEBUG SLEEP 0; MIGRATE h 1 k 0 1;
PSYNC ? -1; REPLICAOF NO ONE; SAVE; SHUTDOWN; SLAVEOF NO ONE; SYNC; ACL SETUSER u; ACL DELUSER u; ACL LOAD; ACL SAVE;
CLUSTER MEET 127.0.0.1 1; CLUSTER RESET; CLUSTER FAILOVER; CLUSTER ADDSLOTS 1"""


def test_a_managed_redis_node_keeps_its_commands_to_itself(kilnd, cache):
    with new_cluster(kilnd, cache, "restricted", "redis") as cluster, to_redis(cluster) as client:
        for words in RESTRICTED.split(";"):
            with pytest.raises(redis.ResponseError, match="(?i)^unknown (sub)?command"):
                client.execute_command(*words.split())
        assert client.config_get("maxmemory")["maxmemory"] == str(512 * 2**20 * 3 // 4)
        assert client.ping()
