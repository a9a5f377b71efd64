"""The journal's order agrees with the order of the changes, also of changes to several keys at once."""

from conftest import require
from persist import journal
from servers import Kiln, wait_until
from stress import crowd

KEYS = [f"k{number}" for number in range(6)]
SCRIPT = ("local value = redis.call('INCR', KEYS[1]) redis.call('RPUSH', KEYS[2], value)"
          " if value % 7 == 0 then redis.call('SPOP', KEYS[3]) end return value")


def append_to_few_strings(member):
    while member.goes_on():
        key = member.rng.choice(KEYS)
        member.client.pipeline([["APPEND", key, f"{member.number}."], ["SETRANGE", key, member.rng.randint(0, 50), "#"],
                                ["GETSET", key, member.done], ["SET", key, member.done, "PX", member.rng.randint(1, 5)],
                                ["APPEND", key, "x"]])


def push_and_pop(member):
    while member.goes_on():
        member.client.pipeline([["RPUSH", "list", f"{member.number}:{member.done}"], ["LPOP", "list", 2],
                                ["RPOPLPUSH", "list", "other"], ["LTRIM", "other", 0, 20]])


def wait_for_elements(member):
    while member.goes_on():
        member.client.call("BLMOVE", "line", "served", "LEFT", "RIGHT", 0.01)
        member.client.call("BLPOP", "line", "served", 0.01)


def feed_those_who_wait(member):
    while member.goes_on():
        member.client.call("RPUSH", "line", f"{member.number}:{member.done}", "second")


def change_several_at_once(member):
    while member.goes_on():
        one, other = member.rng.sample(KEYS, 2)
        member.client.pipeline([["MULTI"], ["RENAME", one, other], ["SET", one, member.done], ["EXEC"],
                                ["EVAL", SCRIPT, 3, "count", "counted", "members"],
                                ["SADD", "members", member.done % 50, member.number], ["SPOP", "members", 3],
                                ["MSET", one, member.number, other, member.number], ["COPY", one, "copy", "REPLACE"],
                                ["XADD", "stream", "MAXLEN", "~", 50, "*", "f", member.done]])


def change_other_databases(member):
    member.client.call("SELECT", 1)
    while member.goes_on():
        member.client.pipeline([["INCRBYFLOAT", "float", "0.1"], ["HINCRBYFLOAT", "hash", "f", "0.3"],
                                ["HSETEX", "hash", "PX", member.rng.randint(1, 5), "FIELDS", 1, member.done % 9, "v"],
                                ["SWAPDB", 0, 1] if member.done % 50 == 0 else ["PING"],
                                ["COPY", "float", "float", "DB", 0, "REPLACE"]])


def test_replay_of_what_a_crowd_did_leads_to_the_same_data():
    with require(Kiln)("--io-threads", "4") as server, Kiln("--io-threads", "1") as copy, copy.connect() as client:
        tap = journal.KilnJournal(server)
        crowd.run(server, (append_to_few_strings, 2), (push_and_pop, 2), (wait_for_elements, 2),
                  (feed_those_who_wait, 1), (change_several_at_once, 2), (change_other_databases, 1))
        data = tap.take()
        assert len(journal.commands_of(data)) > 1000
        journal.apply(data, copy)
        # What is due within milliseconds goes on either side.
        wait_until(lambda: client.call("DEBUG", "DIGEST") == tap.client.call("DEBUG", "DIGEST"), 10, "the same data")
        tap.close()
