"""INFO's rdb_changes_since_last_save: one change for each element that a command adds, changes or takes away."""

import pytest

# What is said first, then the command and how many changes it is.
CASES = [
    ([], "SET k v", 1),
    ([], "MSET a 1 b 2 c 3", 3),
    (["SET k v"], "DEL k nope", 1),
    ([], "BITFIELD b SET u8 0 5 INCRBY u8 0 2 GET u8 0", 2),
    (["SETBIT b 7 1"], "SETBIT b 7 1", 0),
    ([], "SADD s a b c a", 3),
    (["SADD s a"], "SADD s a", 0),
    (["SADD s a b c"], "SREM s a b nope", 2),
    (["SADD s a b c"], "SPOP s 2", 2),
    (["SADD s a b c"], "SPOP s 9", 3),
    (["SADD s a", "SADD t b"], "SMOVE s t a", 2),
    ([], "HSET h a 1 b 2", 2),
    (["HSET h a 1 b 2"], "HDEL h a nope", 1),
    (["ZADD z 1 a 2 b"], "ZADD z 1 a 9 b 3 c", 2),
    (["ZADD z 1 a 2 b 3 c"], "ZREM z a b nope", 2),
    (["ZADD z 1 a 2 b 3 c"], "ZPOPMIN z 2", 2),
    (["ZADD z 1 a 2 b 3 c"], "ZREMRANGEBYSCORE z 2 3", 2),
    (["ZADD z 1 a 2 b 3 c"], "ZRANGESTORE y z 0 -1", 1),
    ([], "RPUSH l 1 2 3", 3),
    (["RPUSH l 1 2 3"], "LPOP l 2", 2),
    (["RPUSH l 1 2 3"], "LTRIM l 1 1", 2),
    (["RPUSH l 3 1 2"], "SORT l STORE sorted", 3),
    (["SET k v"], "RENAME k k2", 1),
    (["SET k v"], "MOVE k 1", 1),
    (["SET k v"], "EXPIRE k 100", 1),
]


@pytest.fixture
def client(server_name, shared_servers):
    if ":" in server_name:
        pytest.skip("needs a server of its own")
    with shared_servers(server_name).connect() as connection:
        connection.call("FLUSHALL")
        yield connection


def changes(client) -> int:
    text = client.call("INFO", "persistence")[1].decode()
    return int(text.split("rdb_changes_since_last_save:")[1].split("\r\n")[0])


@pytest.mark.parametrize("before, command, expected", CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_changes_of_a_command(client, before, command, expected):
    for line in before:
        client.call(*line.split())
    start = changes(client)
    assert client.call(*command.split())[0] != "-"
    assert changes(client) - start == expected
