"""Values, ranges and counts at the edge of what there may be."""

import time

import pytest

from servers import Kiln

LIMIT = 512 * 1024 * 1024
TIME_CAP_S = 10.0


@pytest.fixture
def server(server_kind):
    with server_kind() as running:
        yield running


def error_of(client, *command) -> bytes:
    reply = client.call(*command)
    assert reply[0] == "-", (command, reply)
    return reply[1]


def test_string_size_limits(server):
    with server.connect(timeout_s=60) as client:
        assert b"exceeds maximum allowed size" in error_of(client, "SETRANGE", "k", LIMIT, "x")
        assert b"exceeds maximum allowed size" in error_of(client, "SETRANGE", "k", LIMIT - 1, "xx")
        assert b"exceeds maximum allowed size" in error_of(client, "SETRANGE", "k", 2**63 - 1, "x")
        assert client.call("SETRANGE", "k", 2**63 - 1, "") == (":", 0)
        assert b"bit offset" in error_of(client, "SETBIT", "k", 2**32, 1)
        assert b"bit offset" in error_of(client, "BITFIELD", "k", "SET", "u8", "#536870912", 1)
        assert client.call("SETBIT", "k", 2**27, 1) == (":", 0)
        assert client.call("STRLEN", "k") == (":", 2**24 + 1)
        assert client.call("BITCOUNT", "k", -(2**63), 2**63 - 1) == (":", 1)
        assert client.call("GETRANGE", "k", 2**62, 2**63 - 1) == ("$", b"")
        assert client.call("DEL", "k") == (":", 1)


def test_append_stops_at_the_limit(server_kind):
    with server_kind("--proto-max-bulk-len", "1mb") as server, server.connect() as client:
        assert client.call("APPEND", "k", "x" * 1_000_000) == (":", 1_000_000)
        assert b"exceeds maximum allowed size" in error_of(client, "APPEND", "k", "x" * 100_000)
        assert client.call("STRLEN", "k") == (":", 1_000_000)


def test_no_string_is_longer_than_a_record_can_say():
    with Kiln("--proto-max-bulk-len", "8gb") as server, server.connect(timeout_s=60) as client:
        assert b"exceeds maximum allowed size" in error_of(client, "SETRANGE", "k", 2**30 - 1, "x")
        client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1073741824\r\n")
        assert client.socket.recv(100) == b"-ERR Protocol error: invalid bulk length\r\n"


def test_lcs_of_long_strings_is_refused_or_answered(server):
    with server.connect(timeout_s=60) as client:
        client.call("MSET", "a", "ab" * 32768, "b", "ba" * 32768)
        assert client.call("LCS", "a", "b", "LEN")[0] in "-:"
        assert client.call("PING") == ("+", b"PONG")


def test_sort_with_a_huge_limit(server):
    with server.connect() as client:
        client.call("RPUSH", "l", 3, 1, 2)
        assert client.call("SORT", "l", "LIMIT", 0, 2**63 - 1) == ("*", [("$", b"1"), ("$", b"2"), ("$", b"3")])
        assert client.call("SORT", "l", "LIMIT", 2**63 - 1, 2**63 - 1) == ("*", [])
        assert client.call("SORT", "l", "LIMIT", -(2**63), 1)[0] in "*-"
        assert client.call("SORT", "l", "BY", "*" * 1000, "GET", "x" * 1000)[0] in "*-"


def test_random_picks_with_extreme_counts(server):
    with server.connect() as client:
        client.call("HSET", "h", "a", 1)
        client.call("ZADD", "z", 1, "a")
        client.call("SADD", "s", "a")
        for name, key, option in (("HRANDFIELD", "h", ["WITHVALUES"]), ("ZRANDMEMBER", "z", ["WITHSCORES"]),
                                  ("SRANDMEMBER", "s", [])):
            assert client.call(name, key, -(2**63), *option)[0] == "-"
            assert client.call(name, key, 2**62 - 1, *option)[0] in "*-"
            if option:
                assert client.call(name, key, -(2**63) + 1, *option)[0] == "-"


def test_corrupt_hyperloglogs_are_refused(server):
    with server.connect() as client:
        for value in (b"HYLL", b"HYLL" + b"\x00" * 12, b"HYLL\x01" + b"\xff" * 100, b"HYLL\x00" + b"\xff" * 20,
                      b"HYLL\x01\x00\x00\x00" + b"\x00" * 8 + b"\x7f\xff" * 50):
            client.call("SET", "h", value)
            for command in (["PFADD", "h", "x"], ["PFCOUNT", "h"], ["PFMERGE", "d", "h"]):
                assert client.call(*command)[0] in "-:+"
        assert client.call("PING") == ("+", b"PONG")


