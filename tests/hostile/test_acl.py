"""Users against the walls of rules: rights taken away, spelt wrongly, asked about, and what refusals tell."""

import itertools
import random

import pytest

from resp.wire import Closed, encode
from servers import HOST, Kiln, wait_until

OK = ("+", b"OK")
ALL = ("on", "nopass", "+@all", "~*", "&*")


@pytest.fixture
def server():
    with Kiln("--enable-debug-command", "yes") as running:
        yield running


@pytest.fixture
def admin(server):
    with server.connect() as client:
        yield client


def user(server, admin, name="anna", rules=ALL):
    """A connection of a user with these rules."""
    assert admin.call("ACL", "SETUSER", name, *rules) == OK
    client = server.connect()
    assert client.call("AUTH", name, "any") == OK
    return client


def is_closed(client) -> bool:
    try:
        while True:
            client.read()
    except Closed:
        return True


def blocked(admin, count: int):
    wait_until(lambda: b"blocked_clients:%d\r\n" % count in admin.call("INFO", "clients")[1], what="clients wait")


# ---- A02: what is taken away is gone at once ----


def test_an_open_connection_loses_a_right_at_once(server, admin):
    with user(server, admin) as anna:
        assert anna.call("SET", "k", "v") == OK
        for taken, given, command in (("-set", "+set", ["SET", "k", "w"]), ("resetkeys", "~*", ["GET", "k"]),
                                      ("resetchannels", "&*", ["PUBLISH", "c", "m"]),
                                      ("-@string", "+@string", ["APPEND", "k", "x"]),
                                      ("-config|get", "+config|get", ["CONFIG", "GET", "port"])):
            admin.call("ACL", "SETUSER", "anna", taken)
            assert anna.call(*command)[1].startswith(b"NOPERM")
            admin.call("ACL", "SETUSER", "anna", given)
            assert anna.call(*command)[0] != "-"


@pytest.mark.parametrize("taken", ["-set", "resetkeys", "nocommands", "reset"])
def test_queued_commands_are_judged_again_when_they_run(server, admin, taken):
    with user(server, admin) as anna:
        assert anna.call("MULTI") == OK
        assert anna.call("SET", "k", "stolen") == ("+", b"QUEUED")
        assert anna.call("EVAL", "return redis.call('SET', KEYS[1], 1)", 1, "k") == ("+", b"QUEUED")
        admin.call("ACL", "SETUSER", "anna", taken, "+exec")
        reply = anna.call("EXEC")
        assert reply[0] == "-" or reply[1][0][0] == "-" and b"NOPERM" in reply[1][0][1]
        assert admin.call("EXISTS", "k") == (":", 0) or taken == "-set"


@pytest.mark.parametrize("command, give", [
    (["BLPOP", "k", 0], ["RPUSH", "k", "secret"]),
    (["BLMOVE", "k", "mine", "LEFT", "LEFT", 0], ["RPUSH", "k", "secret"]),
    (["BZPOPMIN", "k", 0], ["ZADD", "k", 1, "secret"]), (["BLMPOP", 0, 1, "k", "LEFT"], ["RPUSH", "k", "secret"]),
    (["XREAD", "BLOCK", 0, "STREAMS", "k", "$"], ["XADD", "k", "*", "f", "secret"])])
@pytest.mark.parametrize("taken", ["resetkeys", "nocommands"])
def test_a_waiting_client_gets_nothing_that_it_may_no_longer_have(server, admin, command, give, taken):
    with user(server, admin) as anna:
        anna.send(*command)
        blocked(admin, 1)
        admin.call("ACL", "SETUSER", "anna", taken)
        assert admin.call(*give)[0] in ":$"
        assert anna.read()[1].startswith(b"NOPERM")
        size = {"XADD": "XLEN", "ZADD": "ZCARD"}.get(give[0], "LLEN")
        assert admin.call(size, "k") == (":", 1)
        assert admin.call("EXISTS", "mine") == (":", 0)


