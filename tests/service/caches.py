"""kilnd as tests of snapshots and migrations speak of it, and data to fill caches with."""

import redis

from api.kilnd import Kilnd

TYPE = "cache.t3.micro"
SOON = {"Delay": 1, "MaxAttempts": 60}
LIMIT_S = 60


class Service(Kilnd):
    """kilnd, and what these tests say of it."""

    def __enter__(self):
        super().__enter__()
        self.aws = self.client()
        return self

    def new_cluster(self, name, wait=True, **more):
        self.aws.create_cache_cluster(CacheClusterId=name, Engine="redis", CacheNodeType=TYPE, **more)
        return self.cluster(name) if wait else None

    def cluster(self, name):
        """A connection to it, once it is available."""
        place = self.wait_cluster(name)["CacheNodes"][0]["Endpoint"]
        return connect(place)

    def new_group(self, name, nodes, **more):
        self.aws.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="d", CacheNodeType=TYPE,
                                          NumCacheClusters=nodes, **more)
        return self.group(name)

    def group(self, name):
        self.aws.get_waiter("replication_group_available").wait(ReplicationGroupId=name, WaiterConfig=SOON)
        return connect(self.seen_group(name)["NodeGroups"][0]["PrimaryEndpoint"])

    def seen_group(self, name):
        return self.aws.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]

    def member(self, name, number):
        members = self.seen_group(name)["NodeGroups"][0]["NodeGroupMembers"]
        return connect(members[number - 1]["ReadEndpoint"])

    def snapshot(self, name):
        """None when there is none."""
        found = [snapshot for snapshot in self.snapshots() if snapshot["SnapshotName"] == name]
        return found[0] if found else None

    def snapshots(self, **filters):
        pages = self.aws.get_paginator("describe_snapshots").paginate(**filters)
        return [snapshot for page in pages for snapshot in page["Snapshots"]]

    def wait_snapshot(self, name, status="available"):
        return self._wait(lambda: self.snapshot(name), lambda seen: (seen and seen["SnapshotStatus"]) == status,
                          f"snapshot {name} is {status}")

    def take(self, name, **source):
        self.aws.create_snapshot(SnapshotName=name, **source)
        return self.wait_snapshot(name)

    def files(self, folder="snapshots"):
        root = self.data / folder
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    def messages(self, source, kind):
        events = self.aws.describe_events(SourceIdentifier=source, SourceType=kind)["Events"]
        return [event["Message"] for event in events]

    def delete_cluster(self, name, **more):
        self.aws.delete_cache_cluster(CacheClusterId=name, **more)
        self.aws.get_waiter("cache_cluster_deleted").wait(CacheClusterId=name, WaiterConfig=SOON)

    def delete_group(self, name, **more):
        self.aws.delete_replication_group(ReplicationGroupId=name, **more)
        self.aws.get_waiter("replication_group_deleted").wait(ReplicationGroupId=name, WaiterConfig=SOON)


def connect(place):
    return redis.Redis(place["Address"], place["Port"], decode_responses=True, socket_timeout=10)


def fill(client, count=2000):
    """Every type, and enough of them that two servers which agree on all do so not by chance."""
    pipe = client.pipeline(transaction=False)
    for i in range(count):
        pipe.set(f"s:{i}", f"value {i}" * (i % 7 + 1))
    pipe.hset("hash", mapping={f"f{i}": i for i in range(300)})
    pipe.rpush("list", *range(500))
    pipe.sadd("set", *(f"m{i}" for i in range(400)))
    pipe.zadd("zset", {f"z{i}": i * 1.5 for i in range(400)})
    pipe.xadd("stream", {"a": "b"}, id="5-1")
    pipe.set("timed", "soon", px=10**9)
    pipe.execute()


def contents(client):
    """All keys and what they hold."""
    seen = {}
    readers = {"string": client.get, "hash": client.hgetall, "list": lambda key: client.lrange(key, 0, -1),
               "set": client.smembers, "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
               "stream": client.xrange}
    for key in client.keys():
        seen[key] = readers[client.type(key)](key)
    return seen
