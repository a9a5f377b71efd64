"""Random calls, kills of nodes and kills of kilnd; in the end all that the API tells is so, and no address is lost.

KILND_STEPS (200) random steps from KILND_SEED (1), which a failure names.
"""

import json
import os
import random
import signal
import sqlite3

from botocore.exceptions import ClientError
from servers import wait_until

from api.kilnd import Kilnd, cluster_of

TYPES = ["cache.t3.micro", "cache.t3.small", "cache.m5.large"]
MEMCACHED, REDIS, GROUP = ["mc-1", "mc-2"], "web", "rg"
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV]


class Chaos:
    def __init__(self, kilnd, seed: int):
        self.kilnd, self.random = kilnd, random.Random(seed)
        self.aws = kilnd.client()

    def step(self):
        steps = [self.create, self.modify, self.reboot, self.delete, self.kill_node, self.kill_kilnd, self.restart]
        [chosen] = self.random.choices(steps, weights=[30, 30, 15, 12, 8, 4, 1])
        try:
            chosen(self.random.choice([*MEMCACHED, REDIS, GROUP]))
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error

    def create(self, name):
        node_type = self.random.choice(TYPES)
        if name == GROUP:
            self.aws.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="d",
                                              Engine="valkey", CacheNodeType=node_type)
        elif name == REDIS:
            self.aws.create_cache_cluster(CacheClusterId=name, Engine="redis", CacheNodeType=node_type)
        else:
            self.aws.create_cache_cluster(CacheClusterId=name, Engine="memcached", CacheNodeType=node_type,
                                          NumCacheNodes=self.random.randint(1, 4))

    def ids_in(self, name) -> tuple:
        name = GROUP + "-001" if name == GROUP else name
        nodes = (cluster_of(self.aws, name) or {}).get("CacheNodes", [])
        return name, [node["CacheNodeId"] for node in nodes]

    def modify(self, name):
        change = {"CacheNodeType": self.random.choice(TYPES)} if self.random.random() < 0.4 else {}
        cluster, ids = self.ids_in(name)
        if name in MEMCACHED:
            count = self.random.randint(1, 5)
            change["NumCacheNodes"] = count
            if count < len(ids):
                change["CacheNodeIdsToRemove"] = self.random.sample(ids, len(ids) - count)
        self.aws.modify_cache_cluster(CacheClusterId=cluster, ApplyImmediately=self.random.random() < 0.8, **change)

    def reboot(self, name):
        cluster, ids = self.ids_in(name)
        self.aws.reboot_cache_cluster(CacheClusterId=cluster, CacheNodeIdsToReboot=ids[:1] or ["0001"])

    def delete(self, name):
        if name == GROUP:
            self.aws.delete_replication_group(ReplicationGroupId=name)
        else:
            self.aws.delete_cache_cluster(CacheClusterId=name)

    def kill_node(self, _):
        pids = sorted(self.kilnd.nodes().values())
        try:
            if pids:
                os.kill(self.random.choice(pids), self.random.choice(SIGNALS))
        except ProcessLookupError:
            pass  # It was about to end anyway.

    def kill_kilnd(self, _):
        self.kilnd.kill()
        self.kilnd.start()

    def restart(self, _):
        assert self.kilnd.end() == 0 and not self.kilnd.nodes()
        self.kilnd.start()


def is_at_rest(kilnd, aws) -> bool:
    clusters = aws.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    groups = aws.describe_replication_groups()["ReplicationGroups"]
    nodes = [(cluster, node) for cluster in clusters for node in cluster.get("CacheNodes", [])]
    wanted = {f"{cluster['CacheClusterId']}.{node['CacheNodeId']}" for cluster, node in nodes}
    statuses = ({cluster["CacheClusterStatus"] for cluster in clusters} | {group["Status"] for group in groups}
                | {node["CacheNodeStatus"] for _, node in nodes})
    return statuses <= {"available"} and set(kilnd.nodes()) == wanted and kilnd.folders() == wanted


def addresses_in(document) -> set:
    if isinstance(document, list):
        return set().union(*map(addresses_in, document))
    if not isinstance(document, dict):
        return set()
    return addresses_in(list(document.values())) | ({document["address"]} if document.get("address") else set())


def test_whatever_happens_what_the_api_tells_becomes_so():
    seed = int(os.environ.get("KILND_SEED", 1))
    with Kilnd() as kilnd:
        chaos = Chaos(kilnd, seed)
        for _ in range(int(os.environ.get("KILND_STEPS", 200))):
            chaos.step()
        wait_until(lambda: is_at_rest(kilnd, chaos.aws), timeout_s=60, what=f"seed {seed}: all is at rest")
        assert kilnd.end() == 0
        state = sqlite3.connect(kilnd.data / "state.db")
        entries = dict(state.execute("SELECT key, value FROM entries"))
        state.close()
        reserved = {key.removeprefix("address/") for key in entries if key.startswith("address/")}
        used = addresses_in([json.loads(value) for value in entries.values() if value.startswith("{")])
        assert reserved == used, f"seed {seed}"