def test_waiting_clients_of_a_deleted_user_are_closed(server, admin):
    clients = [user(server, admin) for _ in range(5)]
    for client, command in zip(clients, (["BLPOP", "k", 0], ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"], ["WAIT", 1, 0],
                                         ["SUBSCRIBE", "c"], ["MONITOR"])):
        client.send(*command)
    blocked(admin, 3)
    assert admin.call("ACL", "DELUSER", "anna") == (":", 1)
    assert all(map(is_closed, clients))
    assert admin.call("RPUSH", "k", "x") == (":", 1)
    assert admin.call("LLEN", "k") == (":", 1)


@pytest.mark.parametrize("subscribe", [["SUBSCRIBE", "news"], ["PSUBSCRIBE", "n*"], ["SSUBSCRIBE", "news"]])
def test_a_listener_whose_channel_is_taken_away_is_closed(server, admin, subscribe):
    with user(server, admin) as anna, user(server, admin, "bert") as bert:
        anna.call(*subscribe)
        bert.call(*subscribe)
        assert admin.call("ACL", "SETUSER", "anna", "resetchannels", "&other") == OK
        assert is_closed(anna)
        assert admin.call("SPUBLISH" if subscribe[0][0] == "S" and subscribe[0][1] == "S" else "PUBLISH",
                          "news", "m") == (":", 1)


def test_scripts_and_functions_have_the_rights_of_who_calls_them(server, admin):
    script = "return redis.call('GET', 'secret')"
    sha = admin.call("SCRIPT", "LOAD", script)[1]
    admin.call("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() " + script + " end)")
    admin.call("SET", "secret", "s")
    calls = (["EVAL", script, 0], ["EVALSHA", sha, 0], ["FCALL", "f", 0],
             ["EVAL", "return redis.pcall('GET', 'secret')", 0],
             ["EVAL", "return redis.call('EVAL', 'return 1', 0)", 0])
    with user(server, admin) as anna:
        assert [anna.call(*call)[1] for call in calls[:4]] == [b"s"] * 4
        for taken in ("resetkeys", "-get"):
            admin.call("ACL", "SETUSER", "anna", *ALL)
            admin.call("ACL", "SETUSER", "anna", taken)
            for call in calls:
                reply = anna.call(*call)
                assert reply[0] == "-" and b"secret" not in reply[1].split(b"script")[0], reply
        admin.call("ACL", "SETUSER", "anna", *ALL, "-evalsha", "-fcall")
        assert anna.call(*calls[0]) == ("$", b"s")
        assert all(anna.call(*call)[1].startswith(b"NOPERM") for call in calls[1:3])


# ---- A03: what a rule is ----

PIECES = ["(", ")", "((", "))", "()", "(+get ~a)", "(+get", "~a)", "( )", "(~", "(%R~a +@all)", "+", "-", "+@",
          "-@", "~",
          "&", "%", "%R", "%R~", "%W~", "%RW~", "%WR~x", "%RR~x", "%X~x", "+get|", "+|get", "+config|get",
          "-config|get",
          "+config|get|x", "+get|a", "+@read", "-@nosuch", "+nosuch", ">", "<", "#", "!", ">p", "#" + "0" * 64,
          "#" + "0" * 63, "!" + "0" * 64, "on", "off", "nopass", "reset", "resetkeys", "clearselectors", "allkeys",
          "~*",
          "allchannels", "&*", "allcommands", "nocommands", "", " ", "\t", "\x00", "é", "~a b", "sanitize-payload",
          "skip-sanitize-payload", "x" * 5000, "(" * 5000, ")" * 5000, "~" + "*a" * 500]


