"""Copies of a primary: whole ones, parts of one, and what follows on them; Kiln and Redis in both places."""

import signal
import threading
import time

import pytest
import redis

from persist.test_rdb import fill
from replication.pair import (AT_ONCE, Writers, assert_same, can_write, client_of, digest, follow, info, primary_with,
                              wait_for_link, wait_until_same_offset)
from servers import HOST, Kiln, Redis, free_port, pause_process, wait_until

BOTH_WAYS = [(Kiln, Kiln), (Kiln, Redis), (Redis, Kiln)]


@pytest.mark.parametrize("primary_kind,replica_kind", BOTH_WAYS)
@pytest.mark.parametrize("load", ["disabled", "swapdb"])
def test_a_replica_gets_everything_and_what_comes_after(primary_kind, replica_kind, load):
    first, second = primary_with(replica_kind, primary_kind, replica_options=("--repl-diskless-load", load))
    with first as primary, second as replica:
        with client_of(primary) as client:
            fill(client)
        with client_of(replica) as client:
            client.set("of the replica", 1)
        follow(replica, primary)
        wait_for_link(replica)
        assert_same(primary, replica)
        with client_of(replica) as client:
            assert client.get("of the replica") is None
            assert len(client.function_list()) == 1
            with pytest.raises(redis.ReadOnlyError):
                client.set("x", 1)
        with client_of(primary, db=3) as client:
            client.set("later", 1, ex=1000)
            client.set("counted", 1)
            client.incrbyfloat("counted", 0.5)
            client.eval("redis.call('SET', KEYS[1], 'x') redis.call('RPUSH', 'l', 1, 2)", 1, "by a script")
            client.move("counted", 4)
        assert_same(primary, replica)


@pytest.mark.parametrize("primary_kind,replica_kind", BOTH_WAYS)
@pytest.mark.parametrize("load", ["disabled", "swapdb"])
def test_what_is_written_during_a_full_sync_arrives_once(primary_kind, replica_kind, load):
    first, second = primary_with(replica_kind, primary_kind, options=("--io-threads", "2"),
                                 replica_options=("--repl-diskless-load", load))
    with first as primary, second as replica, Writers(primary) as writers:
        with client_of(primary) as client:
            client.execute_command("DEBUG", "POPULATE", 100_000)
        follow(replica, primary)
        wait_for_link(replica)
        before = list(writers.acknowledged)
        wait_until(lambda: all(now > then + 20 for now, then in zip(writers.acknowledged, before)), 20, "more writes")
        writers.stop()
        assert not writers.failures
        assert_same(primary, replica)


@pytest.mark.parametrize("primary_kind,replica_kind", BOTH_WAYS)
def test_a_link_that_breaks_goes_on_where_it_was(primary_kind, replica_kind):
    first, second = primary_with(replica_kind, primary_kind, options=("--repl-backlog-size", "64mb"))
    with first as primary, second as replica, Writers(primary) as writers:
        follow(replica, primary)
        wait_for_link(replica)
        for number in range(1, 4):
            with client_of(primary) as client:
                client.client_kill_filter(_type="slave")
            wait_until(lambda: info(primary)["sync_partial_ok"] >= number, 20, "the replica went on")
            wait_for_link(replica)
        writers.stop()
        assert_same(primary, replica)
        assert info(primary)["sync_full"] == 1


def test_a_replica_that_was_away_for_too_long_gets_everything_again():
    first, second = primary_with(options=("--repl-backlog-size", "16kb"))
    with first as primary, second as replica:
        follow(replica, primary)
        wait_for_link(replica)
        pause_process(replica.process.pid)
        try:
            with client_of(primary) as client:
                client.client_kill_filter(_type="slave")
                for number in range(100):
                    client.set(f"k{number}", "v" * 10_000)
        finally:
            replica.process.send_signal(signal.SIGCONT)
        wait_until(lambda: info(primary)["sync_full"] == 2, 20, "a second full sync")
        assert_same(primary, replica)
        assert info(primary)["sync_partial_err"] == 1


