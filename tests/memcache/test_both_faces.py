"""kiln-server with memcached-port: one data set, seen through both protocols."""

import contextlib
import subprocess

import pytest

from conftest import require
from resp.wire import Connection
from servers import HOST, Kiln, free_port, kiln_binary, wait_until


class Faces:
    """A server with both ports, a client of each, and what it takes to ask them."""

    def __init__(self, *options: str):
        self.cache_port = free_port()
        self.server = require(Kiln)("--memcached-port", str(self.cache_port), *options)

    def __enter__(self):
        self.server.__enter__()
        self.redis = self.server.connect()
        self.cache = Connection(HOST, self.cache_port, 20)
        return self

    def __exit__(self, *details):
        self.redis.close()
        self.cache.close()
        self.server.__exit__(*details)

    def call(self, *words):
        """The reply without its kind; an error as text that starts with '-'."""
        kind, value = self.redis.call(*words)[:2]
        return f"-{value.decode()}" if kind == "-" else value

    def ask(self, said: bytes) -> bytes:
        return ask(self.cache, said)


def ask(cache, said: bytes) -> bytes:
    cache.send_raw(said + b"\r\nmn\r\n")
    data = b""
    while not data.endswith(b"MN\r\n"):
        piece = cache.socket.recv(1 << 16)
        if not piece:
            return data
        data += piece
    return data[:-4]


def said_before_the_end(cache, said: bytes) -> bytes:
    """What the server says before it closes the connection."""
    data = b""
    with contextlib.suppress(ConnectionError):
        cache.send_raw(said + b"\r\n")
        while piece := cache.socket.recv(1 << 16):
            data += piece
    return data


@pytest.fixture(name="faces", scope="module")
def faces_of_one_server():
    with Faces("--enable-debug-command", "yes") as faces:
        yield faces


@pytest.fixture(autouse=True)
def emptied(request):
    if "faces" in request.fixturenames:
        faces = request.getfixturevalue("faces")
        faces.call("FLUSHALL")
        faces.call("CONFIG", "SET", "notify-keyspace-events", "")


OTHER_TYPES = {
    "list": ("RPUSH", "k", "a", "b"),
    "hash": ("HSET", "k", "f", "v"),
    "set": ("SADD", "k", "a"),
    "intset": ("SADD", "k", "1"),
    "zset": ("ZADD", "k", "1", "a"),
    "stream": ("XADD", "k", "*", "f", "v"),
    "big hash": ("HSET", "k", *[word for i in range(600) for word in (f"f{i}", "v")]),
    "big list": ("RPUSH", "k", *("x" * 100 for _ in range(500))),
    "big zset": ("ZADD", "k", *[word for i in range(600) for word in (str(i), f"m{i}")]),
}