@pytest.mark.parametrize("seed", range(3))
def test_rules_of_any_words_are_taken_whole_or_not_at_all(server, seed):
    """What is taken reads back as the same; what is refused leaves the user as he was."""
    rng = random.Random(seed)
    with server.connect() as admin:
        for _ in range(700):
            words = [rng.choice(PIECES) for _ in range(rng.choice([1, 1, 2, 3, 5, 9]))]
            before = admin.call("ACL", "GETUSER", "u")
            reply = admin.call("ACL", "SETUSER", "u", *words)
            after = admin.call("ACL", "GETUSER", "u")
            if reply != OK:
                assert reply[0] == "-" and after == before, (seed, words)
                continue
            line = next(line[1] for line in admin.call("ACL", "LIST")[1] if line[1].startswith(b"user u "))
            if not any(set("\x00\t é") & set(word) for word in words):
                assert admin.call("ACL", "SETUSER", "v", "reset", *line.split(b" ")[2:]) == OK, (seed, words, line)
                assert admin.call("ACL", "GETUSER", "v") == after, (seed, words, line)
            if rng.random() < 0.3:
                admin.call("ACL", "DELUSER", "u")
    assert server.is_alive(), server.log_tail()


# ---- A04 is also in test_acl_keys.py: what DRYRUN says is what happens ----

RULES = ["+@all", "-@all", "+get", "-get", "+set", "+@read", "-@write", "+config|get", "-config", "+@list", "~*", "~a*",
         "%R~a*", "%W~b*", "%RW~c", "resetkeys", "&*", "&a*", "resetchannels", "(+get %R~d)", "(+@write ~e)",
         "clearselectors", "-@dangerous", "-eval", "+ping"]
ASKED = [["GET", "a1"], ["SET", "a1", "v"], ["SET", "b", "v"], ["SET", "b", "v", "GET"], ["GET", "d"],
         ["SET", "e", "v"],
         ["COPY", "a1", "b", "REPLACE"], ["MGET", "a1", "d"], ["LPUSH", "l", "v"], ["CONFIG", "GET", "port"],
         ["PUBLISH", "a", "m"], ["PUBLISH", "x", "m"], ["EVAL", "return 1", "1", "c"], ["APPEND", "c", "v"], ["PING"],
         ["KEYS", "a*"], ["DEL", "b"], ["INCR", "b1"], ["TYPE", "a1"], ["EXISTS", "zzz"], ["SORT", "a1", "STORE", "b"]]


@pytest.mark.parametrize("seed", range(2))
def test_what_is_foretold_is_what_happens(server, admin, seed):
    rng = random.Random(seed)
    with user(server, admin) as anna:
        for _ in range(80):
            admin.call("ACL", "SETUSER", "anna", rng.choice(["reset", "on"]), "on", "nopass",
                       *(rng.choice(RULES) for _ in range(rng.randint(0, 6))))
            for command in rng.sample(ASKED, 8):
                foretold = admin.call("ACL", "DRYRUN", "anna", *command)
                happens = anna.call(*command)
                denied = happens[0] == "-" and happens[1].startswith(b"NOPERM")
                assert denied == (foretold != OK), (seed, command, foretold, happens)


# ---- A05: files ----


def test_a_file_of_users_is_loaded_whole_or_not_at_all(tmp_path):
    path = tmp_path / "users.acl"
    good = "user default on nopass +@all ~* &*\nuser anna on nopass +get ~a*\n"
    path.write_text(good)
    with Kiln("--aclfile", str(path)) as server, server.connect() as admin, server.connect() as anna:
        assert anna.call("AUTH", "anna", "x") == OK
        before = admin.call("ACL", "LIST")
        for bad in ("user bert on +nosuch\n", "user bert on (+get\n", "user anna on +set\nuser anna off\n", "anna on\n",
                    "user\n", "user be rt on\n", "user bert on nopass +@all ~* &*\n\x00\n", "user bert %X~a\n",
                    "user bert on " + "(" * 10000 + "\n", "user bert #abc\n"):
            path.write_text(good.replace("+get", "+set") + bad)
            reply = admin.call("ACL", "LOAD")
            assert reply[0] == "-" and b"\n" not in reply[1], (bad, reply)
            assert admin.call("ACL", "LIST") == before, bad
            assert anna.call("GET", "a") == ("$", None), bad
        path.unlink()
        assert admin.call("ACL", "LOAD")[0] == "-"
        assert admin.call("ACL", "LIST") == before
        path.write_text(good.replace("+get", "+set"))
        assert admin.call("ACL", "LOAD") == OK
        assert is_closed(anna)


