"""Payloads that broke servers before, by name: each is refused, or is a sound value from then on.

The checksums are right, so that the readers behind them are what is tested.
"""

import math
import threading

import pytest

import dump_writer as w
from dump_traffic import assert_sound
from servers import wait_until

ONE, TWO = w.stream_id(1), w.stream_id(2)
NODE = w.stream_node(ONE, [(2, 0, 0, [b"v"]), (2, 1, 0, [b"w"])])
ANNA, BERT = b"anna", b"bert"
DEEP = 5000
HUGE = 2**62

REFUSED = {
    # streams: who owns what is pending
    "NACK owned by two consumers": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(ONE)], [w.consumer(ANNA, [ONE]), w.consumer(BERT, [ONE])])]),
    "NACK owned twice by one consumer": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(ONE), w.pending(TWO)], [w.consumer(ANNA, [ONE, ONE])])]),
    "NACK that no consumer owns": w.stream([NODE], 2, groups=[w.group(b"g", [w.pending(ONE)], [w.consumer(ANNA, [])])]),
    "NACK that the group does not have": w.stream([NODE], 2, groups=[w.group(b"g", [], [w.consumer(ANNA, [ONE])])]),
    "same NACK twice in the group": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(ONE), w.pending(ONE)], [w.consumer(ANNA, [ONE])])]),
    "two consumers of one name": w.stream([NODE], 2, groups=[w.group(
        b"g", [], [w.consumer(ANNA, []), w.consumer(ANNA, [])])]),
    "two groups of one name": w.stream([NODE], 2, groups=[w.group(b"g", [], []), w.group(b"g", [], [])]),
    "huge count of pending entries": w.stream([NODE], 2, groups=[
        w.text(b"g") + w.length(1) * 3 + w.length(HUGE) + w.pending(ONE)]),
    "consumer with a huge count": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(ONE)], [w.consumer(ANNA, [ONE], told=HUGE)])]),
    "negative entries-read": w.stream([NODE], 2, groups=[w.group(b"g", [], [], entries_read=2**64 - 2)]),
    # streams: their nodes
    "stream node that counts more than it has": w.stream([w.stream_node(ONE, [(2, 0, 0, [b"v"])], live=3)], 3),
    "stream node that counts less than it has": w.stream(
        [w.stream_node(ONE, [(2, 0, 0, [b"v"]), (2, 1, 0, [b"w"])], live=1)], 1),
    "stream node with a negative count": w.stream([w.stream_node(ONE, [(2, 0, 0, [b"v"])], live=-1)], 1),
    "stream node with a huge count": w.stream([w.stream_node(ONE, [(2, 0, 0, [b"v"])], live=HUGE)], HUGE),
    "stream node without entries": w.stream([w.stream_node(ONE, [])], 0),
    "stream node of an empty listpack": w.stream([w.text(ONE) + w.text(w.listpack([]))], 0),
    "stream whose only entry is deleted": w.stream([w.stream_node(ONE, [(3, 0, 0, [b"v"])], deleted=1)], 0),
    "stream entries out of order": w.stream([w.stream_node(ONE, [(2, 5, 0, [b"v"]), (2, 1, 0, [b"w"])])], 2),
    "stream entry twice": w.stream([w.stream_node(ONE, [(2, 1, 0, [b"v"]), (2, 1, 0, [b"w"])])], 2),
    "stream nodes out of order": w.stream([w.stream_node(TWO, [(2, 0, 0, [b"v"])]),
                                           w.stream_node(ONE, [(2, 0, 0, [b"v"])])], 2),
    "stream id that overflows": w.stream([w.stream_node(w.stream_id(2**64 - 1), [(2, 5, 0, [b"v"])])], 1),
    "stream id of 15 bytes": w.stream([w.text(ONE[:15]) + w.text(w.listpack([1, 0, 1, b"f", 0, 2, 0, 0, b"v", 4]))], 1),
    "stream entry with unknown flags": w.stream([w.stream_node(ONE, [(64 | 2, 0, 0, [b"v"])])], 1),
    "stream entry without fields": w.stream([w.stream_node(ONE, [(0, 0, 0, [])])], 1),
    "stream entry that ends early": w.stream([w.text(ONE) + w.text(w.listpack([1, 0, 1, b"f", 0, 2, 0]))], 1),
    "stream entry that tells a wrong length": w.stream(
        [w.text(ONE) + w.text(w.listpack([1, 0, 1, b"f", 0, 2, 0, 0, b"v", 77]))], 1),
    "stream size unlike its nodes": w.stream([NODE], 3),
    "stream with a last id before its entries": w.stream([NODE], 2, last=(1, 0)),
    "stream with a huge count of nodes": w.stream([NODE], 2, node_count=HUGE),
    "stream that added a negative number": w.stream([NODE], 2, added=2**63),
    # compressed and declared lengths
    "LZF that unpacks to less": w.dump(w.STRING, w.compressed(w.literal_lzf(b"abc"), 5)),
    "LZF that unpacks to more": w.dump(w.STRING, w.compressed(w.literal_lzf(b"abc"), 2)),
    "LZF that refers before its start": w.dump(w.STRING, w.compressed(b"\x00a\xe0\xff\xff\xff", 300)),
    "LZF that ends within a reference": w.dump(w.STRING, w.compressed(b"\x00a\xe0", 300)),
    "LZF of nothing": w.dump(w.STRING, w.compressed(b"", 0)),
    "LZF that claims four gigabytes": w.dump(w.STRING, w.compressed(w.literal_lzf(b"abc"), 2**32 - 1)),
    "LZF that claims more than memory": w.dump(w.STRING, w.compressed(w.literal_lzf(b"abc"), 2**63)),
    "LZF shorter than it says": w.dump(w.STRING, w.compressed(w.literal_lzf(b"abc"), 3, told=HUGE)),
    "string longer than the payload": w.dump(w.STRING, w.text(b"abc", told=HUGE)),
    "string of 4 GiB in 3 bytes": w.dump(w.STRING, w.text(b"abc", told=2**32 - 1)),
    "length of no kind": w.dump(w.STRING, b"\x82abcdefghi"),
    "string encoding of no kind": w.dump(w.STRING, b"\xc4abc"),
    "something behind the value": w.dump(w.STRING, w.text(b"abc"), b"d"),
    "no value": w.sealed(b""),
    "list that claims 2^62 elements": w.dump(w.LIST, w.length(HUGE), w.text(b"a")),
    "set that claims 2^62 members": w.dump(w.SET, w.length(HUGE), w.text(b"a")),
    "hash that claims 2^62 fields": w.dump(w.HASH, w.length(HUGE), w.text(b"a"), w.text(b"b")),
    "sorted set that claims 2^62 members": w.dump(w.ZSET_2, w.length(HUGE), w.text(b"a"), w.score(1)),
    "sorted set that claims 2^64-1 members": w.dump(w.ZSET_2, w.length(2**64 - 1), w.text(b"a"), w.score(1)),
    # sets
    "intset unsorted": w.dump(w.INTSET, w.text(w.intset(2, [3, 1, 2]))),
    "intset with duplicates": w.dump(w.INTSET, w.text(w.intset(2, [1, 1, 2]))),
    "intset that counts more than it has": w.dump(w.INTSET, w.text(w.intset(2, [1, 2], count=1000))),
    "intset whose count overflows": w.dump(w.INTSET, w.text(w.intset(8, [1, 2], count=2**29))),
    "intset of odd width": w.dump(w.INTSET, w.text(w.intset(3, [1, 2]))),
    "intset of width zero": w.dump(w.INTSET, w.text(w.intset(0, []))),
    "intset of nothing": w.dump(w.INTSET, w.text(w.intset(2, []))),
    "intset without a header": w.dump(w.INTSET, w.text(b"\x02\x00")),
    "set with duplicates": w.dump(w.SET, w.length(2), w.text(b"a"), w.text(b"a")),
    "set with duplicates in two encodings": w.dump(w.SET, w.length(2), w.text(b"5"), b"\xc0\x05"),
    "set listpack with duplicates": w.dump(w.SET_LISTPACK, w.text(w.listpack([b"a", b"b", b"a"]))),
    "set listpack with a number as text and number": w.dump(w.SET_LISTPACK, w.text(w.listpack([b"7", 7]))),
    "set of nothing": w.dump(w.SET, w.length(0)),
    # hashes
    "hash with duplicate fields": w.dump(w.HASH, w.length(2), *[w.text(b"f"), w.text(b"v")] * 2),
    "hash listpack with duplicate fields": w.dump(w.HASH_LISTPACK, w.text(w.listpack([b"f", b"v", b"f", b"w"]))),
    "hash ziplist with duplicate fields": w.dump(w.HASH_ZIPLIST, w.text(w.ziplist([b"f", b"v", b"f", b"w"]))),
    "zipmap with duplicate fields": w.dump(w.ZIPMAP, w.text(w.zipmap([(b"f", b"v"), (b"f", b"w")]))),
    "zipmap without an end": w.dump(w.ZIPMAP, w.text(w.zipmap([(b"f", b"v")])[:-1])),
    "zipmap with a length beyond its end": w.dump(w.ZIPMAP, w.text(b"\x01\xfe\xff\xff\xff\xfff\x01\x00v\xff")),
    "empty zipmap": w.dump(w.ZIPMAP, w.text(w.zipmap([]))),
    "hash listpack of three": w.dump(w.HASH_LISTPACK, w.text(w.listpack([b"f", b"v", b"g"]))),
    "hash of nothing": w.dump(w.HASH, w.length(0)),
    # sorted sets
    "sorted set with a score that is no number": w.dump(w.ZSET_2, w.length(1), w.text(b"a"), w.score(math.nan)),
    "sorted set with a negative NaN": w.dump(w.ZSET_2, w.length(1), w.text(b"a"), b"\x01\0\0\0\0\0\xf8\xff"),
    "old sorted set with NaN": w.dump(w.ZSET, w.length(1), w.text(b"a"), b"\xfd"),
    "old sorted set with nan as text": w.dump(w.ZSET, w.length(1), w.text(b"a"), b"\x03nan"),
    "old sorted set with text as score": w.dump(w.ZSET, w.length(1), w.text(b"a"), b"\x03abc"),
    "sorted set listpack with nan": w.dump(w.ZSET_LISTPACK, w.text(w.listpack([b"a", b"nan"]))),
    "sorted set listpack with text as score": w.dump(w.ZSET_LISTPACK, w.text(w.listpack([b"a", b"b"]))),
    "sorted set listpack of three": w.dump(w.ZSET_LISTPACK, w.text(w.listpack([b"a", 1, b"b"]))),
    "sorted set with duplicates": w.dump(w.ZSET_2, w.length(2), *[w.text(b"a"), w.score(1)] * 2),
    "sorted set listpack with duplicates": w.dump(w.ZSET_LISTPACK, w.text(w.listpack([b"a", 1, b"a", 2]))),
    # listpacks, by way of lists
    "listpack with a wrong length behind an entry": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack_of([w.entry(b"abc", back=3), w.entry(b"d")]))),
    "listpack with a length behind that reaches before its start": w.dump(
        w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(w.listpack_of([w.entry(b"abc", back=120)]))),
    "listpack with a length behind of ten bytes": w.dump(
        w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(w.listpack_of([b"\x81a" + b"\xff" * 9 + b"\x01"]))),
    "listpack that counts more": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack([b"a"], count=2))),
    "listpack that counts less": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack([b"a", b"b"], count=1))),
    "listpack that is longer than it says": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack([b"a", b"b"], total=8))),
    "listpack that is shorter than it says": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack([b"a", b"b"], total=2**32 - 1))),
    "listpack without an end": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack([b"a"], end=b""))),
    "listpack with an end within": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack_of([w.entry(b"a"), b"\xff"], count=1))),
    "listpack entry beyond its end": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack_of([b"\xf0\xff\xff\xff\x7fabc\x05"]))),
    "listpack entry of no kind": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(
        w.listpack_of([b"\xf7a\x02"]))),
    "listpack of nothing at all": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(b"")),
    # lists
    "quicklist of an empty node": w.dump(w.QUICKLIST_2, w.length(1), w.length(w.PACKED), w.text(w.listpack([]))),
    "quicklist of no node": w.dump(w.QUICKLIST_2, w.length(0)),
    "quicklist node of no kind": w.dump(w.QUICKLIST_2, w.length(1), w.length(3), w.text(b"a")),
    "list of nothing": w.dump(w.LIST, w.length(0)),
    "old quicklist of an empty node": w.dump(w.QUICKLIST, w.length(1), w.text(w.ziplist([]))),
    "ziplist with a wrong length before": w.dump(w.LIST_ZIPLIST, w.text(w.ziplist([b"a", b"b"], before_last=200))),
    "ziplist with a length before its start": w.dump(w.LIST_ZIPLIST, w.text(
        w.ziplist([b"a", b"b"], before_last=2**32 - 1))),
    "ziplist that counts more": w.dump(w.LIST_ZIPLIST, w.text(w.ziplist([b"a"], count=9))),
    "ziplist with a wrong tail": w.dump(w.LIST_ZIPLIST, w.text(w.ziplist([b"a"], tail=2**31))),
    "ziplist that is shorter than it says": w.dump(w.LIST_ZIPLIST, w.text(w.ziplist([b"a"], total=2**31))),
    # what is no value
    "module": w.dump(w.MODULE, b"\x81" + b"\x11" * 8, w.length(2), w.length(5), w.length(0)),
    "module with opcodes without end": w.dump(w.MODULE, b"\x81" + b"\x11" * 8, w.length(5) * 100),
    "module from before modules were released": w.dump(w.MODULE_OLD, b"\x81" + b"\x11" * 8, w.length(1) * 100),
    "function": w.sealed(b"\xf5" + w.text(b"#!lua name=x")),
    "slot of a cluster": w.sealed(b"\xf4" + w.length(99999) + w.length(1) * 2),
    "type 255": w.sealed(b"\xff" * 20),
    "values within a value": w.sealed((bytes([w.LIST]) + w.length(1)) * DEEP),
    "a later version": w.sealed(b"\x00\x01a", version=w.VERSION + 300),
}