def test_expiry_times_overflow_nowhere(server):
    with server.connect() as client:
        client.call("SET", "k", "v")
        for name in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"):
            for value in (2**63 - 1, -(2**63), 2**63 - 2, 2**62, 9223372036854775):
                client.call("SET", "k", "v")
                assert client.call(name, "k", value)[0] in ":-"
                assert client.call("PTTL", "k")[0] == ":"
        assert client.call("PING") == ("+", b"PONG")


def test_a_string_of_the_greatest_length_is_whole_and_grows_no_more(server):
    with server.connect(timeout_s=60) as client:
        assert client.call("SETRANGE", "k", LIMIT - 1, "x") == (":", LIMIT)
        for command in (["APPEND", "k", "y"], ["SETRANGE", "k", LIMIT - 1, "yy"], ["SETRANGE", "k", LIMIT, "y"]):
            assert b"exceeds maximum allowed size" in error_of(client, *command)
        assert client.call("GETRANGE", "k", LIMIT - 2, 2**63 - 1) == ("$", b"\0x")
        assert client.call("GETRANGE", "k", -(2**63), 1) == ("$", b"\0\0")
        assert client.call("SETBIT", "k", 8 * LIMIT - 1, 1) == (":", 0)
        assert b"bit offset" in error_of(client, "SETBIT", "k", 8 * LIMIT, 1)
        assert client.call("BITFIELD", "k", "GET", "u8", 8 * LIMIT - 8, "SET", "u8", f"#{LIMIT - 1}", 255) == \
            ("*", [(":", 121), (":", 121)])
        assert b"bit offset" in error_of(client, "BITFIELD", "k", "SET", "u8", 8 * LIMIT, 1)
        assert client.call("BITCOUNT", "k", -(2**63), 2**63 - 1) == (":", 8)
        assert client.call("BITPOS", "k", 1, LIMIT - 1) == (":", 8 * LIMIT - 8)
        assert client.call("BITPOS", "k", 1, 2**63 - 1, 2**63 - 1) == (":", -1)
        assert client.call("STRLEN", "k") == (":", LIMIT)
        assert client.call("DEL", "k") == (":", 1)


@pytest.mark.parametrize("option", [["IDX"], ["IDX", "WITHMATCHLEN"], ["LEN"], []])
def test_common_subsequences_of_long_strings_end_soon(server, option):
    with server.connect(timeout_s=120) as client:
        client.call("MSET", "a", "ab" * 32768, "b", "ba" * 32768)
        before, started = server.rss_bytes(), time.monotonic()
        assert client.call("LCS", "a", "b", *option)[0] in "-:$*"
        assert time.monotonic() - started < TIME_CAP_S
        assert server.rss_bytes() - before < 64 * 2**20


def test_claims_of_entries_that_are_gone_end_and_are_counted(server):
    with server.connect() as client:
        client.pipeline([["XADD", "s", f"{number}-1", "f", "v"] for number in range(1, 101)])
        client.call("XGROUP", "CREATE", "s", "g", 0)
        client.call("XREADGROUP", "GROUP", "g", "anna", "STREAMS", "s", ">")
        client.pipeline([["XDEL", "s", f"{number}-1"] for number in range(1, 101, 2)])
        for count in (2**63 - 1, 2**62, 0, -1, -(2**63)):
            assert error_of(client, "XAUTOCLAIM", "s", "g", "bert", 0, 0, "COUNT", count)
        assert client.call("XAUTOCLAIM", "s", "g", "bert", "0", 2**62, "COUNT", 2**59 - 1)[0] in "*-"
        cursor, claimed, deleted = client.call("XAUTOCLAIM", "s", "g", "bert", 0, 0, "COUNT", 2**20)[1]
        assert (cursor, len(claimed[1]), len(deleted[1])) == (("$", b"0-0"), 50, 50)
        assert client.call("XAUTOCLAIM", "s", "g", "carl", -(2**63), f"{2**64 - 1}-{2**64 - 1}")[0] == "*"
        assert client.call("XPENDING", "s", "g")[1][0] == (":", 50)


def test_deliveries_are_counted_no_further_than_they_can_be():
    """Kiln alone: the judge counts on, into numbers below zero."""
    with Kiln() as server, server.connect() as client:
        client.call("XADD", "s", "1-1", "f", "v")
        client.call("XGROUP", "CREATE", "s", "g", 0)
        client.call("XREADGROUP", "GROUP", "g", "anna", "STREAMS", "s", ">")
        client.call("XCLAIM", "s", "g", "anna", 0, "1-1", "RETRYCOUNT", 2**63 - 1)
        for again in (["XREADGROUP", "GROUP", "g", "anna", "STREAMS", "s", "0"], ["XCLAIM", "s", "g", "bert", 0, "1-1"],
                      ["XAUTOCLAIM", "s", "g", "carl", 0, 0]):
            assert client.call(*again)[0] == "*"
            assert client.call("XPENDING", "s", "g", "-", "+", 1)[1][0][1][3] == (":", 2**63 - 1)
        client.call("XSETID", "s", "5-0", "ENTRIESADDED", 2**63 - 1)
        client.call("XGROUP", "SETID", "s", "g", "5-0", "ENTRIESREAD", 2**63 - 1)
        client.call("XADD", "s", "6-0", "f", "v")
        client.call("XREADGROUP", "GROUP", "g", "anna", "STREAMS", "s", ">")
        described = client.call("XINFO", "STREAM", "s")[1]
        assert described[described.index(("$", b"entries-added")) + 1] == (":", 2**63 - 1)
        assert client.call("RESTORE", "t", 0, client.call("DUMP", "s")[1]) == ("+", b"OK")