def test_a_replica_that_starts_again_from_its_file_goes_on():
    first, second = primary_with(options=("--repl-backlog-size", "64mb"), replica_options=("--save", "3600 100000"))
    with first as primary, second as replica:
        with client_of(primary) as client:
            fill(client)
        follow(replica, primary)
        assert_same(primary, replica)
        replica.options += ["--replicaof", f"{HOST} {primary.port}"]
        replica.stop()  # which saves
        with client_of(primary) as client:
            client.set("while it was away", 1)
        replica.start()
        assert_same(primary, replica)
        assert info(primary)["sync_full"] == 1 and info(primary)["sync_partial_ok"] == 1


def test_a_primary_that_starts_again_from_its_file_keeps_its_replicas():
    first, second = primary_with(options=("--save", "3600 100000"))
    with first as primary, second as replica:
        with client_of(primary) as client:
            fill(client)
            client.set("due soon", 1, px=1)
        follow(replica, primary)
        assert_same(primary, replica)
        primary.stop()
        primary.start()
        assert_same(primary, replica)
        assert info(primary)["sync_full"] == 0 and info(primary)["sync_partial_ok"] == 1


def test_replicas_of_a_replica_get_the_same_stream():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE) as middle, Kiln(*AT_ONCE) as last, Redis(*AT_ONCE) as judge:
        with Writers(primary) as writers:
            follow(middle, primary)
            wait_for_link(middle)
            follow(last, middle)
            follow(judge, middle)
            wait_for_link(last)
            wait_for_link(judge)
            wait_until(lambda: min(writers.acknowledged) > 50, 20, "writes")
        assert_same(primary, middle, last, judge)
        # The one in the middle goes, and with it nothing is lost: the others go on with the first.
        follow(last, primary)
        wait_for_link(last)
        with client_of(primary) as client:
            client.set("for all", 1)
        assert_same(primary, middle, last)
        assert info(primary)["sync_full"] == 1


@pytest.mark.parametrize("kind", [Kiln, Redis])
def test_a_promoted_replica_is_followed_without_a_full_sync(kind):
    with Kiln(*AT_ONCE) as first, Kiln(*AT_ONCE) as second, kind(*AT_ONCE) as third:
        with client_of(first) as client:
            fill(client)
        for one in (second, third):
            follow(one, first)
        assert_same(first, second, third)
        with client_of(second) as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
            client.set("of the new primary", 1)
        follow(third, second)
        follow(first, second)  # the old one comes as a replica
        assert_same(second, first, third)
        assert info(second)["sync_full"] == 0 and info(second)["sync_partial_ok"] == 2
        assert info(second)["master_replid2"] != "0" * 40


def test_an_old_primary_that_knows_more_than_the_new_one_gets_everything():
    with Kiln(*AT_ONCE) as first, Kiln(*AT_ONCE) as second:
        follow(second, first)
        wait_for_link(second)
        with client_of(second) as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
        with client_of(first) as client:
            client.set("only here", 1)
        follow(first, second)
        wait_for_link(first)
        assert_same(second, first)
        assert info(second)["sync_full"] == 1
        with client_of(first) as client:
            assert client.get("only here") is None


def test_failover_hands_over_under_load_and_loses_nothing():
    with Kiln(*AT_ONCE, "--io-threads", "2") as first, Kiln(*AT_ONCE) as second:
        follow(second, first)
        wait_for_link(second)
        with Writers(first, count=4) as writers, client_of(first) as client:
            wait_until(lambda: min(writers.acknowledged) > 20, 20, "writes")
            client.execute_command("FAILOVER", "TO", HOST, second.port, "TIMEOUT", 20_000)
            wait_until(lambda: info(second)["role"] == "master", 20, "the replica is the primary")
            wait_until(lambda: len(writers.failures) == 4, 20, "the old primary takes no more writes")
        assert all(isinstance(error, (redis.ReadOnlyError, redis.ResponseError)) for error in writers.failures)
        wait_until(lambda: info(first)["role"] == "slave", 20, "the old primary follows")
        for number, told in enumerate(writers.acknowledged):
            with client_of(second, db=number % 2) as client:
                assert int(client.get(f"last{number}")) == told
        assert_same(second, first)
        assert info(second)["sync_full"] == 0


def test_failover_that_the_replica_does_not_reach_in_time_goes_back():
    with Kiln(*AT_ONCE) as first, Kiln(*AT_ONCE) as second, client_of(first) as client:
        follow(second, first)
        wait_for_link(second)
        pause_process(second.process.pid)
        try:
            client.set("x", 1)
            client.execute_command("FAILOVER", "TIMEOUT", 300)
            assert info(first)["master_failover_state"] == "waiting-for-sync"
            client.set("waits for the end of it", 1)
            assert info(first)["master_failover_state"] == "no-failover" and info(first)["role"] == "master"
        finally:
            second.process.send_signal(signal.SIGCONT)
        assert_same(first, second)