SOUND = {
    "text": w.dump(w.STRING, w.text(b"abc")),
    "compressed text": w.dump(w.STRING, w.compressed(w.literal_lzf(b"abc"), 3)),
    "compressed text that refers to itself": w.dump(w.STRING, w.compressed(b"\x00a\xe0\x5a\x00", 100)),
    "list": w.dump(w.LIST, w.length(2), w.text(b"a"), w.text(b"")),
    "ziplist": w.dump(w.LIST_ZIPLIST, w.text(w.ziplist([b"a", b"b", b"", b"c" * 63]))),
    "quicklist": w.dump(w.QUICKLIST, w.length(2), w.text(w.ziplist([b"a"])), w.text(w.ziplist([b"b"]))),
    "quicklist with plain nodes": w.dump(w.QUICKLIST_2, w.length(2), w.length(w.PLAIN), w.text(b"x" * 5000),
                                         w.length(w.PACKED), w.text(w.listpack([b"a", 1, -(2**63)]))),
    "set": w.dump(w.SET, w.length(2), w.text(b"a"), w.text(b"b")),
    "intset": w.dump(w.INTSET, w.text(w.intset(8, [-(2**63), 0, 2**63 - 1]))),
    "set in a listpack": w.dump(w.SET_LISTPACK, w.text(w.listpack([b"a", 5]))),
    "sorted set": w.dump(w.ZSET_2, w.length(2), w.text(b"a"), w.score(math.inf), w.text(b"b"), w.score(-0.0)),
    "old sorted set": w.dump(w.ZSET, w.length(3), w.text(b"a"), b"\xfe", w.text(b"b"), b"\xff", w.text(b"c"), b"\x011"),
    "sorted set in a listpack": w.dump(w.ZSET_LISTPACK, w.text(w.listpack([b"a", 1, b"b", b"2.5"]))),
    "sorted set listpack out of order": w.dump(w.ZSET_LISTPACK, w.text(w.listpack([b"a", 9, b"b", 1]))),
    "sorted set in a ziplist": w.dump(w.ZSET_ZIPLIST, w.text(w.ziplist([b"a", b"1", b"b", b"2"]))),
    "hash": w.dump(w.HASH, w.length(1), w.text(b"f"), w.text(b"v")),
    "hash in a listpack": w.dump(w.HASH_LISTPACK, w.text(w.listpack([b"f", b"v", 1, 2]))),
    "hash in a ziplist": w.dump(w.HASH_ZIPLIST, w.text(w.ziplist([b"f", b"v"]))),
    "zipmap": w.dump(w.ZIPMAP, w.text(w.zipmap([(b"f", b"v"), (b"g", b"")]))),
    "stream": w.stream([NODE], 2, groups=[w.group(b"g", [w.pending(ONE)], [w.consumer(ANNA, [ONE])])]),
    "stream without entries": w.stream([], 0),
    "stream with a deleted entry": w.stream(
        [w.stream_node(ONE, [(2, 0, 0, [b"v"]), (3, 1, 0, [b"w"])], deleted=1)], 1),
    "NACK of an entry that is gone": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(w.stream_id(7))], [w.consumer(ANNA, [w.stream_id(7)])])]),
    "NACK delivered in the far future": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(ONE, 2**63 - 1, 2**63 - 1)], [w.consumer(ANNA, [ONE])])]),
    "NACK delivered before time began": w.stream([NODE], 2, groups=[w.group(
        b"g", [w.pending(ONE, -(2**63), 0)], [w.consumer(ANNA, [ONE])])]),
}