# ---- A06, A07: reading and writing ----


def test_to_change_what_is_there_both_rights_are_needed(server, admin):
    """Commands that tell what they change need both; those that do not, the one to write."""
    admin.pipeline([["SET", "k", 5], ["RPUSH", "l", "a", "b"], ["HSET", "h", "f", 1], ["ZADD", "z", 1, "a"],
                    ["SADD", "s", "a"], ["XADD", "x", "1-1", "f", "v"], ["RPUSH", "m", "a"]])
    both = [["INCR", "k"], ["GETSET", "k", 1], ["SET", "k", 1, "GET"], ["GETDEL", "k"], ["GETEX", "k", "PERSIST"],
            ["LPOP", "l"], ["LMOVE", "l", "m", "LEFT", "LEFT"], ["HINCRBY", "h", "f", 1], ["ZINCRBY", "z", 1, "a"],
            ["ZPOPMIN", "z"], ["SPOP", "s"], ["RENAME", "k", "w"], ["SETBIT", "k", 1, 1],
            ["BITFIELD", "k", "SET", "u8", 0, 1], ["MOVE", "k", 1], ["SMOVE", "s", "t", "a"]]
    writes = [["SET", "k", 1], ["DEL", "k"], ["EXPIRE", "k", 100], ["APPEND", "k", "x"], ["LPUSH", "l", "c"],
              ["HSET", "h", "g", 1], ["SADD", "s", "b"], ["XADD", "x", "*", "f", "v"], ["LSET", "l", 0, "x"]]
    reads = [["GET", "k"], ["LRANGE", "l", 0, -1], ["HGETALL", "h"], ["DUMP", "k"], ["TTL", "k"],
             ["XREAD", "STREAMS", "x", 0]]
    for rights, allowed in (("%R~*", reads), ("%W~*", writes), ("%RW~*", both + writes + reads)):
        assert admin.call("ACL", "SETUSER", "anna", "on", "nopass", "+@all", "resetkeys", rights) == OK
        for command in both + writes + reads:
            reply = admin.call("ACL", "DRYRUN", "anna", *command)
            assert (reply == OK) == (command in allowed), (rights, command, reply)


@pytest.mark.parametrize("command", [
    ["EXISTS", "k"], ["TYPE", "k"], ["WATCH", "k"], ["TOUCH", "k"], ["STRLEN", "k"], ["OBJECT", "ENCODING", "k"],
    ["MEMORY", "USAGE", "k"], ["TTL", "k"], ["DUMP", "k"], ["SCARD", "k"], ["OBJECT", "IDLETIME", "k"]])
def test_who_may_not_have_a_key_does_not_learn_of_it(server, admin, command):
    """The same words of refusal for a key that is there, of whatever type, and one that is not."""
    with user(server, admin, rules=("on", "nopass", "+@all", "~mine")) as anna:
        refusals = set()
        for value in (["DEL", "k"], ["SET", "k", "v"], ["SADD", "t", "a"], ["RENAME", "t", "k"]):
            admin.call(*value)
            refusals.add(anna.call(*command))
        assert len(refusals) == 1 and refusals.pop()[1].startswith(b"NOPERM")
        mine = [word if word != "k" else "mine" for word in command]
        assert not anna.call(*mine)[1] == b"NOPERM"


def test_a_watched_key_that_is_taken_away_cannot_be_watched_again(server, admin):
    with user(server, admin) as anna:
        assert anna.call("WATCH", "k") == OK
        admin.call("ACL", "SETUSER", "anna", "resetkeys", "~mine")
        assert anna.call("WATCH", "k")[1].startswith(b"NOPERM")
        assert anna.call("UNWATCH") == OK