def test_places_at_the_ends_of_the_map(server):
    with server.connect() as client:
        for longitude, latitude in ((180, 85.05112878), (-180, -85.05112878), (180, -85.05112878), (-180, 0), (0, 0)):
            assert client.call("GEOADD", "g", longitude, latitude, f"{longitude},{latitude}") == (":", 1)
        for wrong in ((181, 0), (0, 85.06), ("inf", 0), (0, "-inf"), ("nan", 0), (0, "nan"), ("1e400", 0)):
            assert client.call("GEOADD", "g", *wrong, "x")[0] == "-"
        for radius in ("0", "1e-300", "1e300", "20037508", "1e400", "nan", "inf", "-1"):
            for shape in (["BYRADIUS", radius, "m"], ["BYBOX", radius, radius, "km"], ["BYBOX", "1", radius, "m"]):
                reply = client.call("GEOSEARCH", "g", "FROMLONLAT", 180, 85, *shape, "WITHDIST", "WITHCOORD")
                assert reply[0] in "*-" and len(reply[1]) <= max(5, len(reply[1]) * (reply[0] == "-"))
            client.call("GEORADIUS", "g", -180, -85, radius, "m", "STOREDIST", "d")
        assert client.call("ZADD", "g", "inf", "far", "-inf", "near", 2**53, "odd", -1, "minus") == (":", 4)
        for command in (["GEOPOS", "g", "far", "near", "odd", "minus"], ["GEOHASH", "g", "far", "near", "odd", "minus"],
                        ["GEODIST", "g", "far", "near"], ["GEORADIUSBYMEMBER", "g", "far", 100, "km"],
                        ["GEOSEARCH", "g", "FROMMEMBER", "near", "BYBOX", 1, 1, "m"]):
            assert client.call(*command)[0] in "*$-"
        assert client.call("PING") == ("+", b"PONG")


FORMS = {
    "int": [["SET", "{}", 5]], "embstr": [["SET", "{}", "short"]], "raw": [["SET", "{}", "x" * 100]],
    "listpack list": [["RPUSH", "{}", "a", 1]], "quicklist": [["RPUSH", "{}", "y" * 9000, "z"]],
    "intset": [["SADD", "{}", 1, 2**40]], "listpack set": [["SADD", "{}", "a", 1]],
    "hashtable set": [["SADD", "{}", *range(1000)]], "listpack zset": [["ZADD", "{}", 1, "a", "inf", "b"]],
    "skiplist": [["ZADD", "{}", 1, "x" * 100]], "listpack hash": [["HSET", "{}", "f", "v"]],
    "hashtable hash": [["HSET", "{}", "f", "v" * 100]], "sparse hyperloglog": [["PFADD", "{}", "a"]],
    "dense hyperloglog": [["PFADD", "{}", *range(3000)]],
    "stream": [["XADD", "{}", "1-1", "f", "v"], ["XGROUP", "CREATE", "{}", "g", "0"],
               ["XREADGROUP", "GROUP", "g", "anna", "STREAMS", "{}", ">"]],
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_copied_and_renamed_whole(server_kind, form):
    with server_kind("--enable-debug-command", "yes") as server, server.connect() as client:
        def digest(key):
            return client.call("DEBUG", "DIGEST-VALUE", key)[1][0]

        for command in FORMS[form]:
            assert client.call(*[str(word).replace("{}", "k") for word in command])[0] != "-"
        assert client.call("EXPIRE", "k", 1000) == (":", 1)
        whole = digest("k")  # that it expires is part of it
        assert client.call("COPY", "k", "copy") == (":", 1)
        assert client.call("COPY", "k", "copy", "DB", 1, "REPLACE") == (":", 1)
        assert client.call("RENAME", "k", "k")[0] == "+"
        for old in ("text", "k"):  # onto another value, and onto itself
            client.call("SET", "text", "v")
            assert client.call("RENAME", "k", old) == ("+", b"OK")
            assert digest(old) == whole and 0 < client.call("TTL", old)[1] <= 1000
            client.call("RENAME", old, "k")
        assert client.call("COPY", "copy", "k") == (":", 0)
        assert client.call("DEL", "k") == (":", 1)
        assert digest("copy") == whole and client.call("TTL", "copy")[1] > 0
        assert client.call("MOVE", "copy", 1) == (":", 0)
