"""Every argument of every command with extreme values: the server must answer, and go on answering."""

import pytest

from differential.grammar import COMMANDS, Speaker, name_of, tamed
from resp.wire import encode

EXTREMES = ["0", "-1", "1", "-2147483648", "2147483647", "-9223372036854775808", "9223372036854775807", "2147483648",
            "4294967296", "9223372036854775808", "18446744073709551616", "1e400", "nan", "-0", " 1", "", "\x00",
            "x" * 300]
# These wait, end or silence the server, change how it is reached, or need gigabytes by contract.
LEFT_OUT = {"SHUTDOWN", "DEBUG", "REPLICAOF", "SLAVEOF", "FAILOVER", "MONITOR", "SYNC", "PSYNC",
            "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "QUIT", "WAIT", "WAITAOF", "MIGRATE", "AUTH",
            "RESET", "MULTI", "EXEC", "HELLO", "SAVE", "BGSAVE", "BGREWRITEAOF", "CLIENT|PAUSE",
            "CLIENT|REPLY", "CLIENT|KILL", "CONFIG|SET", "CONFIG|REWRITE", "ACL|SETUSER",
            "ACL|DELUSER", "XREAD", "XREADGROUP", "MODULE|LOAD", "MODULE|LOADEX", "SCRIPT|DEBUG",
            "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "CLUSTER", "READONLY", "READWRITE",
            "ASKING", "RESTORE-ASKING"}
BATCH = 200
MAX_ARGUMENTS = 7


@pytest.fixture
def server(server_kind):
    with server_kind() as running:
        yield running


def leaves(reply, path=()):
    """Commands and subcommands as tuples of words with their arity and flags."""
    for entry in reply[1]:
        row = entry[1]
        words = tuple(row[0][1].decode().upper().split("|"))
        subcommands = row[9] if len(row) > 9 else ("*", [])
        if subcommands[1]:
            yield from leaves(subcommands, words)
        else:
            yield words, row[1][1], {flag[1] for flag in row[2][1]}


def is_left_out(words, flags) -> bool:
    return words[0] in LEFT_OUT or "|".join(words) in LEFT_OUT or b"blocking" in flags


def grid(words, arity):
    """Requests of the smallest and of two larger counts, each with each extreme at each place."""
    least = max(abs(arity), len(words) + 1)
    counts = [least] if arity > 0 else [least, least + 1, least + 3]
    for count in counts:
        base = [*words, *["1"] * (count - len(words))][:MAX_ARGUMENTS]
        for place in range(len(words), len(base)):
            for extreme in EXTREMES:
                yield tamed([*base[:place], extreme, *base[place + 1:]])


def spoken(seed: int):
    """Well-formed requests of the fuzzer's grammar, each with each extreme at each place."""
    speaker = Speaker(seed)
    for node in COMMANDS:
        if name_of(node) in LEFT_OUT:
            continue
        words = speaker.command([node])
        for place in range(1, min(len(words), MAX_ARGUMENTS)):
            for extreme in EXTREMES:
                yield tamed([*words[:place], extreme, *words[place + 1:]])


def assert_answers(server, requests):
    requests = list(requests)
    with server.connect(timeout_s=60) as client:
        client.call("FLUSHALL")
        for start in range(0, len(requests), BATCH):
            batch = requests[start:start + BATCH]
            client.send_raw(b"".join(map(encode, batch)) + encode(["ECHO", "end of batch"]))
            try:
                replies = [client.read() for _ in batch]
            except Exception as error:
                pytest.fail(f"{error!r} within {batch[:3]} ... {batch[-3:]}\n{server.log_tail()}")
            assert client.read() == ("$", b"end of batch"), f"replies out of step within {batch[:3]}"
            assert all(reply[0] for reply in replies)
    assert server.is_alive(), server.log_tail()


def test_every_command_with_extreme_arguments(server):
    with server.connect() as client:
        commands = [leaf for leaf in leaves(client.call("COMMAND")) if not is_left_out(leaf[0], leaf[2])]
    assert len(commands) > 100
    for words, arity, _ in commands:
        assert_answers(server, grid(words, arity))


@pytest.mark.parametrize("seed", range(3))
def test_well_formed_commands_with_one_extreme_argument(server, seed):
    assert_answers(server, spoken(seed))


def error_of(client, *command) -> bytes:
    reply = client.call(*command)
    assert reply[0] == "-", (command, reply)
    return reply[1]


def test_string_size_limits(server):
    with server.connect(timeout_s=60) as client:
        limit = 512 * 1024 * 1024
        assert b"exceeds maximum allowed size" in error_of(client, "SETRANGE", "k", limit, "x")
        assert b"exceeds maximum allowed size" in error_of(client, "SETRANGE", "k", limit - 1, "xx")
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
