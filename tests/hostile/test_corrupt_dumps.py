"""DUMP payloads with bytes changed and the checksum mended: refused, or a value that stands any traffic.

CORRUPT_SECONDS (3) for each test from CORRUPT_SEED (1); a failure names the seed of its round.
"""

import os
import random
import time

import pytest

import dump_writer as w
from dump_traffic import KINDS, assert_written_again, traffic, whole
from servers import Kiln
from test_dump_corpus import SOUND

INTERESTING = [0, 1, 2, 3, 63, 64, 127, 128, 129, 192, 195, 253, 254, 255]
MAX_GROWTH_BYTES = 1 << 30  # a sanitizer keeps some of what is freed
END_BYTES = 10  # version and checksum


@pytest.fixture
def server():
    with Kiln("--enable-debug-command", "yes") as running:
        yield running


def seconds() -> float:
    return float(os.environ.get("CORRUPT_SECONDS", 3))


def written_by_kiln(client) -> list:
    """Values of every type and form, as DUMP gives them."""
    commands = [["SET", "a", "text"], ["SET", "b", 12345], ["SET", "c", "abc" * 50], ["SETBIT", "d", 5000, 1],
                ["RPUSH", "e", "a", 1, -70000, "x" * 100], ["RPUSH", "f", *(f"element {i}" for i in range(40))],
                ["RPUSH", "g", "y" * 9000, "z"], ["SADD", "h", 1, 2, 70000], ["SADD", "i", "a", "b", 3],
                ["SADD", "j", *range(600)], ["ZADD", "l", 1, "a", 2.5, "b", "-inf", "c"],
                ["ZADD", "m", *(word for i in range(140) for word in (i / 7, f"m{i}"))], ["HSET", "n", "f", "v", 1, 2],
                ["HSET", "o", "f", "v" * 100, "g", 1], ["PFADD", "p", *range(50)], ["PFADD", "q", *range(3000)],
                ["GEOADD", "r", 13.4, 52.5, "a", -0.1, 51.5, "b"], ["XADD", "s", "1-1", "f", "v"],
                ["XADD", "s", "1-2", "f", "w"], ["XADD", "s", "2-0", "f", "w", "g", "x"], ["XDEL", "s", "1-2"],
                ["XGROUP", "CREATE", "s", "g", 0],
                ["XREADGROUP", "GROUP", "g", "anna", "COUNT", 1, "STREAMS", "s", ">"],
                ["XREADGROUP", "GROUP", "g", "bert", "STREAMS", "s", ">"], ["XGROUP", "CREATE", "s", "h", "$"],
                ["HSET", "t", "f", "v", "g", "w"], ["HEXPIRE", "t", 5000, "FIELDS", 1, "f"]]
    client.pipeline(commands)
    keys = client.call("KEYS", "*")[1]
    return [client.call("DUMP", key)[1] for _, key in sorted(keys)]


def seeds(client) -> list:
    """Their bodies, the small ones more often than those that take long to seal."""
    payloads = written_by_kiln(client) + list(SOUND.values())
    bodies = [payload[:-END_BYTES] for payload in payloads]
    return [body for body in bodies for _ in range(5 if len(body) < 500 else 1) if len(body) < 15_000]


def spoilt(body: bytes, bodies: list, rng: random.Random) -> bytes:
    out = bytearray(body)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at, kind = rng.randrange(len(out) or 1), rng.random()
        if not out or kind < 0.1:
            out[at:at] = bytes([rng.choice(INTERESTING)])
        elif kind < 0.45:
            out[at] ^= 1 << rng.randrange(8)
        elif kind < 0.7:
            out[at] = rng.choice(INTERESTING)
        elif kind < 0.8:
            del out[at:at + rng.randint(1, 4)]
        elif kind < 0.9:  # said twice
            out[at:at] = out[at:at + rng.randint(1, 40)]
        elif kind < 0.95:
            del out[at + 1:]
        else:
            other = rng.choice(bodies)
            out[at:] = other[rng.randrange(len(other)):]
    return bytes(out)