@pytest.fixture(scope="module")
def server(shared_servers):
    return shared_servers("kiln")


@pytest.fixture
def client(server):
    with server.connect() as connection:
        connection.call("FLUSHALL")
        connection.call("CONFIG", "SET", "sanitize-dump-payload", "no")
        yield connection
    assert server.is_alive(), server.log_tail()


@pytest.mark.parametrize("name", REFUSED)
def test_lies_are_refused_and_change_nothing(client, name):
    client.call("SET", "k", "before")
    reply = client.call("RESTORE", "k", 0, REFUSED[name], "REPLACE")
    assert reply[0] == "-" and (b"Bad data format" in reply[1] or b"version or checksum" in reply[1]), reply
    assert client.call("GET", "k") == ("$", b"before")


@pytest.mark.parametrize("name", SOUND)
def test_what_only_looks_odd_is_a_sound_value(client, name):
    assert client.call("RESTORE", "k", 0, SOUND[name]) == ("+", b"OK")
    assert_sound(client, "k", 1)
    client.call("RESTORE", "k", 0, SOUND[name], "REPLACE")
    for limit in ("hash-max-listpack-entries", "set-max-intset-entries", "set-max-listpack-entries",
                  "zset-max-listpack-entries"):
        client.call("CONFIG", "SET", limit, 0)
    assert client.call("RESTORE", "big", 0, SOUND[name]) == ("+", b"OK")
    assert_sound(client, "big", 2)
    for limit, default in (("hash-max-listpack-entries", 512), ("set-max-intset-entries", 512),
                           ("set-max-listpack-entries", 128), ("zset-max-listpack-entries", 128)):
        client.call("CONFIG", "SET", limit, default)


