"""A replication group as its users see it, for tests of the service.

  group = Group(kilnd, aws, "web", 2, AutomaticFailoverEnabled=True)     # available
  group.at().set("k", "v")                                               # through the primary endpoint
"""

import threading
import time

import redis

from servers import wait_until

TYPE = "cache.t3.micro"
SOON = {"Delay": 1, "MaxAttempts": 40}
LIMIT_S = 40


class Group:
    """A replication group, as its users see it."""

    def __init__(self, kilnd, aws, name, nodes, **more):
        self.kilnd, self.aws, self.name = kilnd, aws, name
        aws.create_replication_group(ReplicationGroupId=name, ReplicationGroupDescription="d", CacheNodeType=TYPE,
                                     NumCacheClusters=nodes, **more)
        aws.get_waiter("replication_group_available").wait(ReplicationGroupId=name, WaiterConfig=SOON)

    def seen(self):
        return self.aws.describe_replication_groups(ReplicationGroupId=self.name)["ReplicationGroups"][0]

    @property
    def shard(self):
        return self.seen()["NodeGroups"][0]

    def role_of(self, number):
        return {member["CacheClusterId"]: member["CurrentRole"] for member in self.shard["NodeGroupMembers"]}[
            f"{self.name}-{number:03}"]

    @property
    def primary_id(self):
        return next(member["CacheClusterId"] for member in self.shard["NodeGroupMembers"]
                    if member["CurrentRole"] == "primary")

    def at(self, endpoint="PrimaryEndpoint"):
        place = self.shard[endpoint]
        return redis.Redis(place["Address"], place["Port"], decode_responses=True, socket_timeout=2)

    def node(self, number):
        place = next(member["ReadEndpoint"] for member in self.shard["NodeGroupMembers"]
                     if member["CacheClusterId"] == f"{self.name}-{number:03}")
        return redis.Redis(place["Address"], place["Port"], decode_responses=True, socket_timeout=2)

    def pid(self, cluster_id):
        return self.kilnd.nodes()[f"{cluster_id}.0001"]

    def wait(self, is_enough, what):
        wait_until(lambda: is_enough(self.seen()), LIMIT_S, what)

    def wait_available(self):
        self.wait(lambda group: group["Status"] == "available", f"{self.name} is available")

    def wait_in_step(self):
        """Every replica has what the primary had just now."""
        primary = self.at()
        primary.set("in-step", "yes")
        replicas = len(self.seen()["MemberClusters"]) - 1
        wait_until(lambda: primary.wait(replicas, 500) == replicas, LIMIT_S, "replicas follow")

    def events(self):
        return [event["Message"] for event in
                self.aws.describe_events(SourceIdentifier=self.name, SourceType="replication-group")["Events"]]

    def delete(self):
        self.aws.delete_replication_group(ReplicationGroupId=self.name)
        self.aws.get_waiter("replication_group_deleted").wait(ReplicationGroupId=self.name, WaiterConfig=SOON)


def can_read(client, key):
    """Its value; None also while the node does not answer."""
    try:
        return client.get(key)
    except redis.RedisError:
        return None


def can_write(client) -> bool:
    try:
        return client.set("probe", "1")
    except redis.RedisError:
        return False


def wait_writable(group):
    """Seconds until the primary endpoint takes a write."""
    start = time.monotonic()
    client = group.at()
    wait_until(lambda: can_write(client), LIMIT_S, "the primary endpoint takes writes")
    return time.monotonic() - start


class Writer(threading.Thread):
    """Appends numbers to a list through an endpoint for the length of a block, and knows what was acknowledged."""

    def __init__(self, group, key="list", endpoint="PrimaryEndpoint"):
        super().__init__(daemon=True)
        self.key, self.place = key, group.shard[endpoint]
        self.acknowledged, self.refused, self.is_over = [], [], threading.Event()

    def run(self):
        client, number = None, 0
        while not self.is_over.is_set():
            try:
                client = client or redis.Redis(self.place["Address"], self.place["Port"], socket_timeout=2)
                client.rpush(self.key, number)
                self.acknowledged.append(number)
            except redis.ResponseError as error:
                self.refused.append(str(error))
            except redis.RedisError as error:
                self.refused.append(str(error))
                client = None
            number += 1

    def wait_for(self, more):
        """Until so many further writes were acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= enough, LIMIT_S, f"{more} more writes are acknowledged")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()

    def lost(self, client) -> list:
        """What was acknowledged and is not there."""
        kept = {int(number) for number in client.lrange(self.key, 0, -1)}
        return sorted(set(self.acknowledged) - kept)
