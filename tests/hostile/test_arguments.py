"""Every argument of every command with extreme values: the server must answer, and go on answering."""

import pytest

import argument_grid
from conftest import require
from differential.grammar import COMMANDS, Speaker, name_of, tamed
from resp.wire import encode
from servers import Kiln, Redis

EXTREMES = ["0", "-1", "1", "-2147483648", "2147483647", "-9223372036854775808", "9223372036854775807", "2147483648",
            "4294967296", "9223372036854775808", "18446744073709551616", "1e400", "nan", "-0", " 1", "", "\x00",
            "x" * 300]
# These wait, end or silence the server, change how it is reached, or need gigabytes by contract.
LEFT_OUT = {"SHUTDOWN", "DEBUG", "KILN|LEASE", "REPLICAOF", "SLAVEOF", "FAILOVER", "MONITOR", "SYNC", "PSYNC",
            "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "QUIT", "WAIT", "WAITAOF", "MIGRATE", "AUTH",
            "RESET", "MULTI", "EXEC", "HELLO", "SAVE", "BGSAVE", "BGREWRITEAOF", "CLIENT|PAUSE",
            "CLIENT|REPLY", "CLIENT|KILL", "CONFIG|SET", "CONFIG|REWRITE", "ACL|SETUSER",
            "ACL|DELUSER", "XREAD", "XREADGROUP", "MODULE|LOAD", "MODULE|LOADEX", "SCRIPT|DEBUG",
            "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "CLUSTER", "READONLY", "READWRITE",
            "ASKING", "RESTORE-ASKING"}
# Of the grid, also what would be refused by every server or reach out to others.
LEFT_OUT_OF_GRID = {"CLIENT|PAUSE", "CLIENT|KILL", "CLIENT|TRACKING", "CLIENT|REPLY", "HELLO", "MIGRATE", "PSYNC",
                    "REPLICAOF", "SLAVEOF", "FAILOVER", "CLUSTER|MEET", "DEBUG", "SHUTDOWN", "KILN|LEASE"}
# Where the judge, an older version, decides otherwise: command, a word of the request, reason.
DIFFERENT = [
    ("LPOS", "-9223372036854775808", "taken there, and its absolute value is none"),
    ("WAIT", "9223372036854775807", "there the end of the time overflows"),
    ("XREAD", "9223372036854775807", "the same"),
    ("XREADGROUP", "9223372036854775807", "the same"),
]
VALUES = [["DEL", "string", "number", "list", "set", "zset", "hash", "hll", "geo", "stream"],
          ["SET", "string", "abcdef"], ["SET", "number", "5"], ["RPUSH", "list", "3", "1", "2"],
          ["SADD", "set", "a", "b"], ["ZADD", "zset", "1", "a", "2", "b"], ["HSET", "hash", "f", "1", "g", "2"],
          ["PFADD", "hll", "a", "b"], ["GEOADD", "geo", "1", "1", "a", "13", "38", "b"],
          ["XADD", "stream", "1-1", "f", "v"], ["XADD", "stream", "2-1", "f", "v"],
          ["XGROUP", "CREATE", "stream", "g", "0"], ["XREADGROUP", "GROUP", "g", "anna", "STREAMS", "stream", ">"]]
LIMITS = ("--proto-max-bulk-len", "32mb")  # also the longest string that is made
BATCH = 200
MAX_GROWTH_BYTES = 512 << 20  # a sanitizer keeps some of what is freed
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


def answers(client, requests) -> list:
    """The kind of reply to each: whether it was refused. Values are made anew before each."""
    around = 5 + len(VALUES)
    client.send_raw(b"".join(encode(command) for words in requests for command in (
        *VALUES, ["MULTI"], words, ["EXEC"], ["SELECT", "0"], ["ECHO", "end"])))
    kinds = []
    for words in requests:
        replies = [client.read() for _ in range(around)]
        assert replies[-2:] == [("+", b"OK"), ("$", b"end")], (words, replies)
        done = replies[-3]  # what EXEC says, or that it does not run what was refused at once
        kinds.append(done[0] == "-" or done[1][0][0] == "-")
    return kinds