def one_round(client, payload: bytes, rng: random.Random) -> bool:
    """Whether it was taken. One that was must be a value like any other."""
    reply = client.call("RESTORE", "k", 0, payload, "REPLACE")
    if reply[0] == "-":
        assert b"Bad data format" in reply[1]
        return False
    kind = KINDS[client.call("TYPE", "k")[1]]
    if kind == "hash" and client.call("HLEN", "k") == (":", 0):
        return True  # all its fields are due
    assert_written_again(client, "k")
    replies = client.pipeline(traffic(kind, rng) + [["DEBUG", "DIGEST-VALUE", "k"], ["COPY", "k", "other", "REPLACE"],
                                                    ["MEMORY", "USAGE", "k"], ["OBJECT", "ENCODING", "k"]])
    assert all(reply[0] in "+-:$*" for reply in replies)
    if client.call("EXISTS", "k") == (":", 1) and whole(client, "k"):
        assert_written_again(client, "k")
    client.call("DEL", "k", "other", "again")
    return True


@pytest.mark.parametrize("sanitize", ["yes", "no"])
def test_spoilt_payloads_are_refused_or_sound(server, sanitize):
    first = int(os.environ.get("CORRUPT_SEED", 1))
    with server.connect() as client:
        assert client.call("CONFIG", "SET", "sanitize-dump-payload", sanitize) == ("+", b"OK")
        bodies = seeds(client)
        client.call("FLUSHALL")
        before, taken, rounds, end = server.rss_bytes(), 0, 0, time.monotonic() + seconds()
        while time.monotonic() < end:
            seed = first * 10**6 + rounds
            rng = random.Random(seed)
            payload = w.sealed(spoilt(rng.choice(bodies), bodies, rng))
            try:
                taken += one_round(client, payload, rng)
            except Exception as error:
                pytest.fail(f"seed {seed}: {error!r} after {payload!r}\n{server.log_tail()}")
            rounds += 1
        print(f"seeds {first * 10**6} to {first * 10**6 + rounds}: {taken} were taken")
        assert taken > rounds // 20
        assert server.rss_bytes() - before < MAX_GROWTH_BYTES
    assert server.is_alive(), server.log_tail()


LIBRARIES = ["#!lua name=one\nredis.register_function('f', function(keys, args) return args end)",
             "#!lua name=two\nredis.register_function{function_name='g', callback=function() return 1 end, "
             "flags={'no-writes'}, description='" + "d" * 200 + "'}"]


def test_spoilt_libraries_are_refused_or_run(server):
    """FUNCTION RESTORE; what it refuses leaves the libraries as they were."""
    rng = random.Random(int(os.environ.get("CORRUPT_SEED", 1)))
    with server.connect() as client:
        bodies = []
        for library in LIBRARIES:
            client.call("FUNCTION", "LOAD", library)
            bodies.append(client.call("FUNCTION", "DUMP")[1][:-END_BYTES])
        for _ in range(1500):
            before = client.call("FUNCTION", "LIST", "WITHCODE")
            payload = w.sealed(spoilt(rng.choice(bodies), bodies, rng))
            reply = client.call("FUNCTION", "RESTORE", payload, rng.choice(["FLUSH", "APPEND", "REPLACE"]))
            assert reply[0] in "+-", payload
            if reply[0] == "-":
                assert client.call("FUNCTION", "LIST", "WITHCODE") == before, payload
            assert client.call("FCALL", "f", 0, "x")[0] in "*-:$" and client.call("FCALL", "g", 0)[0] in "*-:$"
        for payload in (b"", w.sealed(b""), w.sealed(b"\xf5"), w.sealed(b"\xf5" + w.text(b"#!lua", told=2**62)),
                        w.sealed(b"\xf6" + w.text(b"#!lua")), w.sealed(b"\xf5" + w.compressed(b"\x00a", 2**32))):
            assert client.call("FUNCTION", "RESTORE", payload)[0] == "-" or payload == w.sealed(b"")
    assert server.is_alive(), server.log_tail()