def test_the_old_data_are_served_until_the_new_ones_are_whole():
    first, second = primary_with(options=("--repl-backlog-size", "16kb"),
                                 replica_options=("--repl-diskless-load", "swapdb"))
    with first as primary, second as replica, client_of(primary) as client:
        client.set("which", "old")
        follow(replica, primary)
        assert_same(primary, replica)
        # It misses too much to go on, but knows the history: what it has is old, not wrong.
        pause_process(replica.process.pid)
        client.client_kill_filter(_type="slave")
        client.execute_command("DEBUG", "POPULATE", 3000)
        client.set("big", "v" * 1_000_000)
        client.delete("big")
        client.set("which", "new")
        client.config_set("rdb-key-save-delay", 300)
        replica.process.send_signal(signal.SIGCONT)
        seen = set()
        with client_of(replica) as reader:
            def is_new():
                with reader.pipeline() as pipe:
                    seen.add(tuple(pipe.get("which").dbsize().execute()))
                return (b"new", 3001) in seen

            wait_until(is_new, 30, "the new data")
        assert seen == {(b"old", 1), (b"new", 3001)}
        assert info(primary)["sync_full"] == 2
        assert_same(primary, replica)


@pytest.mark.parametrize("load", ["disabled", "swapdb"])
def test_a_primary_that_dies_in_the_middle_of_a_sync_leaves_the_old_data(load):
    first, second = primary_with(options=("--rdb-key-save-delay", "1000"),
                                 replica_options=("--repl-diskless-load", load))
    with first as primary, second as replica, client_of(replica) as client:
        with client_of(primary) as other:
            other.execute_command("DEBUG", "POPULATE", 20_000)
        client.set("which", "old")
        follow(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 1, 20, "the sync")
        primary.process.kill()
        primary.process.wait()
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 0, 20, "the sync ended")
        assert client.get("which") == b"old" and client.dbsize() == 1


def test_wait_counts_those_that_have_it():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE, "--appendonly", "yes") as one, Redis(*AT_ONCE) as two, \
            client_of(primary) as client:
        assert client.wait(1, 10) == 0
        for replica in (one, two):
            follow(replica, primary)
            wait_for_link(replica)
        for number in range(20):
            client.set("k", number)
            assert client.wait(2, 10_000) == 2
        client.set("k", "x")
        assert client.execute_command("WAITAOF", 0, 1, 10_000) == [0, 1]
        client.config_set("appendonly", "yes")
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0, 20, "the base")
        client.set("k", "y")
        assert client.execute_command("WAITAOF", 1, 1, 10_000) == [1, 1]
        pause_process(two.process.pid)
        try:
            client.set("k", "z")
            assert client.wait(2, 200) == 1
        finally:
            two.process.send_signal(signal.SIGCONT)


def test_many_clients_wait_for_replicas_at_once():
    with Kiln(*AT_ONCE, "--io-threads", "2") as primary, Kiln(*AT_ONCE) as replica:
        follow(replica, primary)
        wait_for_link(replica)
        counts = []

        def write(number):
            with client_of(primary) as client:
                for step in range(50):
                    client.set(f"k{number}", step)
                    counts.append(client.wait(1, 20_000))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [1] * 400


def test_only_the_primary_says_when_a_key_goes():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE) as replica, client_of(replica) as client:
        follow(replica, primary)
        wait_for_link(replica)
        with client_of(primary) as other:
            other.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
            other.set("due", 1, px=50)
            other.set("stays", 1)
            wait_until(lambda: client.dbsize() == 2, 10, "both are there")
            wait_until(lambda: client.get("due") is None, 10, "it is due")
            assert client.dbsize() == 2 and client.exists("due") == 0 and client.ttl("due") == -2
            other.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 1)
            wait_until(lambda: client.dbsize() == 1, 10, "the primary has said so")
        assert_same(primary, replica)