@pytest.mark.parametrize("ttl, options", [(2**63 - 1, []), (2**63 - 1, ["ABSTTL"]), (2**63 - 2, ["ABSTTL"]),
                                          (2**62, []), (1, ["ABSTTL"]), (2**53, ["ABSTTL", "REPLACE"])])
def test_times_to_live_overflow_nowhere(client, ttl, options):
    reply = client.call("RESTORE", "k", ttl, SOUND["text"], *options)
    assert reply[0] in "+-"
    left, at = client.call("PTTL", "k")[1], client.call("PEXPIRETIME", "k")[1]
    exists = client.call("EXISTS", "k")[1]
    if reply[0] == "+" and ttl > 1:
        assert exists == 1 and left > 0 and at > 0
    else:
        assert (exists, left, at) == (0, -2, -2)


@pytest.mark.parametrize("ttl", [-1, -(2**63), 2**63, "x", "", " 1", "1e3"])
def test_times_to_live_that_are_none_are_refused(client, ttl):
    assert client.call("RESTORE", "k", ttl, SOUND["text"])[0] == "-"
    assert client.call("EXISTS", "k") == (":", 0)


def test_a_key_that_clients_wait_for_is_replaced_beneath_them(server, client):
    """RESTORE REPLACE of another type, then of the type they wait for; each waits on or is served once."""
    commands = [["BLPOP", "k", 0], ["BZPOPMIN", "k", 0], ["XREAD", "BLOCK", 0, "STREAMS", "k", "0"],
                ["XREADGROUP", "GROUP", "g", "anna", "BLOCK", 0, "STREAMS", "k", ">"]]
    client.call("XGROUP", "CREATE", "k", "g", "$", "MKSTREAM")
    waiting = [server.connect() for _ in commands[2:]]
    for one, command in zip(waiting, commands[2:]):
        one.send(*command)
    wait_until(lambda: b"blocked_clients:2" in client.call("INFO", "clients")[1])
    assert client.call("RESTORE", "k", 0, SOUND["text"], "REPLACE") == ("+", b"OK")
    assert waiting[1].read()[0] == "-"  # the group is gone
    more = [server.connect() for _ in commands[:2]]
    client.call("DEL", "k")
    for one, command in zip(more, commands[:2]):
        one.send(*command)
    wait_until(lambda: b"blocked_clients:3" in client.call("INFO", "clients")[1])
    for name in ("hash", "list", "sorted set", "stream", "list"):
        assert client.call("RESTORE", "k", 0, SOUND[name], "REPLACE") == ("+", b"OK")
    assert more[0].read() == ("*", [("$", b"k"), ("$", b"a")])
    assert more[1].read() == ("*", [("$", b"k"), ("$", b"b"), ("$", b"0")])
    assert waiting[0].read()[0] == "*"
    for one in waiting + more:
        one.close()


def test_restoring_and_waiting_race_without_harm(server, client):
    """Two clients replace a key by values of all types while others wait for it, read it and are closed."""
    def replace(seed):
        with server.connect() as other:
            for step in range(300):
                payload = list(SOUND.values())[(seed * 7 + step) % len(SOUND)]
                assert other.call("RESTORE", "k", 0, payload, "REPLACE") == ("+", b"OK")

    threads = [threading.Thread(target=replace, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for _ in range(100):
        with server.connect() as one:
            one.send("BLPOP", "k", "0.001")
            one.send("BZPOPMAX", "k", "0.001")
            one.send("XREAD", "BLOCK", 1, "STREAMS", "k", "$")
            assert one.read()[0] in "*-"
    for thread in threads:
        thread.join()
    client.call("DEL", "k")
