"""MULTI, EVAL, WATCH and multi-key commands are atomic whatever the others do."""

from stress import crowd

ACCOUNTS = 20
TOTAL = ACCOUNTS * 100


def names(member) -> list:
    return [f"account:{number}" for number in member.rng.sample(range(ACCOUNTS), 2)]


def transfer_by_multi(member):
    while member.goes_on():
        source, target = names(member)
        amount = member.rng.randint(1, 20)
        replies = member.client.pipeline([["MULTI"], ["DECRBY", source, amount], ["INCRBY", target, amount], ["EXEC"]])
        assert replies[3][0] == "*" and len(replies[3][1]) == 2


def transfer_by_script(member):
    script = "redis.call('DECRBY', KEYS[1], ARGV[1]) return redis.call('INCRBY', KEYS[2], ARGV[1])"
    while member.goes_on():
        assert member.client.call("EVAL", script, 2, *names(member), member.rng.randint(1, 20))[0] == ":"


def transfer_with_undeclared_keys(member):
    script = "redis.call('DECRBY', ARGV[1], ARGV[3]) return redis.call('INCRBY', ARGV[2], ARGV[3])"
    while member.goes_on():
        assert member.client.call("EVAL", script, 0, *names(member), member.rng.randint(1, 20))[0] == ":"


def transfer_by_watch(member):
    won = 0
    while member.goes_on():
        source, target = names(member)
        member.client.call("WATCH", source, target)
        here, there = (int(value) for _, value in member.client.call("MGET", source, target)[1])
        replies = member.client.pipeline([["MULTI"], ["SET", source, here - 7], ["SET", target, there + 7], ["EXEC"]])
        won += replies[3][1] is not None
    assert won, "WATCH never let EXEC through"


def transfer_by_mset(member):
    """A single-writer MSET pair: both values always agree."""
    value = 0
    while member.goes_on():
        value += 1
        member.client.call("MSET", "twin:a", value, "twin:b", value, "twin:c", value)


def count_money(member):
    keys = [f"account:{number}" for number in range(ACCOUNTS)]
    sum_script = "local s = 0 for _, k in ipairs(KEYS) do s = s + redis.call('GET', k) end return s"
    while member.goes_on():
        member.rng.shuffle(keys)
        values = member.client.call("MGET", *keys)[1]
        assert sum(int(value) for _, value in values) == TOTAL, values
        replies = member.client.pipeline([["MULTI"], *[["GET", key] for key in keys], ["EXEC"]])
        assert sum(int(value) for _, value in replies[-1][1]) == TOTAL
        assert member.client.call("EVAL", sum_script, len(keys), *keys) == (":", TOTAL)


def compare_twins(member):
    while member.goes_on():
        values = {value for _, value in member.client.call("MGET", "twin:a", "twin:b", "twin:c")[1]}
        assert len(values) == 1, values


def rename_about(member):
    """A key is always under exactly one of two names."""
    if member.number % 2:
        member.client.call("SET", "here", "x")
    while member.goes_on():
        member.client.call("RENAME", "here", "there")
        member.client.call("RENAME", "there", "here")


def look_for_it(member):
    while member.goes_on():
        replies = member.client.pipeline([["MULTI"], ["EXISTS", "here"], ["EXISTS", "there"], ["EXEC"]])[3][1]
        assert replies in ([(":", 0), (":", 1)], [(":", 1), (":", 0)]), replies


def test_money_is_neither_made_nor_lost(server):
    with server.connect() as client:
        client.call("MSET", *(word for number in range(ACCOUNTS) for word in (f"account:{number}", 100)))
    crowd.run(server, (transfer_by_multi, 2), (transfer_by_script, 2), (transfer_with_undeclared_keys, 1),
              (transfer_by_watch, 2), (count_money, 3))
    with server.connect() as client:
        values = client.call("MGET", *(f"account:{number}" for number in range(ACCOUNTS)))[1]
        assert sum(int(value) for _, value in values) == TOTAL


def test_mset_is_seen_whole(server):
    with server.connect() as client:
        client.call("MSET", "twin:a", 0, "twin:b", 0, "twin:c", 0)
    crowd.run(server, (transfer_by_mset, 1), (compare_twins, 3))


def test_rename_has_no_moment_between(server):
    with server.connect() as client:
        client.call("SET", "here", "x")
    crowd.run(server, (rename_about, 1), (look_for_it, 3))


def increment(member):
    while member.goes_on():
        member.client.pipeline([["INCR", "counter"]] * 50)
        member.client.call("INCRBY", "rounds", 50)


def test_no_increment_is_lost(server):
    crowd.run(server, (increment, 6))
    with server.connect() as client:
        assert client.call("GET", "counter") == client.call("GET", "rounds")
