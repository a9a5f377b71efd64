"""When a write is acknowledged: modes of durability, and leases."""

import signal
import threading
import time

import pytest
import redis

from replication.pair import AT_ONCE, can_write, client_of, follow, info, wait_for_link
from servers import HOST, Kiln, Redis, pause_process, wait_until


def stopped(server):
    """The server stands still for the length of the block."""
    class Stopped:
        def __enter__(self):
            pause_process(server.process.pid)

        def __exit__(self, *_):
            server.process.send_signal(signal.SIGCONT)

    return Stopped()


class Later(threading.Thread):
    """A call whose answer may take its time."""

    def __init__(self, call):
        super().__init__(daemon=True)
        self.call, self.answer = call, None
        self.start()

    def run(self):
        try:
            self.answer = self.call()
        except redis.RedisError as error:
            self.answer = error


@pytest.mark.parametrize("kind", [Kiln, Redis])
def test_sync_acknowledges_what_a_replica_has(kind):
    with Kiln(*AT_ONCE, "--io-threads", "2") as primary, kind(*AT_ONCE) as replica, client_of(primary) as client:
        client.config_set("durability", "sync")
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            client.set("k", 0)
        follow(replica, primary)
        wait_for_link(replica)

        wait_until(lambda: can_write(client), 10, "there is a replica")
        for number in range(50):
            client.set("k", number)
            with client_of(replica) as reader:
                assert int(reader.get("k")) == number
        with client_of(primary) as writer, client_of(primary) as reader:
            with stopped(replica):
                call = Later(lambda: writer.set("k", "held back"))
                call.join(0.3)
                # Nobody may know of it yet.
                early = Later(lambda: reader.get("k"))
                early.join(0.3)
                assert call.is_alive() and early.is_alive()
            call.join(10)
            early.join(10)
            assert call.answer is True and early.answer == b"held back"


def test_sync_acknowledges_what_the_append_only_file_has():
    with Kiln(*AT_ONCE, "--appendonly", "yes", "--appendfsync", "always", "--durability", "sync") as server, \
            client_of(server) as client:
        for number in range(20):
            assert client.set("k", number)
        server.process.kill()
        server.process.wait()
        server.start()
        assert client.get("k") == b"19"


def test_a_replica_in_the_same_zone_is_not_enough():
    with Kiln(*AT_ONCE, "--availability-zone", "a", "--durability", "sync") as primary, \
            Kiln(*AT_ONCE, "--availability-zone", "a") as near, Kiln(*AT_ONCE, "--availability-zone", "b") as far, \
            client_of(primary) as client:
        follow(near, primary)
        wait_for_link(near)
        time.sleep(0.3)
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            client.set("k", 1)
        follow(far, primary)
        wait_for_link(far)

        wait_until(lambda: can_write(client), 10, "the other zone has it")


def test_async_refuses_writes_when_replicas_are_late_for_too_long():
    with Kiln(*AT_ONCE, "--durability", "async", "--durability-max-lag", "1") as primary, \
            Kiln(*AT_ONCE) as replica, client_of(primary) as client:
        assert client.set("k", 1)  # there never was a replica
        follow(replica, primary)
        wait_for_link(replica)
        assert client.set("k", 2)

        def is_taken():
            try:
                return client.set("k", 3)
            except redis.ResponseError as error:
                assert "durability-max-lag" in str(error)
                return False

        with stopped(replica):
            wait_until(lambda: not is_taken(), 10, "it is too late")
            assert client.get("k") == b"3"
        wait_until(is_taken, 10, "it has come back")


def test_a_primary_writes_only_while_it_holds_its_lease():
    with Kiln("--requires-lease", "yes") as server, client_of(server) as client:
        with pytest.raises(redis.ReadOnlyError):
            client.set("k", 1)
        client.execute_command("KILN", "LEASE", 60_000)
        assert client.set("k", 2) and client.get("k") == b"2"
        client.execute_command("KILN", "LEASE", 200)

        def is_over():
            try:
                client.set("k", 3)
                return False
            except redis.ConnectionError:
                return False
            except redis.ReadOnlyError:
                return True

        wait_until(is_over, 10, "the lease is over")
        assert client.get("k") in (b"2", b"3")
        client.execute_command("KILN", "LEASE", 60_000)
        assert client.set("k", 4)
        client.execute_command("KILN", "LEASE", 0)
        wait_until(is_over, 10, "the lease was ended")


def test_a_primary_that_stood_still_acknowledges_nothing_when_its_lease_is_over():
    with Kiln("--requires-lease", "yes") as server, client_of(server) as client, client_of(server) as other:
        client.execute_command("KILN", "LEASE", 500)
        client.set("k", 1)
        other.ping()
        with stopped(server):
            calls = [Later(lambda: client.set("k", 2)), Later(lambda: other.incr("n"))]
            time.sleep(0.7)
        for call in calls:
            call.join(10)
            assert isinstance(call.answer, (redis.ConnectionError, redis.ReadOnlyError)), call.answer