def test_writes_need_as_many_replicas_as_were_asked_for():
    with Kiln(*AT_ONCE, "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2") as primary, \
            Kiln(*AT_ONCE) as replica, client_of(primary) as client:
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            client.set("k", 1)
        assert client.get("k") is None
        follow(replica, primary)
        wait_for_link(replica)

        wait_until(lambda: can_write(client), 10, "there is a replica")
        pause_process(replica.process.pid)
        try:
            wait_until(lambda: not can_write(client), 20, "the replica is silent")
        finally:
            replica.process.send_signal(signal.SIGCONT)
        wait_until(lambda: can_write(client), 20, "it is back")


def test_a_replica_without_its_primary_can_refuse_to_tell_old_news():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE, "--replica-serve-stale-data", "no") as replica, \
            client_of(replica) as client:
        with client_of(primary) as other:
            other.set("k", 1)
        follow(replica, primary)
        wait_for_link(replica)
        assert client.get("k") == b"1"
        primary.process.kill()
        primary.process.wait()
        wait_until(lambda: info(replica)["master_link_status"] == "down", 10, "the link is down")
        with pytest.raises(redis.ResponseError, match="MASTERDOWN"):
            client.get("k")
        client.config_set("replica-serve-stale-data", "yes")
        assert client.get("k") == b"1"


def test_an_append_only_replica_starts_again_with_what_it_had():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE, "--appendonly", "yes") as replica, Writers(primary) as writers:
        follow(replica, primary)
        wait_for_link(replica)
        wait_until(lambda: min(writers.acknowledged) > 50, 20, "writes")
        with client_of(replica) as client:
            def is_rewritten():
                return client.info("persistence")["aof_rewrite_in_progress"] == 0

            wait_until(is_rewritten, 20, "the file has begun")
            client.bgrewriteaof()
            wait_until(is_rewritten, 20, "the rewrite")
        writers.stop()
        assert_same(primary, replica)
        expected = digest(primary)
        replica.stop()
        replica.start()
        assert digest(replica) == expected


def test_a_transaction_arrives_as_one():
    with Kiln(*AT_ONCE, "--io-threads", "2") as primary, Kiln(*AT_ONCE) as replica, client_of(primary) as client:
        follow(replica, primary)
        wait_for_link(replica)
        over = threading.Event()
        torn = []

        def look():
            with client_of(replica) as reader:
                while not over.is_set():
                    a, b = reader.mget("a", "b")
                    if a != b:
                        torn.append((a, b))

        thread = threading.Thread(target=look)
        thread.start()
        for number in range(2000):
            with client.pipeline(transaction=True) as pipe:
                pipe.set("a", number).set("b", number).execute()
        over.set()
        thread.join()
        assert not torn


def test_a_replica_reads_its_primary_by_name_and_password():
    with Kiln(*AT_ONCE, "--requirepass", "secret") as primary, \
            Kiln(*AT_ONCE, "--masterauth", "secret") as replica, client_of(replica) as client:
        client.replicaof("localhost", primary.port)
        wait_for_link(replica)
        with client_of(primary, password="secret") as other:
            other.set("k", 1)
        wait_until(lambda: client.get("k") == b"1", 10, "the change")
        client.config_set("masterauth", "wrong")
        with client_of(primary, password="secret") as other:
            other.client_kill_filter(_type="slave")
        wait_until(lambda: info(replica)["master_link_status"] == "down", 10, "the link is down")
        client.config_set("masterauth", "secret")
        wait_for_link(replica)


def test_a_primary_that_is_not_there_is_tried_again():
    port = free_port()
    with Kiln(*AT_ONCE, "--replicaof", f"{HOST} {port}") as replica:
        wait_until(lambda: "Connection refused" in replica.log_tail(), 10, "the first try")
        primary = Kiln(*AT_ONCE)
        primary.port = port
        with primary:
            wait_for_link(replica)
            with client_of(primary) as client:
                client.set("k", 1)
            assert_same(primary, replica)


def test_pushes_wake_nobody_who_waits_on_a_replica():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE) as replica, client_of(replica) as reader:
        answers = []

        def wait_for_it():
            try:
                with client_of(replica) as client:
                    answers.append(client.blpop("list", 20))
            except redis.RedisError as error:
                answers.append(error)

        thread = threading.Thread(target=wait_for_it)
        thread.start()
        wait_until(lambda: reader.info("clients")["blocked_clients"] == 1, 10, "it waits")
        follow(replica, primary)
        thread.join()
        assert "UNBLOCKED" in str(answers[0])
        wait_for_link(replica)
        with client_of(primary) as client:
            client.rpush("list", 1)
        assert_same(primary, replica)


