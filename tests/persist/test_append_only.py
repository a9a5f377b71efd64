"""The append-only file keeps what was acknowledged, whatever ends the server, and says when it cannot."""

import os
import random
import resource
import subprocess
import threading

import pytest

from conftest import require
from persist.node import Writer, digest, fill, info, kill
from servers import Kiln, Redis, kiln_binary, wait_until

SEEDS = int(os.environ.get("KILN_SEEDS", "3"))


def kiln(*options):
    return Kiln("--appendonly", "yes", "--io-threads", "2", *options)


def files_of(server):
    return sorted(path.name for path in (server.directory / "appendonlydir").iterdir())


@pytest.mark.parametrize("policy", ["always", "everysec"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_acknowledged_survives_kill_at_any_moment_of_a_rewrite(policy, seed):
    chance = random.Random(seed)
    with kiln("--appendfsync", policy) as server:
        with server.connect() as client:
            fill(client, 100)
        for _ in range(3):
            writers = [Writer(server, number) for number in range(3)]
            for writer in writers:
                writer.start()
            with server.connect() as client:
                wait_until(lambda: all(writer.told > 20 for writer in writers))
                for _ in range(chance.randint(0, 3)):
                    client.call("BGREWRITEAOF")
                    threading.Event().wait(chance.uniform(0, 0.03))
            kill(server)
            for writer in writers:
                writer.over.set()
                writer.join()
            server.start()
            with server.connect() as client:
                for writer in writers:
                    names = [f"first{writer.number}", f"second{writer.number}"]
                    first, second = (int(client.call("GET", name)[1]) for name in names)
                    assert first >= second >= writer.told and first - second <= 1, server.log_tail()
                    client.pipeline([["DEL", f"first{writer.number}"], ["DEL", f"second{writer.number}"]])
                assert client.call("GET", "counter")[1] == b"100"


def test_snapshots_in_the_background_are_of_one_moment():
    with Kiln("--io-threads", "2") as server:
        with server.connect() as client:
            fill(client, 2000)
            writers = [Writer(server, number) for number in range(3)]
            for writer in writers:
                writer.start()
            wait_until(lambda: all(writer.told > 20 for writer in writers))
            for _ in range(5):
                assert client.call("BGSAVE")[0] == "+"
                wait_until(lambda: info(client, "rdb_bgsave_in_progress") == "0")
                assert info(client, "rdb_last_bgsave_status") == "ok"
                with Kiln("--io-threads", "2", "--dir", str(server.directory)) as other:
                    with other.connect() as reader:
                        for number in range(3):
                            first = int(reader.call("GET", f"first{number}")[1])
                            second = int(reader.call("GET", f"second{number}")[1])
                            assert 0 <= first - second <= 1
            for writer in writers:
                writer.over.set()
                writer.join()


def test_a_snapshot_is_what_was_there_when_it_began_whatever_is_changed_meanwhile():
    with Kiln("--rdb-key-save-delay", "1000") as server, server.connect() as client:
        fill(client, 1500)
        before = digest(client)
        assert client.call("BGSAVE")[0] == "+"
        for i in range(1500):
            client.pipeline([["DEL", f"text{i}"], ["RPUSH", f"list{i % 9}", "more"], ["SET", f"new{i}", i],
                             ["HDEL", f"hash{i % 9}", f"f{i}"], ["SPOP", f"set{i % 9}"],
                             ["APPEND", f"text{i + 1}", "!"], ["ZREM", f"zset{i % 9}", f"m{i}"],
                             ["RENAME", f"new{i}", f"newer{i}"]])
        assert info(client, "rdb_bgsave_in_progress") == "1"
        client.call("CONFIG", "SET", "rdb-key-save-delay", "0")
        assert digest(client) != before
        wait_until(lambda: info(client, "rdb_bgsave_in_progress") == "0", 60)
        kill(server)
        server.start()
        with server.connect() as again:
            assert digest(again) == before


def test_a_flush_ends_a_save_which_is_no_failure():
    with Kiln("--save", "900 100000", "--rdb-key-save-delay", "300") as server, server.connect() as client:
        fill(client, 500)
        client.call("BGSAVE")
        assert info(client, "rdb_bgsave_in_progress") == "1"
        assert client.call("FLUSHALL") == ("+", b"OK")
        wait_until(lambda: info(client, "rdb_bgsave_in_progress") == "0")
        assert info(client, "rdb_last_bgsave_status") == "ok"
        assert client.call("SET", "after", "1") == ("+", b"OK")
        client.call("CONFIG", "SET", "rdb-key-save-delay", "0")
        assert client.call("SAVE") == ("+", b"OK")
        kill(server)
        server.start()
        with server.connect() as again:
            assert again.call("KEYS", "*") == ("*", [("$", b"after")])


def test_a_flush_ends_a_rewrite_and_the_next_one_is_fine():
    with kiln() as server, server.connect() as client:
        fill(client, 500)
        client.call("BGREWRITEAOF")
        client.call("FLUSHALL")
        client.call("SET", "after", "1")
        wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
        client.call("BGREWRITEAOF")
        wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
        assert info(client, "aof_last_bgrewrite_status") == "ok"
        kill(server)
        server.start()
        with server.connect() as again:
            assert again.call("KEYS", "*") == ("*", [("$", b"after")])


def test_it_can_be_turned_on_and_off_while_the_server_runs():
    with Kiln() as server, server.connect() as client:
        fill(client, 100)
        assert client.call("CONFIG", "SET", "appendonly", "yes") == ("+", b"OK")
        client.call("INCR", "counter")
        wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
        client.call("INCR", "counter")
        before = digest(client)
        assert [name.split(".", 2)[2] for name in files_of(server)] == ["1.base.rdb", "1.incr.aof", "manifest"]
        kill(server)
        server.options = ["--appendonly", "yes"]
        server.start()
        with server.connect() as again:
            assert digest(again) == before
            assert again.call("CONFIG", "SET", "appendonly", "no") == ("+", b"OK")
            again.call("SET", "lost", "1")
            assert info(again, "aof_enabled") == "0"


@pytest.mark.parametrize("ends_before_the_base", [False, True])
def test_turned_on_over_files_of_an_earlier_life_it_begins_anew(ends_before_the_base):
    with kiln() as server:
        with server.connect() as client:
            client.pipeline([["SET", "old", "1"], ["INCR", "n"], ["INCR", "n"]])
        server.stop()
        if ends_before_the_base:  # and before a manifest that tells of them
            (server.directory / "appendonlydir" / "appendonly.aof.manifest").unlink()
            server.options = ["--appendonly", "yes"]
        else:
            server.options = ["--appendonly", "no"]
        server.start()
        with server.connect() as client:
            assert client.call("DBSIZE") == (":", 0)
            client.call("SET", "new", "1")
            if not ends_before_the_base:
                client.call("CONFIG", "SET", "appendonly", "yes")
                wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
            client.call("INCR", "n")
            before = digest(client)
        kill(server)
        server.options = ["--appendonly", "yes"]
        server.start()
        with server.connect() as client:
            assert digest(client) == before and client.call("GET", "n") == ("$", b"1")


def test_a_cut_tail_is_dropped_with_its_transaction_and_a_cut_middle_is_refused():
    with kiln() as server:
        with server.connect() as client:
            client.pipeline([["SET", "a", "1"], ["MULTI"], ["SET", "b", "1"], ["SET", "c", "1"], ["EXEC"]])
        kill(server)
        path = server.directory / "appendonlydir" / "appendonly.aof.1.incr.aof"
        whole = path.read_bytes()
        for length in (len(whole) - 1, len(whole) - 20, len(whole) - 40):
            path.write_bytes(whole[:length])
            server.start()
            with server.connect() as client:
                assert client.call("EXISTS", "a", "b", "c") == (":", 1)
            kill(server)
            assert path.stat().st_size < length
        path.write_bytes(whole[:-40])
        server.options.append("--aof-load-truncated")
        server.options.append("no")
        with pytest.raises(RuntimeError, match="Unexpected end of file"):
            server.start()
        server.log.close()
        path.write_bytes(whole[:60] + b"garbage" + whole[60:])
        with pytest.raises(RuntimeError, match="Bad file format"):
            server.start()


def test_a_full_disk_refuses_writes_loses_nothing_and_is_over_when_there_is_room():
    with kiln("--appendfsync", "everysec") as server, server.connect() as client:
        client.call("SET", "a", "1")
        limit = (server.directory / "appendonlydir" / "appendonly.aof.1.incr.aof").stat().st_size + 100
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        client.call("SET", "b", "x" * 5000)
        wait_until(lambda: client.call("SET", "c", "1")[1].startswith(b"MISCONF Errors writing to the AOF file"))
        assert client.call("GET", "a")[1] == b"1"
        assert info(client, "aof_last_write_status") == "err"
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until(lambda: client.call("SET", "d", "1") == ("+", b"OK"))
        before = digest(client)
        kill(server)
        server.start()
        with server.connect() as again:
            assert digest(again) == before
            assert again.call("STRLEN", "b") == (":", 5000)


@pytest.mark.parametrize("writer, reader", [(Kiln, Redis), (Redis, Kiln)])
def test_its_files_are_read_by_the_other(writer, reader):
    require(Redis)
    options = ["--appendonly", "yes"]
    own = {Kiln: ["--rdb-version", "10"], Redis: []}
    with writer(*options, *own[writer]) as server:
        with server.connect() as client:
            fill(client, 60)
            client.call("BGREWRITEAOF")
            wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
            fill(client, 30)
            before = digest(client)
        server.stop()  # redis-server puts writes off while it syncs
        if writer is Kiln:
            manifest = server.directory / "appendonlydir" / "appendonly.aof.manifest"
            done = subprocess.run(["redis-check-aof", manifest], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
        with reader(*options, *own[reader]) as other:
            kill(other)
            for path in (other.directory / "appendonlydir").iterdir():
                path.unlink()
            for path in (server.directory / "appendonlydir").iterdir():
                (other.directory / "appendonlydir" / path.name).write_bytes(path.read_bytes())
            other.start()
            with other.connect() as client:
                assert digest(client) == before


def test_the_single_file_of_older_versions_is_adopted():
    with Kiln("--appendonly", "yes") as server:
        kill(server)
        folder = server.directory / "appendonlydir"
        for path in folder.iterdir():
            path.unlink()
        (server.directory / "appendonly.aof").write_bytes(
            b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n7\r\n")
        server.start()
        with server.connect() as client:
            assert client.call("GET", "a")[1] == b"7"
            client.call("INCR", "a")
        kill(server)
        server.start()
        with server.connect() as client:
            assert client.call("GET", "a")[1] == b"8"


@pytest.mark.parametrize("command", [["BGREWRITEAOF"], ["CONFIG", "SET", "appendonly", "yes"]])
def test_a_rewrite_asked_for_within_a_transaction_waits_for_its_end(command):
    with kiln() as server:
        with server.connect() as client:
            off = [["CONFIG", "SET", "appendonly", "no"]] if command[0] == "CONFIG" else []
            client.pipeline([["MULTI"], ["INCR", "a"], *off, command, ["INCR", "a"], ["EXEC"]])
            wait_until(lambda: info(client, "aof_rewrite_scheduled") == info(client, "aof_rewrite_in_progress") == "0")
            assert info(client, "aof_rewrites") == "1"
            client.call("INCR", "a")
        kill(server)
        server.start()
        with server.connect() as client:
            assert client.call("GET", "a") == ("$", b"3")  # and nothing is there twice


def test_turned_on_in_the_middle_of_a_rewrite_or_of_one_given_up_it_loses_nothing():
    with Kiln("--rdb-key-save-delay", "2000") as server:
        with server.connect() as client:
            fill(client, 50)
            client.call("BGREWRITEAOF")
            client.call("INCR", "between")
            for value in ("yes", "no", "yes"):
                client.call("CONFIG", "SET", "appendonly", value)
                client.call("INCR", "between")
            client.call("CONFIG", "SET", "rdb-key-save-delay", "0")
            wait_until(lambda: info(client, "aof_rewrite_scheduled") == info(client, "aof_rewrite_in_progress") == "0")
            before = digest(client)
        kill(server)
        server.options = ["--appendonly", "yes"]
        server.start()
        with server.connect() as client:
            assert digest(client) == before


def test_it_does_not_count_before_it_has_a_base_of_its_own():
    with kiln() as server:
        with server.connect() as client:
            client.call("SET", "old", "1")
            client.call("CONFIG", "SET", "appendonly", "no")
            client.call("FLUSHALL")
            client.call("SET", "new", "1")
            # The first base fails, as a folder is in its place; another rewrite begins over a base of before.
            obstacle = server.directory / "appendonlydir" / "appendonly.aof.2.base.rdb"
            (obstacle / "full").mkdir(parents=True)
            client.call("CONFIG", "SET", "appendonly", "yes")
            wait_until(lambda: int(info(client, "aof_rewrites_consecutive_failures")) >= 3)
            manifest = (server.directory / "appendonlydir" / "appendonly.aof.manifest").read_text()
            assert manifest.count("type i") == 1 and "1.incr" in manifest
            (obstacle / "full").rmdir()
            obstacle.rmdir()
            client.call("BGREWRITEAOF")
            wait_until(lambda: info(client, "aof_rewrite_in_progress") == "0")
            before = digest(client)
        kill(server)
        server.start()
        with server.connect() as client:
            assert digest(client) == before and client.call("EXISTS", "old", "new") == (":", 1)