# ---- A08: the default user ----


def test_without_a_default_user_nobody_does_anything_before_logging_in(server, admin):
    assert admin.call("ACL", "SETUSER", "boss", *ALL) == OK
    assert admin.call("AUTH", "boss", "x") == OK
    assert admin.call("ACL", "SETUSER", "default", "off") == OK
    with server.connect() as stranger:
        for command in (["GET", "k"], ["PING"], ["INFO"], ["SUBSCRIBE", "c"], ["MULTI"], ["EVAL", "return 1", 0],
                        ["ACL", "WHOAMI"], ["CLIENT", "ID"], ["COMMAND"], ["NOSUCH"], ["AUTH", "default", ""],
                        ["AUTH", ""], ["HELLO", 3], ["HELLO", 3, "AUTH", "default", "x"]):
            assert stranger.call(*command)[0] == "-", command
        assert stranger.call("HELLO", 2, "AUTH", "boss", "x")[0] == "*"
        assert stranger.call("RESET") == ("+", b"RESET")
        assert stranger.call("GET", "k")[1].startswith(b"NOAUTH")
    assert admin.call("ACL", "DELUSER", "default")[0] == "-"
    assert admin.call("ACL", "SETUSER", "default", "on", "-@all") == OK
    with server.connect() as stranger:
        assert stranger.call("GET", "k")[1].startswith(b"NOPERM")


# ---- A09: what refusals tell ----


def test_refusals_do_not_depend_on_what_is_there(server, admin):
    values = ([["DEL", "k"]], [["SET", "k", "v"]], [["DEL", "k"], ["RPUSH", "k", "a"]],
              [["DEL", "k"], ["XADD", "k", "1-1", "f", "v"], ["XGROUP", "CREATE", "k", "g", 0]],
              [["DEL", "k"], ["HSET", "k", "f", "v"], ["PEXPIRE", "k", 10**6]])
    commands = [["GET", "k"], ["SET", "k", 1, "NX"], ["LPUSH", "k", 1], ["LPUSHX", "k", 1], ["RENAMENX", "mine", "k"],
                ["COPY", "mine", "k"], ["RESTORE", "k", 0, "x"], ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "k", ">"],
                ["XGROUP", "CREATE", "k", "g", 0], ["SORT", "mine", "STORE", "k"], ["SORT", "mine", "BY", "k*"],
                ["SORT", "mine", "GET", "k"], ["BLPOP", "k", 0], ["ZUNIONSTORE", "mine", 1, "k"],
                ["EVAL", "return redis.call('EXISTS', 'k')", 0], ["EVAL", "return 1", 1, "k"], ["MSETNX", "k", 1],
                ["SINTERCARD", 2, "mine", "k"], ["OBJECT", "FREQ", "k"], ["GETEX", "k", "EX", "x"],
                ["HSET", "k", "f"], ["INCRBY", "k", "x"]]
    with user(server, admin, rules=("on", "nopass", "+@all", "~mine")) as anna:
        for command in commands:
            told = set()
            for value in values:
                admin.pipeline(value)
                told.add(repr(anna.call(*command)))
            assert len(told) == 1, (command, told)


def test_refusals_of_passwords_do_not_tell_who_exists(server, admin):
    admin.call("ACL", "SETUSER", "anna", "on", ">right")
    admin.call("ACL", "SETUSER", "sleeping", "off", ">right")
    with server.connect() as stranger:
        told = {stranger.call("AUTH", name, "wrong") for name in ("anna", "nobody", "sleeping")}
        told |= {stranger.call("AUTH", "sleeping", "right")}
        told |= {stranger.call("HELLO", 3, "AUTH", name, "wrong") for name in ("anna", "nobody")}
    assert told == {("-", b"WRONGPASS invalid username-password pair or user is disabled.")}


# ---- A10: news of others' keys ----