# What each verb answers where the key holds no string, and whether the key may be another thing afterwards.
ON_OTHER_TYPES = [
    (b"get k", b"END\r\n", False),
    (b"gets k", b"END\r\n", False),
    (b"get k k absent", b"END\r\n", False),
    (b"gat 100 k", b"END\r\n", False),
    (b"gats 100 k", b"END\r\n", False),
    (b"touch k 100", b"NOT_FOUND\r\n", False),
    (b"incr k 1", b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", False),
    (b"decr k 1", b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", False),
    (b"append k 0 0 1\r\nx", b"NOT_STORED\r\n", False),
    (b"prepend k 0 0 1\r\nx", b"NOT_STORED\r\n", False),
    (b"cas k 0 0 1 1\r\nx", b"NOT_FOUND\r\n", False),
    (b"mg k v", b"EN\r\n", False),
    (b"mg k s t f c k", b"EN kk\r\n", False),
    (b"mg k T100 v", b"EN\r\n", False),
    (b"me k", b"EN\r\n", False),
    (b"ma k", b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", False),
    (b"ma k MD", b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", False),
    (b"ms k 1 MA\r\nx", b"NS\r\n", False),
    (b"ms k 1 MP\r\nx", b"NS\r\n", False),
    (b"ms k 1 C5\r\nx", b"NF\r\n", False),
    (b"set k 0 0 1\r\nx", b"STORED\r\n", True),
    (b"ms k 1\r\nx", b"HD\r\n", True),
]


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_what_is_no_string_is_a_miss(faces, name):
    for said, answer, may_change in ON_OTHER_TYPES:
        faces.call("DEL", "k")
        faces.call(*OTHER_TYPES[name])
        before = faces.call("DUMP", "k")
        assert faces.ask(said) == answer, said
        assert may_change or faces.call("DUMP", "k") == before, said


# Verbs that may create or remove: whatever they say, what they leave behind is one of both and whole.
@pytest.mark.parametrize("name", OTHER_TYPES)
@pytest.mark.parametrize("said", [
    b"add k 0 0 1\r\nx", b"replace k 0 0 1\r\nx", b"delete k", b"md k", b"md k I T30", b"ms k 1 ME\r\nx",
    b"ms k 1 MR\r\nx", b"mg k N30 v", b"mg k R30 v", b"ma k N0 J5 v", b"ms k 1 MA N30\r\nx", b"ms k 1 I C1\r\nx",
    b"md k C1", b"md k q", b"md k x", b"lru_crawler metadump all", b"lru_crawler mgdump all", b"stats items",
    b"stats cachedump 1 0", b"stats slabs", b"stats sizes",
])
def test_other_types_survive_or_give_way(faces, name, said):
    faces.call("DEL", "k")
    faces.call(*OTHER_TYPES[name])
    before = faces.call("TYPE", "k")
    answer = faces.ask(said)
    after = faces.call("TYPE", "k")
    assert answer == b"" or answer.endswith(b"\r\n")
    assert after in (before, b"string", b"none"), answer
    stored = answer.startswith((b"STORED", b"HD"))
    assert stored or after in (before, b"string", b"none")
    if after == b"string":
        assert faces.ask(b"get k").startswith(b"VALUE k ")
    faces.call("DEBUG", "DIGEST")
    assert faces.call("PING") == b"PONG"


def test_values_pass_between_the_faces(faces):
    assert faces.ask(b"set k 5 0 5\r\nhello") == b"STORED\r\n"
    assert faces.call("GET", "k") == b"hello"
    assert faces.call("APPEND", "k", "!") == 6
    assert faces.ask(b"get k") == b"VALUE k 5 6\r\nhello!\r\nEND\r\n"
    faces.call("SET", "k", "other")
    assert faces.ask(b"get k") == b"VALUE k 0 5\r\nother\r\nEND\r\n"
    assert faces.call("GETDEL", "k") == b"other"
    assert faces.ask(b"get k") == b"END\r\n"


def test_numbers_are_digits(faces):
    assert faces.call("INCR", "n") == 1
    assert faces.ask(b"incr n 9") == b"10\r\n"
    assert faces.ask(b"get n") == b"VALUE n 0 2\r\n10\r\nEND\r\n"
    assert faces.call("INCRBY", "n", "5") == 15
    assert faces.ask(b"mg n v s") == b"VA 2 s2\r\n15\r\n"
    assert faces.ask(b"append n 0 0 1\r\n0") == b"STORED\r\n"
    assert faces.call("DECR", "n") == 149
    faces.call("SET", "n", "-5")
    assert faces.ask(b"incr n 1") == b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
    assert faces.ask(b"set n 0 0 20\r\n18446744073709551615") == b"STORED\r\n"
    assert faces.call("INCR", "n").startswith("-ERR value is not an integer")
    assert faces.ask(b"decr n 1") == b"18446744073709551614\r\n"
    faces.call("SET", "f", "1.5")
    assert faces.ask(b"incr f 1") == b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"
    assert faces.ask(b"get f") == b"VALUE f 0 3\r\n1.5\r\nEND\r\n"


def test_times_to_live_are_one(faces):
    faces.ask(b"set k 0 100 1\r\nx")
    assert 98 <= faces.call("TTL", "k") <= 100
    faces.call("EXPIRE", "k", "500")
    assert faces.ask(b"mg k t") in (b"HD t500\r\n", b"HD t499\r\n")
    faces.call("PERSIST", "k")
    assert faces.ask(b"mg k t") == b"HD t-1\r\n"
    faces.ask(b"touch k 50")
    assert 48 <= faces.call("TTL", "k") <= 50
    faces.call("PEXPIRE", "k", "1")
    wait_until(lambda: faces.ask(b"get k") == b"END\r\n", what="it has expired")
    assert faces.ask(b"set k 0 -1 1\r\nx") == b"STORED\r\n"
    assert faces.call("EXISTS", "k") == 0


def cas_of(faces, key: str = "k") -> int:
    return int(faces.ask(b"gets " + key.encode()).split()[4])


@pytest.mark.parametrize("change", [
    ("SET", "k", "2"), ("APPEND", "k", "2"), ("SETRANGE", "k", "0", "2"), ("SETBIT", "k", "0", "1"), ("INCR", "k"),
    ("INCRBYFLOAT", "k", "1.5"), ("GETSET", "k", "7"), ("SET", "k", "1", "KEEPTTL"), ("MSET", "k", "8"),
    ("BITFIELD", "k", "SET", "u8", "0", "65"), ("PFADD", "k", "a"), ("DEL", "k"), ("RENAME", "other", "k"),
    ("COPY", "other", "k", "REPLACE"), ("EVAL", "return redis.call('append', KEYS[1], 'x')", "1", "k"),
    ("LPUSH-after-DEL",), ("FLUSHALL",),
])
def test_cas_sees_what_redis_changes(faces, change):
    faces.call("SET", "other", "else")
    if change[0] == "PFADD":
        faces.call("PFADD", "k", "z")
    else:
        faces.ask(b"set k 0 0 1\r\n1")
    number = cas_of(faces)
    if change[0] == "LPUSH-after-DEL":
        faces.call("DEL", "k")
        faces.call("LPUSH", "k", "x")
    else:
        assert not str(faces.call(*change)).startswith("-")
    is_same = change == ("SET", "k", "1", "KEEPTTL")
    answer = faces.ask(b"cas k 0 0 1 %d\r\n9" % number)
    assert answer in ((b"STORED\r\n", b"EXISTS\r\n") if is_same else (b"EXISTS\r\n", b"NOT_FOUND\r\n"))


@pytest.mark.parametrize("write", [("SET", "k", "text"), ("SET", "k", "12"), ("INCR", "k"), ("APPEND", "k", "abc"),
                                   ("SETEX", "k", "100", "v" * 3000), ("GETSET", "k", "a"), ("RESTORE-like",)])
def test_what_redis_wrote_can_be_compared_and_set(faces, write):
    if write[0] == "RESTORE-like":
        faces.call("SET", "other", "value")
        faces.call("COPY", "other", "k")
    else:
        faces.call(*write)
    number = cas_of(faces)
    assert number != 0
    assert faces.ask(b"mg k c") == b"HD c%d\r\n" % number
    assert faces.ask(b"cas k 0 0 1 %d\r\n9" % (number + 1)) == b"EXISTS\r\n"
    assert faces.ask(b"cas k 7 0 1 %d\r\n9" % number) == b"STORED\r\n"
    assert faces.ask(b"cas k 7 0 1 %d\r\n9" % number) == b"EXISTS\r\n"
    assert faces.call("GET", "k") == b"9"
    faces.call(*(("SET", "k", "again")))
    number = cas_of(faces)
    assert faces.ask(b"ms k 1 C%d\r\nx" % number) == b"HD\r\n"
    faces.call("SET", "k", "again")
    assert faces.ask(b"md k C%d" % (number + 1)) == b"EX\r\n"
    assert faces.ask(b"md k C%d" % cas_of(faces)) == b"HD\r\n"


def test_databases_above_0_are_not_seen(faces):
    faces.call("SELECT", "3")
    faces.call("SET", "k", "three")
    assert faces.ask(b"get k") == b"END\r\n"
    faces.ask(b"set k 0 0 4\r\nzero")
    assert faces.call("GET", "k") == b"three"
    assert faces.ask(b"flush_all") == b"OK\r\n"
    assert faces.call("GET", "k") == b"three"
    faces.call("SELECT", "0")
    assert faces.call("DBSIZE") == 0


def test_keys_of_any_bytes_do_no_harm(faces):
    faces.call("SET", "with space\r\nand line", "x")
    faces.call("SET", "", "empty")
    faces.call("SET", "x" * 1000, "long")
    dump = faces.ask(b"lru_crawler metadump all")
    assert len(dump.splitlines()) == 4 and dump.endswith(b"END\r\n")
    assert b"with%20space%0D%0Aand%20line" in faces.ask(b"stats cachedump 1 0")


def test_changes_are_told_to_redis_clients(faces):
    with faces.server.connect() as listener:
        faces.call("CONFIG", "SET", "notify-keyspace-events", "KEA")
        listener.call("SUBSCRIBE", "__keyspace@0__:k")
        faces.ask(b"set k 0 0 1\r\nx\r\ntouch k 100\r\ndelete k")
        told = []
        while not told or told[-1] != b"del":
            told.append([item[1] for item in listener.read()[1]][2])
        assert told[0] == b"set"


def test_a_change_ends_a_watched_transaction(faces):
    for change in (b"set w 0 0 1\r\n2", b"append w 0 0 1\r\n2", b"delete w", b"incr w 1", b"ms w 1\r\n7",
                   b"touch w 50"):
        faces.call("SET", "w", "1")
        faces.call("WATCH", "w")
        faces.ask(change)
        faces.call("MULTI")
        faces.call("SET", "w", "mine")
        assert faces.call("EXEC") is None, change


def test_a_change_invalidates_what_clients_keep(faces):
    with faces.server.connect() as reader:
        reader.call("HELLO", "3")
        reader.call("CLIENT", "TRACKING", "ON")
        faces.ask(b"set k 0 0 1\r\n1")
        reader.call("GET", "k")
        faces.ask(b"set k 0 0 1\r\n2")
        kind, push = reader.read()[:2]
        assert kind == ">" and push[0][1] == b"invalidate"


def test_a_list_that_somebody_waits_for_is_not_fed_by_items(faces):
    with faces.server.connect() as waiter:
        waiter.send("BLPOP", "k", "0")
        faces.ask(b"set k 0 0 1\r\nx\r\ndelete k")
        faces.call("RPUSH", "k", "v")
        assert [item[1] for item in waiter.read()[1]] == [b"k", b"v"]


def test_maxmemory_of_redis_rules():
    with Faces("--maxmemory", "30mb", "--maxmemory-policy", "noeviction", "--io-threads", "1") as faces:
        assert faces.ask(b"cache_memlimit 100").startswith((b"ERROR", b"CLIENT_ERROR", b"MEMLIMIT"))
        assert faces.call("CONFIG", "GET", "maxmemory")[1][1] == b"31457280"
        answers = {faces.ask(b"set k%d 0 0 500000\r\n" % i + b"x" * 500000) for i in range(80)}
        assert answers == {b"STORED\r\n", b"SERVER_ERROR out of memory storing object\r\n"}
        assert str(faces.call("SET", "r", "x" * 600000)).startswith("-OOM")
        faces.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        assert faces.ask(b"set again 0 0 500000\r\n" + b"x" * 500000) == b"STORED\r\n"


def test_a_pause_holds_writes_back(faces):
    faces.call("CLIENT", "PAUSE", "20000", "WRITE")
    with contextlib.closing(Connection(HOST, faces.cache_port, 20)) as writer:
        writer.send_raw(b"set k 0 0 1\r\nx\r\n")
        assert faces.ask(b"get k") == b"END\r\n"
        assert faces.call("GET", "k") is None
        faces.call("CLIENT", "UNPAUSE")
        assert writer.socket.recv(100) == b"STORED\r\n"


def test_both_kinds_of_clients_are_listed_and_counted(faces):
    listed = faces.call("CLIENT", "LIST").decode()
    assert f":{faces.cache_port} " in listed
    assert b"STAT curr_connections 2\r\n" in faces.ask(b"stats")


# ---- Who may come in ----

def refused_start(*options: str) -> str:
    done = subprocess.run([kiln_binary(), "--port", "0", "--memcached-port", str(free_port()), *options],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize("options", [
    ("--requirepass", "secret"),
    ("--user", "default", "off"),
    ("--user", "default", "on", "nopass", "~*", "&*", "+@all", "-flushall"),
    ("--user", "default", "on", "nopass", "resetkeys", "~app:*", "&*", "+@all"),
    ("--user", "default", "on", ">pass", "~*", "&*", "+@all"),
])
def test_a_server_with_passwords_or_rights_does_not_open_the_port(options):
    assert "memcached-port is open to whoever can connect" in refused_start(*options)


def test_without_the_port_passwords_are_no_matter():
    with require(Kiln)("--requirepass", "secret", "--memcached-port", "0") as server:
        assert server.is_alive()


def test_a_password_given_later_closes_the_port():
    with Faces() as faces:
        faces.ask(b"set k 0 0 1\r\nx")
        faces.call("CONFIG", "SET", "requirepass", "secret")
        with contextlib.closing(Connection(HOST, faces.cache_port, 20)) as newcomer:
            assert said_before_the_end(newcomer, b"get k") == b"CLIENT_ERROR unauthenticated\r\n"
        faces.call("CONFIG", "SET", "requirepass", "")
        with contextlib.closing(Connection(HOST, faces.cache_port, 20)) as newcomer:
            assert ask(newcomer, b"get k") == b"VALUE k 0 1\r\nx\r\nEND\r\n"
            faces.call("ACL", "SETUSER", "default", "-set")
            assert said_before_the_end(newcomer, b"get k") == b"CLIENT_ERROR unauthenticated\r\n"


def test_the_port_may_have_addresses_of_its_own():
    port = free_port()
    with require(Kiln)("--memcached-port", str(port), "--memcached-bind", "127.0.0.2") as server:
        with contextlib.closing(Connection("127.0.0.2", port, 20)) as cache:
            assert ask(cache, b"version").startswith(b"VERSION")
        with pytest.raises(OSError):
            Connection(HOST, port, 5)
        assert server.is_alive()


def test_large_flags_and_numbers_go_with_the_item_wherever_it_goes():
    largest = 2**64 - 1
    with Faces("--enable-debug-command", "yes") as faces:
        assert faces.ask(b"ms k 5 F4294967295 E%d\r\nvalue" % largest) == b"HD\r\n"
        assert faces.call("RENAME", "k", "moved") == b"OK"
        assert faces.call("COPY", "moved", "copy") == 1
        assert faces.call("EXPIRE", "moved", 1000) == 1
        assert faces.call("DEBUG", "RELOAD") == b"OK"
        for name in (b"moved", b"copy"):
            assert faces.ask(b"mg %s v c f" % name) == b"VA 5 c%d f4294967295\r\nvalue\r\n" % largest
        assert faces.call("APPEND", "moved", "s") == 6
        assert faces.ask(b"mg moved v f") == b"VA 6 f4294967295\r\nvalues\r\n"
