"""Clocks that jump by an hour, forward and back: links, leases and confirmations go by clocks that nobody sets."""

import pytest
import redis

from faults.clock import TimeTraveller
from faults.group import OPTIONS
from replication.pair import assert_same, client_of, follow, info, wait_for_link
from servers import wait_until

HOUR_S = 3600
JUMPS = [HOUR_S, -HOUR_S]


@pytest.fixture
def pair():
    with TimeTraveller("--durability", "sync") as primary, TimeTraveller("--durability", "sync") as replica:
        follow(replica, primary)
        wait_for_link(replica)
        yield primary, replica


def write(server, key="k"):
    with client_of(server) as client:
        wait_until(lambda: set_once(client, key), 10, "a write is acknowledged")


def set_once(client, key):
    try:
        return client.set(key, 1)
    except redis.ResponseError:
        return False


@pytest.mark.parametrize("seconds", JUMPS)
@pytest.mark.parametrize("whose", ["primary", "replica"])
def test_a_jump_costs_neither_the_link_nor_a_write(pair, whose, seconds):
    primary, replica = pair
    write(primary)
    one = primary if whose == "primary" else replica
    before = one.time()
    one.jump(seconds)
    assert abs(one.time() - before - seconds) < 60
    with client_of(primary) as client:
        for number in range(200):
            assert client.set(f"k{number}", number)
        assert client.wait(1, 5000) == 1
    # It was one and the same connection all the time.
    assert info(primary)["sync_full"] == 1 and info(primary)["sync_partial_ok"] == 0
    assert info(replica)["master_link_status"] == "up"
    assert_same(primary, replica)


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_link_that_breaks_beside_a_jump_comes_back_at_once(pair, seconds):
    primary, replica = pair
    write(primary)
    primary.stop()
    wait_until(lambda: info(replica)["master_link_status"] == "down", 10, "the link is down")
    replica.jump(seconds)
    primary.start()
    wait_for_link(replica, timeout_s=10)
    write(primary)
    assert_same(primary, replica)


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_jump_of_one_clock_makes_no_difference_between_data(pair, seconds):
    """What is due by the primary's clock goes everywhere; what is due by a replica's clock alone only hides there."""
    primary, replica = pair
    with client_of(primary) as client, client_of(replica) as reader:
        wait_until(lambda: set_once(client, "stays"), 10, "writes")
        client.set("in half an hour", 1, ex=HOUR_S // 2)
        client.set("in two hours", 1, ex=2 * HOUR_S)
        assert client.wait(1, 5000) == 1
        replica.jump(seconds)
        assert reader.get("in half an hour") == (None if seconds > 0 else b"1")
        assert reader.get("in two hours") == b"1"
        replica.jump(0)
        assert reader.get("in half an hour") == b"1" and reader.dbsize() == 3
        primary.jump(seconds)
        left = 2 if seconds > 0 else 3
        wait_until(lambda: client.dbsize() == left and reader.dbsize() == left, 10, "it goes, if it is due")
        assert reader.get("in two hours") == b"1"
        primary.jump(0)
        assert_same(primary, replica)


@pytest.mark.parametrize("seconds", JUMPS)
def test_a_lease_neither_ends_nor_lasts_longer(seconds):
    with TimeTraveller("--requires-lease", "yes") as server, client_of(server) as client:
        client.execute_command("KILN", "LEASE", 600_000)
        server.jump(seconds)
        assert client.set("k", 1)
        client.execute_command("KILN", "LEASE", 100)
        server.jump(0)

        def is_over():
            try:
                return not client.set("k", 2)
            except redis.ReadOnlyError:
                return True
            except redis.ConnectionError:
                return False

        wait_until(is_over, 10, "the lease is over")


@pytest.mark.parametrize("seconds", JUMPS)
def test_async_does_not_refuse_writes_for_a_jump(seconds):
    options = ("--durability", "async", "--durability-max-lag", "5")
    with TimeTraveller(*options) as primary, TimeTraveller(*OPTIONS) as replica, client_of(primary) as client:
        follow(replica, primary)
        wait_for_link(replica)
        assert client.set("k", 1) and client.wait(1, 5000) == 1
        primary.jump(seconds)
        replica.jump(-seconds)
        for number in range(100):
            assert client.set("k", number)
        assert client.wait(1, 5000) == 1
