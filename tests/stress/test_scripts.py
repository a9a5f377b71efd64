"""Scripts beside scripts: under the locks of their keys, alone, and beside those who wait for what they do."""

from stress import crowd

LISTS = [f"list:{number}" for number in range(12)]
MOVE = "local v = redis.call('LPOP', KEYS[1]) if v then redis.call('RPUSH', KEYS[2], v) end return 1"
MOVE_UNDECLARED = "local v = redis.call('LPOP', ARGV[1]) if v then redis.call('RPUSH', ARGV[2], v) end return 1"
SPREAD = ("for i, key in ipairs(KEYS) do redis.call('RPUSH', key, i) end "
          "for i = 1, #KEYS do redis.call('RPOP', KEYS[i]) end return redis.call('LLEN', KEYS[1])")
COUNT = "local sum = 0 for _, key in ipairs(KEYS) do sum = sum + redis.call('LLEN', key) end return sum"
ELEMENTS = 500


def move(member):
    sha = member.client.call("SCRIPT", "LOAD", MOVE)[1]
    while member.goes_on():
        pair = member.rng.sample(LISTS, 2)
        if member.client.call("EVALSHA", sha, 2, *pair)[0] == "-":  # after SCRIPT FLUSH
            assert member.client.call("EVAL", MOVE, 2, *pair) == (":", 1)


def move_alone(member):
    while member.goes_on():
        assert member.client.call("EVAL", MOVE_UNDECLARED, 0, *member.rng.sample(LISTS, 2)) == (":", 1)


def move_in_transactions(member):
    while member.goes_on():
        replies = member.client.pipeline([["MULTI"], ["EVAL", MOVE, 2, *member.rng.sample(LISTS, 2)], ["EXEC"]])
        assert replies[2] == ("*", [(":", 1)])


def spread(member):
    while member.goes_on():
        assert member.client.call("EVAL", SPREAD, 5, *member.rng.sample(LISTS, 5))[0] == ":"


def wait_and_put_back(member):
    """Served by scripts also: what BLMOVE takes it puts elsewhere under the script's locks."""
    while member.goes_on():
        source, target = member.rng.sample(LISTS, 2)
        assert member.client.call("BLMOVE", source, target, "LEFT", "RIGHT", "0.01")[0] in "$*"


def count(member):
    while member.goes_on():
        assert member.client.call("EVAL", COUNT, len(LISTS), *LISTS) == (":", ELEMENTS)


def disturb(member):
    while member.goes_on():
        member.client.call(*member.rng.choice([
            ["SCRIPT", "FLUSH"], ["SCRIPT", "KILL"], ["SCRIPT", "EXISTS", "0" * 40], ["INFO", "memory"],
            ["EVAL", "return redis.call('NOSUCH')", 0], ["FUNCTION", "STATS"],
            ["EVAL", "error(KEYS[1])", 1, "list:1"], ["EVAL_RO", "return redis.call('SET', KEYS[1], 1)", 1, "list:1"]]))


def test_scripts_of_all_kinds_lose_nothing(server):
    with server.connect() as client:
        client.call("RPUSH", LISTS[0], *range(ELEMENTS))
    crowd.run(server, (move, 3), (move_alone, 1), (move_in_transactions, 1), (spread, 2), (wait_and_put_back, 2),
              (count, 1), (disturb, 1))
    with server.connect() as client:
        assert client.call("EVAL", COUNT, len(LISTS), *LISTS) == (":", ELEMENTS)
