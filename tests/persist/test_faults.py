"""A disk that fails, is full, or is slow: nothing that was acknowledged is lost, and who can wait does."""

import errno

import pytest

from persist.faults import FaultyKiln
from persist.node import digest, info, kill
from servers import wait_until

NO_SYNC = "Fail to fsync the AOF file"
REFUSED = b"MISCONF Errors writing to the AOF file"


def faulty(policy, *options, **more):
    more.setdefault("only", ".incr.")
    return FaultyKiln("--appendonly", "yes", "--appendfsync", policy, "--io-threads", "2", *options, **more)


def has_logged(server, text):
    return text.encode() in (server.directory / "log").read_bytes()


def waits(client, server, trouble):
    """Whether no reply has come when the server has told of the trouble, nor soon after."""
    wait_until(lambda: has_logged(server, trouble))
    return not client.is_readable(0.1)


def start_again(server):
    kill(server)
    server.faults.clear()
    server.start()
    return server.connect()


def test_a_sync_that_fails_under_always_is_never_acknowledged():
    with faulty("always") as server, server.connect() as client, server.connect() as other:
        for i in range(20):
            client.call("SET", f"key{i}", i)
        server.faults.set(sync_error=errno.EIO)
        client.send("SET", "lost", "1")
        assert waits(client, server, NO_SYNC)
        server.faults.set(sync_error=0)
        other.send("SET", "lost-too", "1")
        assert waits(other, server, NO_SYNC) and not client.is_readable()  # the next sync may be about other bytes
        with start_again(server) as again:
            assert again.call("GET", "key19") == ("$", b"19")
            assert again.call("DBSIZE")[1] >= 20


def test_after_a_sync_that_failed_a_rewrite_begins_anew_and_only_then_replies_go_out():
    with faulty("always", "--rdb-key-save-delay", "2000") as server, server.connect() as client:
        client.pipeline([["SET", f"key{i}", i] for i in range(100)])
        server.faults.set(sync_error=errno.EIO)
        client.send("SET", "held", "1")
        assert waits(client, server, NO_SYNC)
        server.faults.set(sync_error=0)
        with server.connect() as other:
            other.send("BGREWRITEAOF")
            assert waits(other, server, "rewriting started")
            assert client.read() == ("+", b"OK")
            assert has_logged(server, "rewrite finished")
        assert client.call("SET", "after", "1") == ("+", b"OK")
        before = digest(client)
        with start_again(server) as again:
            assert digest(again) == before


@pytest.mark.parametrize("fails_at_first", [False, True])
def test_a_sync_that_fails_under_everysec_refuses_writes_until_a_new_base_is_there(fails_at_first):
    with faulty("everysec", "--rdb-key-save-delay", "3000") as server, server.connect() as client:
        client.pipeline([["SET", f"key{i}", i] for i in range(100)])
        wait_until(lambda: server.faults.get("syncs_done") > 3)
        server.faults.set(sync_error=errno.EIO)
        wait_until(lambda: client.call("SET", "a", "1")[1].startswith(REFUSED))
        assert client.call("GET", "key7") == ("$", b"7")
        assert info(client, "aof_last_write_status") == "err"
        server.faults.set(sync_error=0)
        assert client.call("SET", "b", "1")[1].startswith(REFUSED)
        if fails_at_first:
            server.faults.set(only="base", change_error=errno.EIO)
        assert client.call("BGREWRITEAOF")[0] == "+"
        while not fails_at_first and info(client, "aof_rewrite_in_progress") == "1":
            assert client.call("SET", "b", "1")[1].startswith(REFUSED)  # a gap would be behind what is on the disk
            break
        if fails_at_first:
            wait_until(lambda: int(info(client, "aof_rewrites_consecutive_failures")) > 0)
            assert client.call("SET", "b", "1")[1].startswith(REFUSED)
            server.faults.set(change_error=0)
        wait_until(lambda: client.call("SET", "b", "1") == ("+", b"OK"))
        assert info(client, "aof_last_write_status") == "ok"
        before = digest(client)
        with start_again(server) as again:
            assert digest(again) == before


@pytest.mark.parametrize("policy", ["always", "everysec"])
@pytest.mark.parametrize("most", [1, 7, 100])
def test_short_writes_are_finished(policy, most):
    with faulty(policy, only="") as server, server.connect() as client:
        server.faults.set(max_write=most)
        client.pipeline([["RPUSH", "list", "x" * i] for i in range(60)])
        client.call("BGREWRITEAOF")
        client.pipeline([["RPUSH", "list", "y" * i] for i in range(60)])
        wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
        assert info(client, "aof_last_bgrewrite_status") == "ok"
        assert client.call("SAVE") == ("+", b"OK")
        before = digest(client)
        with start_again(server) as again:
            assert digest(again) == before
        kill(server)
        server.options = []
        server.start()
        with server.connect() as again:
            assert digest(again) == before


def test_a_slow_sync_does_not_stop_replies_under_everysec():
    with faulty("everysec") as server, server.connect() as client:
        server.faults.set(sync_delay_us=3_000_000)
        client.call("SET", "a", "1")
        faults = server.faults
        wait_until(lambda: faults.get("syncs") > faults.get("syncs_done"))
        begun = faults.get("syncs_done")
        for i in range(2000):
            assert client.call("SET", f"key{i}", i) == ("+", b"OK")
        assert faults.get("syncs_done") == begun, "all was answered while one sync went on"
        faults.set(sync_delay_us=0)


