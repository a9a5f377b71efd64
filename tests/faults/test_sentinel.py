"""Redis's Sentinel watches Kiln: it finds the replicas, promotes one of them, and takes the old primary back."""

import contextlib

import redis

from conftest import require
from faults.group import Group
from faults.sentinel import GROUP, Sentinel
from servers import HOST, wait_until

LIMIT_S = 40


def watched(stack, group, count):
    """So many Sentinels that know each other and all of the group."""
    quorum = count // 2 + 1
    sentinels = [stack.enter_context(require(Sentinel)(group.primary.address, quorum=quorum)) for _ in range(count)]
    for one in sentinels:
        wait_until(lambda: one.others() == count - 1, LIMIT_S, "Sentinels know each other")
        wait_until(lambda: len(one.replicas()) == len(group.replicas), LIMIT_S, "Sentinels know the replicas")
    return sentinels


def plain_links(group):
    """Without proxies: Sentinel tells replicas whom to follow by the address that it knows."""
    for replica in group.replicas:
        replica.call("REPLICAOF", *group.primary.address)


def write(client) -> bool:
    try:
        return client.set("k", "after")
    except redis.RedisError:
        return False


def test_sentinel_promotes_a_replica_and_takes_the_old_primary_back():
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(Group(nodes=3))
        plain_links(group)
        group.wait_in_step()
        sentinels = watched(stack, group, 3)
        clients = sentinels[0].clients()
        assert clients.master_for(GROUP).set("before", 1)
        group.wait_in_step()
        old = group.primary
        old.kill()
        wait_until(lambda: sentinels[0].primary() not in (None, old.address), LIMIT_S, "another is the primary")
        address = sentinels[0].primary()
        for one in sentinels[1:]:
            wait_until(lambda: one.primary() == address, LIMIT_S, "all Sentinels agree")
        group.primary = next(node for node in group.nodes if node.address == address)
        client = clients.master_for(GROUP)
        wait_until(lambda: write(client), LIMIT_S, "it takes writes")
        assert client.get("before") == b"1"
        old.start()
        wait_until(lambda: old.info()["role"] == "slave", LIMIT_S, "the old primary is a replica")
        group.wait_in_step()
        assert clients.slave_for(GROUP).get("before") == b"1"
        with redis.Redis(HOST, old.port) as reader:
            assert reader.get("k") == b"after"


def test_sentinel_hands_over_when_it_is_told_to():
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(Group(nodes=2))
        plain_links(group)
        group.wait_in_step()
        [sentinel] = watched(stack, group, 1)
        wait_until(lambda: sentinel.linked() == 1, LIMIT_S, "it knows that the replica's link is up")
        old, new = group.nodes
        old.call("SET", "k", "v")
        group.wait_in_step()
        with sentinel.connect() as client:
            assert client.call("SENTINEL", "FAILOVER", GROUP) == ("+", b"OK")
        wait_until(lambda: sentinel.primary() == new.address, LIMIT_S, "the replica is the primary")
        assert new.call("GET", "k") == b"v" and new.info()["role"] == "master"