def judged(request, name) -> bool:
    return not any(command == name and word in request for command, word, _ in DIFFERENT)


def test_every_number_of_every_command_with_extreme_values():
    """No blocking command waits: each stands between MULTI and EXEC. The judge refuses what we refuse."""
    with Kiln(*LIMITS) as kiln, require(Redis)(*LIMITS) as peer, kiln.connect(60) as ours, peer.connect(60) as theirs:
        before, differ = kiln.rss_bytes(), []
        for name, fields in argument_grid.docs_of(ours).items():
            if name in LEFT_OUT_OF_GRID or name.split("|")[0] in LEFT_OUT_OF_GRID:
                continue
            grid = [words for words in argument_grid.requests_of(name, fields) if is_answerable(words)]
            for start in range(0, len(grid), BATCH):
                batch = grid[start:start + BATCH]
                mine = answers(ours, batch)
                known = theirs.call("COMMAND", "INFO", name)[1][0][1]
                if not known:
                    continue
                for words, refused, refused_there in zip(batch, mine, answers(theirs, batch)):
                    if refused != refused_there and judged(words, name):
                        differ.append((words, "refused" if refused else "done"))
        assert kiln.is_alive() and kiln.rss_bytes() - before < MAX_GROWTH_BYTES, kiln.log_tail()
        assert not differ, f"{len(differ)}: " + "\n".join(map(str, differ[:200]))


def is_answerable(words) -> bool:
    """Not with as many elements as were asked for: they are gigabytes."""
    return words[0] not in ("SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER") or "-2147483648" not in words


def test_keys_of_requests_with_extreme_values_are_found_or_refused():
    """COMMAND GETKEYS and ACL DRYRUN look at requests that nobody checks for them; also at those cut short."""
    with Kiln() as kiln, kiln.connect(60) as client:
        for name, fields in argument_grid.docs_of(client).items():
            grid = argument_grid.requests_of(name, fields) or [name.split("|")]
            asked = [words[:count] for words in grid[::3] for count in {1, 2, len(words) - 1, len(words)} if count]
            requests = [[*ask, *words] for words in asked for ask in (
                ("COMMAND", "GETKEYS"), ("COMMAND", "GETKEYSANDFLAGS"), ("ACL", "DRYRUN", "default"))]
            for start in range(0, len(requests), BATCH):
                replies = client.pipeline(requests[start:start + BATCH])
                assert all(reply[0] in "*-+" for reply in replies)
        assert client.call("PING") == ("+", b"PONG")


# Of these, extreme values change how the server is reached or how long it lives, or end our own client.
NOT_SET = {"port", "tls-port", "bind", "maxclients", "maxmemory-clients", "timeout", "unixsocketperm", "dir"}


def test_every_number_of_the_configuration_with_extreme_values():
    """What is taken reads back as a number and the server serves on; what is refused changes nothing."""
    with Kiln() as kiln, kiln.connect(60) as client:
        items = [item[1].decode() for item in client.call("CONFIG", "GET", "*")[1]]
        numbers = {name: value for name, value in zip(items[::2], items[1::2])
                   if value.lstrip("-").isdigit() and name not in NOT_SET}
        assert len(numbers) > 30
        for name, value in numbers.items():
            for extreme in argument_grid.EXTREMES:
                before = client.call("CONFIG", "GET", name)
                reply = client.call("CONFIG", "SET", name, extreme)
                after = client.call("CONFIG", "GET", name)
                assert reply == ("+", b"OK") or reply[0] == "-" and after == before, (name, extreme, reply)
                assert client.call("PING") == ("+", b"PONG"), (name, extreme)
                client.pipeline([["CONFIG", "SET", name, value], *VALUES, ["INFO"]])
            assert client.call("CONFIG", "GET", name)[1][1] == ("$", value.encode()), name
        assert kiln.is_alive(), kiln.log_tail()
