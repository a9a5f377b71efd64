"""RDB files travel between Kiln and redis-server, survive what should not harm them, and say what should."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest
import redis

from conftest import require
from servers import Kiln, Redis, kiln_binary, wait_until

LIBRARY = "#!lua name=lib\nredis.register_function('f', function(keys, args) return args[1] end)"


def client_of(server, db=0):
    return redis.Redis(port=server.port, db=db, socket_timeout=30)


def fill(client):
    """Keys of every type and form, some with times to live, in all databases, and a library.

    Scores are such that redis-server 7.0 and 7.2 print them alike: DEBUG DIGEST is of what is printed.
    """
    client.config_set("list-max-listpack-size", 128)
    pipe = client.pipeline(transaction=False)
    for db in range(16):
        pipe.execute_command("SELECT", db)
        pipe.set(f"text{db}", "hello" * db)
        pipe.set(f"timed{db}", db, px=100_000_000)
    pipe.execute_command("SELECT", 0)
    pipe.set("negative", -70000)
    pipe.set("wide", 2**63 - 1)
    pipe.set("zeros", b"\0" * 5000)
    pipe.set("binary", bytes(range(256)))
    pipe.set(b"\0key\xff", "odd")
    pipe.set("123456", "a key of digits")
    pipe.set("compressible" * 20, "x" * 500_000)
    pipe.set("random", os.urandom(300_000))
    pipe.rpush("list", "a", 1, -5, "x" * 100)
    pipe.rpush("long-list", *(f"element {i}" for i in range(5000)))
    pipe.rpush("huge-element", "y" * 100_000, "z")
    pipe.sadd("intset", 1, 2, 70000, 2**40)
    pipe.sadd("set", "a", "b", 3)
    pipe.sadd("big-set", *(f"member {i}" for i in range(3000)))
    pipe.sadd("set-of-numbers", *range(3000))
    pipe.zadd("zset", {"a": 1, "b": 2.5, "c": float("inf"), "d": -3.5})
    pipe.zadd("big-zset", {f"member {i}": i / 8 for i in range(3000)})
    pipe.hset("hash", mapping={"f": "v", "1": 2})
    pipe.hset("big-hash", mapping={f"field {i}": "v" * (i % 90) for i in range(3000)})
    pipe.pexpire("big-hash", 200_000_000)
    for i in range(1, 500):
        pipe.xadd("stream", {"field": i, "other": "x" * (i % 50)}, id=f"{i}-1")
    pipe.xdel("stream", "3-1", "77-1")
    pipe.xgroup_create("stream", "group", "5-1")
    pipe.xgroup_create("stream", "idle", "0")
    pipe.xreadgroup("group", "consumer", {"stream": ">"}, count=100)
    pipe.xack("stream", "group", "7-1", "9-1")
    pipe.xgroup_create("empty-stream", "group", "$", mkstream=True)
    pipe.pfadd("hyperloglog", *range(3000))
    pipe.geoadd("geo", (13.361389, 38.115556, "Palermo"))
    pipe.execute_command("FUNCTION", "LOAD", LIBRARY)
    pipe.execute()


def digest(client):
    return client.execute_command("DEBUG", "DIGEST")


def info(client):
    return client.info("persistence")


def restart(server, how=signal.SIGTERM):
    server.process.send_signal(how)
    server.process.wait(30)
    server.start()


@pytest.mark.parametrize("writer,reader", [(Kiln, Redis), (Redis, Kiln), (Kiln, Kiln)])
def test_a_file_of_one_is_loaded_by_the_other(writer, reader, tmp_path):
    with require(writer)() as source:
        fill(client_of(source))
        before = digest(client_of(source))
        if reader is Redis:
            client_of(source).config_set("rdb-version", 10)  # what redis-server 7.0 reads
        assert client_of(source).save()
        shutil.copy(source.directory / "dump.rdb", tmp_path)
    with require(reader)("--dir", str(tmp_path)) as target:
        client = client_of(target)
        assert digest(client) == before
        assert client.fcall("f", 0, "hello") == b"hello"
        assert 0 < client.pttl("timed0") <= 100_000_000
        assert client_of(target, 15).get("text15") == b"hello" * 15
        assert client.xpending("stream", "group")["pending"] == 98
        assert info(client)["rdb_last_load_keys_loaded"] == sum(
            client_of(target, db).dbsize() for db in range(16))


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu"])
def test_how_keys_were_used_goes_along(policy, tmp_path):
    options = ("--maxmemory-policy", policy, "--maxmemory", "1gb")
    with Kiln(*options) as source:
        client = client_of(source)
        client.set("k", "v")
        client.restore("used", 0, client.dump("k"), idletime=1000 if "lru" in policy else None,
                       frequency=77 if "lfu" in policy else None)
        client.config_set("rdb-version", 10)
        client.save()
        shutil.copy(source.directory / "dump.rdb", tmp_path)
    for reader in (Kiln, Redis):
        with require(reader)("--dir", str(tmp_path), *options) as target:
            client = client_of(target)
            if "lru" in policy:
                assert 1000 <= client.object("idletime", "used") < 1100
            else:
                assert client.object("freq", "used") == 77


@pytest.mark.skipif(shutil.which("redis-check-rdb") is None, reason="redis-check-rdb is not there")
def test_both_checkers_find_the_files_of_both_fine():
    for writer in (Kiln, Redis):
        with require(writer)() as source:
            fill(client_of(source))
            if writer is Kiln:
                client_of(source).config_set("rdb-version", 10)
            client_of(source).save()
            path = str(source.directory / "dump.rdb")
            for checker in ("redis-check-rdb", kiln_binary("kiln-check")):
                done = subprocess.run([checker, path], capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stdout
                assert "RDB looks OK!" in done.stdout
                assert re.search(r"\[info\] \d+ keys read", done.stdout)


def test_the_checker_names_the_wrong_byte(tmp_path):
    with Kiln() as source:
        client = client_of(source)
        client.set("name", "value")
        client.save()
        good = (source.directory / "dump.rdb").read_bytes()
    path = tmp_path / "bad.rdb"
    for damaged in (good[:-1], good[:-20], good.replace(b"value", b"walue"), b"nothing", b""):
        path.write_bytes(damaged)
        done = subprocess.run([kiln_binary("kiln-check"), str(path)], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 1
        assert re.search(r"\[offset \d+\] \w+", done.stdout.split("DETECTED")[1])
    done = subprocess.run([kiln_binary("kiln-check"), str(tmp_path / "none")], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "No such file" in done.stdout


def start_with(path: pathlib.Path, content: bytes, *options):
    """Runs a server on a file until it ends; its status and what it said."""
    (path / "dump.rdb").write_bytes(content)
    done = subprocess.run([kiln_binary(), "--port", "0", "--dir", str(path), "--save", "", *options],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_a_damaged_file_ends_the_start(tmp_path):
    with Kiln() as source:
        client = client_of(source)
        for i in range(1000):
            client.set(f"key{i}", "value" * 20)
        client.save()
        good = (source.directory / "dump.rdb").read_bytes()
    middle = len(good) // 2
    for bad in (good[:middle], good[:middle] + bytes([good[middle] ^ 4]) + good[middle + 1:]):
        for options in ((), ("--loading-process-events-interval-bytes", "1024")):
            status, said = start_with(tmp_path, bad, *options)
            assert status == 1
            assert re.search(r"Error reading the RDB file at offset \d+", said), said
            assert "Fatal error loading the DB" in said


def test_a_file_that_cannot_be_read_ends_the_start(tmp_path):
    (tmp_path / "dump.rdb").mkdir()
    done = subprocess.run([kiln_binary(), "--port", "0", "--dir", str(tmp_path)], timeout=60,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "can't open the RDB file" in done.stdout


def test_clients_are_told_to_wait_while_it_loads():
    with Kiln() as server:
        client = client_of(server)
        client.execute_command("DEBUG", "POPULATE", "3000", "key", "100")
        client.save()
        server.options = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes",
                          "1024", "--io-threads", "2"]
        server.is_answering = lambda: server.connect().call("INFO") is not None
        server.process.kill()
        server.process.wait()
        server.start()
        with pytest.raises(redis.exceptions.BusyLoadingError):
            client_of(server).get("key:1")
        with pytest.raises(redis.exceptions.BusyLoadingError):
            client_of(server).ping()
        told = info(client_of(server))
        assert told["loading"] == 1 and told["async_loading"] == 0
        assert told["loading_total_bytes"] > 50_000
        assert 0 <= told["loading_loaded_perc"] <= 100
        assert {"loading_start_time", "loading_rdb_used_mem", "loading_loaded_bytes",
                "loading_eta_seconds"} <= set(told)
        client = client_of(server)
        assert client.config_set("key-load-delay", 0)
        wait_until(lambda: info(client)["loading"] == 0, 30)
        assert client.dbsize() == 3000
        assert "loading_total_bytes" not in info(client)


def test_shutdown_ends_a_server_that_loads():
    with Kiln() as server:
        client = client_of(server)
        client.execute_command("DEBUG", "POPULATE", "3000", "key", "100")
        client.save()
        before = (server.directory / "dump.rdb").read_bytes()
        server.options = ["--key-load-delay", "2000", "--loading-process-events-interval-bytes",
                          "1024", "--save", "1 1"]
        server.is_answering = lambda: server.connect().call("INFO") is not None
        server.process.kill()
        server.process.wait()
        server.start()
        with pytest.raises(redis.exceptions.ConnectionError):
            client_of(server).execute_command("SHUTDOWN")
        assert server.process.wait(30) == 0
        assert (server.directory / "dump.rdb").read_bytes() == before


def test_the_end_saves_where_there_are_save_points():
    for how in ("command", signal.SIGTERM, signal.SIGINT):
        for points, is_kept in (("900 1", True), ("", False)):
            with Kiln("--save", points) as server:
                client_of(server).set("k", "v")
                if how == "command":
                    with pytest.raises(redis.exceptions.ConnectionError):
                        client_of(server).execute_command("SHUTDOWN")
                else:
                    server.process.send_signal(how)
                assert server.process.wait(30) == 0
                server.start()
                assert client_of(server).get("k") == (b"v" if is_kept else None)


def write_until_it_ends(server, name, told):
    """Counts up under one key in long pipelines; told[name] is the last answer that came."""
    with client_of(server) as client:
        while True:
            pipe = client.pipeline(transaction=False)
            for _ in range(50):
                pipe.incr(name)
            try:
                told[name] = pipe.execute()[-1]
            except redis.ConnectionError:
                return


@pytest.mark.parametrize("how", ["signal", "command"])
def test_what_was_acknowledged_before_the_end_is_in_the_last_snapshot(how):
    told = {}
    with Kiln("--save", "3600 100000000", "--io-threads", "4") as server:
        names = [f"counter{n}" for n in range(8)]
        threads = [threading.Thread(target=write_until_it_ends, args=(server, name, told)) for name in names]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(told) == len(names), 10, "everybody writes")
        with client_of(server) as client:
            if how == "command":
                client.shutdown(save=True)
            else:
                server.stop()
        for thread in threads:
            thread.join()
        wait_until(lambda: server.process is None or server.process.poll() is not None, 10, "it has ended")
        server.start()
        with client_of(server) as client:
            for name in names:
                assert int(client.get(name)) >= told[name]


def test_shutdown_says_whether_to_save():
    with Kiln() as server:
        client_of(server).set("k", "v")
        with pytest.raises(redis.exceptions.ConnectionError):
            client_of(server).execute_command("SHUTDOWN", "SAVE")
        server.process.wait(30)
        server.start()
        client_of(server).set("k", "w")
        with pytest.raises(redis.exceptions.ConnectionError):
            client_of(server).execute_command("SHUTDOWN", "NOSAVE")
        server.process.wait(30)
        server.start()
        assert client_of(server).get("k") == b"v"


def test_a_failed_save_keeps_the_server_and_forbids_writes():
    with Kiln("--save", "900 1", "--enable-protected-configs", "yes") as server:
        client = client_of(server)
        client.set("k", "v")
        client.config_set("dbfilename", "folder")
        (server.directory / "folder" / "x").mkdir(parents=True)  # nothing can take its place
        with pytest.raises(redis.exceptions.ResponseError):
            client.save()
        client.set("k", "after SAVE failed")
        client.bgsave()
        wait_until(lambda: info(client)["rdb_last_bgsave_status"] == "err")
        for command in (("SET", "k", "w"), ("PING",), ("EVAL", "redis.call('set','k',1)", "0")):
            with pytest.raises(redis.exceptions.ResponseError, match="MISCONF|persist to disk"):
                client.execute_command(*command)
        assert client.get("k") == b"after SAVE failed"
        with pytest.raises(redis.exceptions.ResponseError, match="Errors trying to SHUTDOWN"):
            client.execute_command("SHUTDOWN")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.log_tail().count("Errors trying to shut down") == 2)
        assert client.get("k") and not list(server.directory.glob("temp-*"))
        client.config_set("stop-writes-on-bgsave-error", "no")
        client.set("k", "allowed")
        client.config_set("stop-writes-on-bgsave-error", "yes")
        client.config_set("dbfilename", "dump.rdb")
        client.bgsave()
        wait_until(lambda: info(client)["rdb_last_bgsave_status"] == "ok")
        client.set("k", "fine again")
        with pytest.raises(redis.exceptions.ConnectionError):
            client.execute_command("SHUTDOWN", "NOSAVE", "FORCE")


def test_save_points_save():
    with Kiln() as server:
        client = client_of(server)
        client.config_set("save", "1 10")
        for i in range(9):
            client.set(f"k{i}", i)
        assert info(client)["rdb_changes_since_last_save"] == 9
        client.set("k9", 9)
        wait_until(lambda: info(client)["rdb_changes_since_last_save"] == 0, 20)
        wait_until(lambda: (server.directory / "dump.rdb").exists(), 20)
        assert info(client)["rdb_saves"] == 1
        assert client.lastsave().timestamp() == info(client)["rdb_last_save_time"]


def test_reload_keeps_everything():
    with Kiln() as server:
        client = client_of(server)
        fill(client)
        before = digest(client)
        client.execute_command("DEBUG", "RELOAD")
        assert digest(client) == before
        client.set("more", 1)
        client.execute_command("DEBUG", "RELOAD", "NOSAVE")
        assert digest(client) == before
        client.set("more", 1)
        client.execute_command("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")
        assert client.get("more") == b"1"
        client.delete("more")
        assert digest(client) == before
        with pytest.raises(redis.exceptions.ResponseError):
            client.execute_command("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH")


def test_hashes_with_field_times_come_back():
    with Kiln() as server:
        client = client_of(server)
        client.hset("h", mapping={"a": 1, "b": 2, "c": 3})
        client.execute_command("HPEXPIRE", "h", 10_000_000, "FIELDS", 1, "a")
        client.execute_command("HPEXPIRE", "h", 1, "FIELDS", 1, "c")
        client.execute_command("DEBUG", "RELOAD")
        assert client.hgetall("h") == {b"a": b"1", b"b": b"2"}
        assert client.execute_command("HPTTL", "h", "FIELDS", 1, "a")[0] > 9_000_000
        assert (server.directory / "dump.rdb").read_bytes().startswith(b"REDIS0012")


def test_a_service_manager_is_told(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, pytest.MonkeyPatch.context() as patch:
        told.bind(path)
        told.settimeout(30)
        patch.setenv("NOTIFY_SOCKET", path)
        with Kiln("--supervised", "systemd"):
            assert b"READY=1" in told.recv(4096)
        # Signals end it without further words where there is nothing to save.


def test_many_clients_write_while_it_saves():
    with Kiln("--io-threads", "2") as server:
        client = client_of(server)
        stop = threading.Event()

        def write(name):
            mine = client_of(server)
            number = 0
            while not stop.is_set():
                number += 1
                mine.set(f"{name}-1", number)
                mine.set(f"{name}-2", number)

        writers = [threading.Thread(target=write, args=(f"w{i}",)) for i in range(4)]
        for writer in writers:
            writer.start()
        try:
            for _ in range(5):
                client.save()
                shutil.copy(server.directory / "dump.rdb", server.directory / "copy.rdb")
                with Kiln("--dbfilename", "copy.rdb", "--dir", str(server.directory)) as other:
                    # No file has the second write without the first.
                    got = client_of(other)
                    for i in range(4):
                        first, second = (int(got.get(f"w{i}-{n}") or 0) for n in (1, 2))
                        assert second <= first <= second + 1
        finally:
            stop.set()
            for writer in writers:
                writer.join()