def test_readers_of_streams_on_a_replica_hear_of_new_entries():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE) as replica:
        follow(replica, primary)
        wait_for_link(replica)
        with client_of(replica) as client:
            answers = []
            thread = threading.Thread(target=lambda: answers.append(client.xread({"s": "$"}, block=20_000)))
            thread.start()
            with client_of(replica) as other:
                wait_until(lambda: other.info("clients")["blocked_clients"] == 1, 10, "it waits")
            with client_of(primary) as writer:
                writer.xadd("s", {"a": 1}, id="1-1")
            thread.join()
        assert answers[0] == [[b"s", [(b"1-1", {b"a": b"1"})]]]
        assert_same(primary, replica)


def test_flushing_during_a_sync_starts_it_again():
    first, second = primary_with(options=("--rdb-key-save-delay", "500"))
    with first as primary, second as replica, client_of(primary) as client:
        client.execute_command("DEBUG", "POPULATE", 4000)
        follow(replica, primary)
        wait_until(lambda: info(replica)["master_sync_in_progress"] == 1, 20, "the sync")
        client.flushall()
        client.set("k", 1)
        assert_same(primary, replica)
        with client_of(replica) as reader:
            assert reader.dbsize() == 1


def test_a_slow_replica_is_dropped_when_it_holds_too_much():
    first, second = primary_with(options=("--client-output-buffer-limit", "replica 1mb 0 0"))
    with first as primary, second as replica, client_of(primary) as client:
        follow(replica, primary)
        wait_for_link(replica)
        pause_process(replica.process.pid)
        try:
            for number in range(200):
                client.set(f"k{number % 3}", "v" * 100_000)
            wait_until(lambda: info(primary)["connected_slaves"] == 0, 10, "the replica was dropped")
            used = client.info("memory")["mem_total_replication_buffers"]
            assert used < 8 << 20
        finally:
            replica.process.send_signal(signal.SIGCONT)
        assert_same(primary, replica)


def test_subscribers_of_a_replica_hear_what_is_published_on_the_primary():
    with Kiln(*AT_ONCE) as primary, Kiln(*AT_ONCE) as replica, client_of(primary) as client:
        follow(replica, primary)
        wait_for_link(replica)
        with client_of(replica) as listener, listener.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe("news")
            wait_until(lambda: listener.pubsub_numsub("news")[0][1] == 1, 10, "it listens")
            client.publish("news", "plain")
            client.eval("redis.call('PUBLISH', 'news', 'from a script')", 0)
            with client.pipeline(transaction=True) as pipe:
                pipe.set("k", 1).publish("news", "in a transaction").execute()
            heard = []

            def has_heard():
                message = channel.get_message(timeout=0.1)
                if message:
                    heard.append(message["data"])
                return len(heard) == 3

            wait_until(has_heard, 10, "three messages")
            assert heard == [b"plain", b"from a script", b"in a transaction"]
        assert_same(primary, replica)


class FromFile(Kiln):
    """Its parameters come from a file, which it may write."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def argv(self):
        return [self.binary(), str(self.file), "--port", str(self.port), "--bind", HOST, "--dir", str(self.directory)]


def test_whom_a_server_follows_is_written_into_its_file(tmp_path):
    file = tmp_path / "kiln.conf"
    file.write_text("repl-diskless-sync-delay 0\n")
    with Kiln(*AT_ONCE) as primary, FromFile(file) as replica, client_of(primary) as client:
        client.set("k", "v")
        follow(replica, primary)
        wait_for_link(replica)
        with client_of(replica) as one:
            one.config_rewrite()
        assert f"replicaof {HOST} {primary.port}" in file.read_text().splitlines()
        replica.stop()
        replica.start()
        wait_for_link(replica)
        assert info(replica)["role"] == "slave"
        with client_of(replica) as one:
            wait_until(lambda: one.get("k") == b"v", 10, "it has the data")
            one.execute_command("REPLICAOF", "NO", "ONE")
            one.config_rewrite()
        assert "replicaof" not in file.read_text()
        replica.stop()
        replica.start()
        assert info(replica)["role"] == "master"