def test_a_replica_needs_no_lease():
    with Kiln(*AT_ONCE, "--requires-lease", "yes") as primary, Kiln(*AT_ONCE, "--requires-lease", "yes") as replica, \
            client_of(primary) as client:
        client.execute_command("KILN", "LEASE", 60_000)
        client.set("k", 1)
        follow(replica, primary)
        wait_for_link(replica)
        with client_of(replica) as reader:
            wait_until(lambda: reader.get("k") == b"1", 10, "the key")
            reader.execute_command("REPLICAOF", "NO", "ONE")
            with pytest.raises(redis.ReadOnlyError):
                reader.set("k", 2)
            reader.execute_command("KILN", "LEASE", 60_000)
            assert reader.set("k", 2)
        assert info(primary)["role"] == "master"


def boot_ms():
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000)


def test_a_lease_counts_from_the_moment_it_names():
    with Kiln("--requires-lease", "yes") as server, client_of(server) as client, client_of(server) as manager:
        now = boot_ms()
        with pytest.raises(redis.ResponseError, match="a moment that has been"):
            manager.execute_command("KILN", "LEASE", 1000, "FROM", now + 60_000)
        manager.execute_command("KILN", "LEASE", 1000, "FROM", now - 1000)
        with pytest.raises(redis.ReadOnlyError):
            client.set("k", 1)
        manager.execute_command("KILN", "LEASE", 60_000, "FROM", now - 1000)
        assert client.set("k", 2) and 0 < info(server)["lease_left_ms"] <= 59_000
        # What lay in the socket while the process stood still grants nothing.
        with stopped(server):
            lease = Later(lambda: manager.execute_command("KILN", "LEASE", 200, "FROM", boot_ms()))
            lease.join(0.4)
        lease.join(10)
        assert lease.answer == b"OK" and info(server)["lease_left_ms"] == 0
        with pytest.raises((redis.ReadOnlyError, redis.ConnectionError)):
            client.set("k", 3)


def test_whether_a_lease_is_needed_can_be_changed():
    with Kiln() as server, client_of(server) as client:
        assert client.set("k", 1) and "lease_left_ms" not in info(server)
        client.execute_command("KILN", "LEASE", 0)
        assert client.set("k", 2), "it needs none"
        client.config_set("requires-lease", "yes")
        with pytest.raises(redis.ReadOnlyError):
            client.set("k", 3)
        client.config_set("requires-lease", "no")
        client.execute_command("KILN", "LEASE", 60_000)
        client.config_set("requires-lease", "yes")
        assert client.set("k", 3)
        client.execute_command("KILN", "LEASE", 0)
        client.config_set("requires-lease", "no")
        assert client.set("k", 4)


def test_a_lease_does_not_outlive_the_role():
    with Kiln(*AT_ONCE, "--requires-lease", "yes") as server, Kiln(*AT_ONCE) as other, client_of(server) as client:
        client.execute_command("KILN", "LEASE", 60_000)
        assert client.set("k", 0)
        follow(server, other)
        client.execute_command("REPLICAOF", "NO", "ONE")
        with pytest.raises(redis.ReadOnlyError):
            client.set("k", 1)


def test_what_was_held_back_is_not_acknowledged_by_a_replica():
    with Kiln(*AT_ONCE, "--durability", "sync") as old, Kiln(*AT_ONCE) as replica, Kiln(*AT_ONCE) as new, \
            client_of(old) as writer, client_of(old) as reader:
        follow(replica, old)
        wait_for_link(replica)
        wait_until(lambda: can_write(writer), 10, "there is a replica")
        reader.ping()
        with stopped(replica):
            before = info(old)["master_repl_offset"]
            calls = [Later(lambda: writer.set("k", "nobody has it"))]
            wait_until(lambda: info(old)["master_repl_offset"] > before, 10, "the write was made")
            calls.append(Later(lambda: reader.get("k")))
            calls[-1].join(0.2)
            assert all(call.is_alive() for call in calls)
            follow(old, new)
            for call in calls:
                call.join(10)
                assert isinstance(call.answer, redis.ConnectionError), call.answer


def test_a_replica_that_holds_still_keeps_what_it_has():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE) as replica, client_of(primary) as client, \
            client_of(replica) as reader:
        with pytest.raises(redis.ResponseError, match="only a replica"):
            client.execute_command("KILN", "HOLD", 1000)
        client.set("k", 1)
        follow(replica, primary)
        wait_for_link(replica)
        wait_until(lambda: reader.get("k") == b"1", 10, "the key")
        reader.execute_command("KILN", "HOLD", 60_000)
        held = info(replica)
        assert held["replica_held"] == 1 and held["master_link_status"] == "down"
        wait_until(lambda: info(primary)["connected_slaves"] == 0, 10, "it is gone")
        client.set("k", 2)
        assert reader.get("k") == b"1"
        # Who is told whom to follow follows, also the same one.
        follow(replica, primary)
        wait_for_link(replica)
        wait_until(lambda: reader.get("k") == b"2", 10, "it goes on")
        assert "replica_held" not in info(replica)
        # After a while it does so by itself.
        reader.execute_command("KILN", "HOLD", 300)
        client.set("k", 3)
        wait_until(lambda: reader.get("k") == b"3", 10, "it goes on again")
        reader.execute_command("KILN", "HOLD", 60_000)
        reader.execute_command("REPLICAOF", "NO", "ONE")
        assert reader.set("k", 4) and "replica_held" not in info(replica)