def test_a_slow_sync_is_waited_for_under_always():
    with faulty("always") as server, server.connect() as client:
        server.faults.set(sync_delay_us=50_000)
        for i in range(5):
            done = server.faults.get("syncs_done")
            assert client.call("SET", f"key{i}", i) == ("+", b"OK")
            assert server.faults.get("syncs_done") > done


def test_a_full_disk_is_told_and_is_over_when_there_is_room():
    with faulty("everysec") as server, server.connect() as client:
        client.pipeline([["SET", f"key{i}", "x" * 50] for i in range(50)])
        server.faults.set(write_error=errno.ENOSPC, room_bytes=100)
        client.call("SET", "big", "x" * 1000)
        wait_until(lambda: client.call("SET", "a", "1")[1].startswith(REFUSED + b": No space left on device"))
        assert client.call("GET", "key1") == ("$", b"x" * 50)
        assert client.call("BGREWRITEAOF")[1].startswith(b"ERR Can't execute an AOF background rewriting")
        server.faults.set(write_error=0)
        wait_until(lambda: client.call("SET", "a", "1") == ("+", b"OK"))
        before = digest(client)
        with start_again(server) as again:
            assert digest(again) == before


def test_a_full_disk_holds_replies_under_always_and_sends_them_when_there_is_room():
    with faulty("always") as server, server.connect() as client:
        client.call("SET", "a", "1")
        size = lambda: (server.directory / "appendonlydir" / "appendonly.aof.1.incr.aof").stat().st_size
        before = size()
        server.faults.set(write_error=errno.ENOSPC, room_bytes=20)
        client.send("SET", "b", "x" * 1000)
        assert waits(client, server, "Error writing to the AOF file")
        assert size() == before  # no half of a command stays
        server.faults.set(write_error=0)
        assert client.read() == ("+", b"OK")
        with start_again(server) as again:
            assert again.call("STRLEN", "b") == (":", 1000)


def test_what_cannot_be_cut_off_again_ends_writing_for_good():
    with faulty("everysec") as server, server.connect() as client:
        client.call("SET", "a", "1")
        server.faults.set(write_error=errno.ENOSPC, room_bytes=20, truncate_error=errno.EIO)
        client.call("SET", "b", "x" * 1000)
        wait_until(lambda: client.call("SET", "c", "1")[1].startswith(REFUSED))
        server.faults.clear()
        assert client.call("SET", "c", "1")[1].startswith(REFUSED)
        client.call("BGREWRITEAOF")
        wait_until(lambda: client.call("SET", "c", "1") == ("+", b"OK"))
        before = digest(client)
        with start_again(server) as again:
            assert digest(again) == before


@pytest.mark.parametrize("fault", [{"sync_error": errno.EIO}, {"write_error": errno.ENOSPC, "room_bytes": 30},
                                   {"change_error": errno.EACCES}])
def test_a_snapshot_that_fails_leaves_the_old_one_and_refuses_writes_until_one_is_fine(fault):
    with FaultyKiln("--save", "3600 1", "--rdb-key-save-delay", "100") as server, server.connect() as client:
        client.call("SET", "old", "1")
        assert client.call("SAVE") == ("+", b"OK")
        old = (server.directory / "dump.rdb").read_bytes()
        client.call("SET", "new", "1")
        server.faults.set(**fault)
        client.call("BGSAVE")
        wait_until(lambda: info(client, "rdb_last_bgsave_status") == "err")
        assert (server.directory / "dump.rdb").read_bytes() == old
        assert client.call("SET", "newer", "1")[1].startswith(b"MISCONF Redis is configured to save")
        assert [path.name for path in server.directory.glob("temp*")] == []
        server.faults.clear()
        assert client.call("BGSAVE")[0] == "+"
        wait_until(lambda: client.call("SET", "newer", "1") == ("+", b"OK"))
        with start_again(server) as again:
            assert again.call("EXISTS", "old", "new") == (":", 2)


@pytest.mark.parametrize("only", ["temp", "base", "manifest"])
@pytest.mark.parametrize("fault", ["sync_error", "change_error"])
def test_a_rewrite_that_fails_changes_nothing_and_the_next_one_is_fine(only, fault):
    with faulty("everysec", only="nothing") as server, server.connect() as client:
        client.pipeline([["SET", f"key{i}", i] for i in range(50)])
        server.faults.set(only=only, **{fault: errno.EIO})
        reply = client.call("BGREWRITEAOF")
        wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
        is_meant = (only, fault) != ("base", "sync_error")  # the base is synced under its first name
        assert (reply[0] == "-" or info(client, "aof_last_bgrewrite_status") == "err") == is_meant
        assert client.call("SET", "meanwhile", "1") == ("+", b"OK")
        before = digest(client)
        with start_again(server) as again:
            assert digest(again) == before
            again.call("BGREWRITEAOF")
            wait_until(lambda: info(again, "aof_rewrite_in_progress") == "0")
            assert info(again, "aof_last_bgrewrite_status") == "ok"
            again.call("SET", "after", "1")
            before = digest(again)
        with start_again(server) as again:
            assert digest(again) == before
