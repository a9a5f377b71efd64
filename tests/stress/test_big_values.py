"""Big values that are read by reference while others overwrite, extend and remove them: none is seen half changed."""

from resp.wire import encode
from stress import crowd

BYTES = 100_000
KEYS = 4


def key(member) -> str:
    return f"big{member.rng.randrange(KEYS)}"


def value(member) -> bytes:
    return bytes([member.rng.randint(65, 90)]) * member.rng.choice([BYTES, BYTES, BYTES + 30_000, 60_000])


def check(text):
    assert text is None or text == text[:1] * len(text), "a value of two letters"


def write(member):
    """Each change leaves a value of one letter."""
    while member.goes_on():
        name, text = key(member), value(member)
        kind = member.rng.randint(0, 7)
        if kind == 0:
            member.client.call("DEL", name)
        elif kind == 1:
            member.client.call("RENAME", name, key(member))
        elif kind == 2:
            member.client.call("SET", name, text, "PX", "5")
        elif kind == 3:
            check(member.client.call("SET", name, text, "GET")[1])
        elif kind == 4:
            member.client.send_raw(encode(["MULTI"]) + encode(["SET", name, text[:-10_000]]) +
                                   encode(["APPEND", name, text[-10_000:]]) + encode(["EXEC"]))
            for _ in range(4):
                member.client.read()
        else:
            # In place, wherever there is a value and nobody reads it.
            member.client.call("EVAL", "local n = redis.call('STRLEN', KEYS[1]) if n > 0 then "
                               "redis.call('SETRANGE', KEYS[1], 0, string.rep(ARGV[1], n)) end", "1", name, text[:1])


def read(member):
    while member.goes_on():
        kind = member.rng.randint(0, 3)
        if kind == 0:
            for _, text in member.client.call("MGET", *[key(member) for _ in range(5)])[1]:
                check(text)
        elif kind == 1:
            check(member.client.call("GETRANGE", key(member), "5", "-6")[1])
        else:
            names = [key(member) for _ in range(20)]
            member.client.send_raw(b"".join(encode(["GET", name]) for name in names))
            for _ in names:
                check(member.client.read()[1])


def leave(member):
    """Asks for much, reads some of it, and is gone."""
    while member.goes_on():
        with member.connect() as client:
            client.send_raw(encode(["GET", key(member)]) * 50)
            client.read()


def flush(member):
    while member.goes_on():
        member.client.call("FLUSHALL", member.rng.choice(["SYNC", "ASYNC"]))
        for _ in range(50):
            member.client.call("PING")


def test_no_value_is_seen_half_changed(server):
    crowd.run(server, (write, 3), (read, 3), (leave, 1), (flush, 1))
    with server.connect() as client:
        assert client.call("PING") == ("+", b"PONG")