def test_who_may_not_listen_gets_no_news_of_keys(server, admin):
    admin.call("CONFIG", "SET", "notify-keyspace-events", "KEA")
    with user(server, admin, rules=("on", "nopass", "+@all", "~mine", "&__key*__:mine")) as anna:
        for command in (["SUBSCRIBE", "__keyspace@0__:secret"], ["PSUBSCRIBE", "*"], ["PSUBSCRIBE", "__key*__:*"],
                        ["SUBSCRIBE", "__keyevent@0__:set"], ["SUBSCRIBE", "__keyspace@0__:mine", "x"]):
            assert anna.call(*command)[1].startswith(b"NOPERM"), command
        assert anna.call("SUBSCRIBE", "__keyspace@0__:mine")[0] == "*"
        admin.call("SET", "secret", 1)
        admin.call("SET", "mine", 1)
        assert anna.read() == ("*", [("$", b"message"), ("$", b"__keyspace@0__:mine"), ("$", b"set")])


def test_who_has_no_administrator_rights_sees_no_other_client(server, admin):
    with user(server, admin, rules=("on", "nopass", "+@all", "-@admin", "-@dangerous", "~mine")) as anna:
        for command in (["MONITOR"], ["SLOWLOG", "GET"], ["CLIENT", "LIST"], ["CLIENT", "KILL", "ID", 1],
                        ["ACL", "LOG"],
                        ["ACL", "LIST"], ["ACL", "GETUSER", "default"], ["CONFIG", "GET", "*"],
                        ["DEBUG", "OBJECT", "k"],
                        ["KEYS", "*"], ["LATENCY", "HISTORY", "command"], ["INFO"], ["SORT", "mine"]):
            assert anna.call(*command)[1].startswith(b"NOPERM"), command


def test_passwords_stand_in_no_record(server, admin):
    """Neither what is slow, nor what is monitored, nor what is refused tells of them."""
    admin.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
    with server.connect() as watcher, server.connect() as other:
        assert watcher.call("MONITOR") == OK
        for command in (["AUTH", "hushhush"], ["AUTH", "anna", "hushhush"], ["HELLO", 3, "AUTH", "anna", "hushhush"],
                        ["ACL", "SETUSER", "anna", "on", ">hushhush", "+@all"],
                        ["ACL", "SETUSER", "x", ">hushhush", "+no"],
                        ["CONFIG", "SET", "requirepass", "hushhush"], ["CONFIG", "SET", "masterauth", "hushhush"],
                        ["AUTH", "anna", "hushhush"], ["ACL", "DELUSER", "x"], ["CONFIG", "SET", "requirepass", ""],
                        ["MIGRATE", HOST, 1, "k", 0, 1, "AUTH", "hushhush"]):
            other.call(*command)
        admin.call("ECHO", "end")
        seen = b""
        while b'"end"' not in seen:
            seen += watcher.read()[1]
        assert b"hushhush" not in seen
        records = [admin.call(*words) for words in (["SLOWLOG", "GET", -1], ["ACL", "LOG"], ["CLIENT", "LIST"],
                                                    ["INFO", "everything"], ["ACL", "LIST"])]
        assert "hushhush" not in repr(records)
        assert "hushhush" not in server.log_tail(10**6)


def test_rights_change_under_load_without_harm(server, admin):
    """Every order of giving and taking, in the midst of pipelines of each kind."""
    clients = [user(server, admin) for _ in range(4)]
    changes = list(itertools.permutations(["+@all", "-@string", "resetkeys", "~*", "resetchannels", "&*"], 3))
    for number, change in enumerate(changes):
        for client in clients:
            requests = [["MULTI"], ["SET", "k", number], ["EXEC"], ["PUBLISH", "c", "m"],
                        ["EVAL", "return redis.call('GET', KEYS[1])", 1, "k"]]
            client.send_raw(b"".join(map(encode, requests)))
        assert admin.call("ACL", "SETUSER", "anna", *change) == OK
        for client in clients:
            assert all(client.read()[0] in "+-:$*" for _ in range(5))
    for client in clients:
        client.close()
