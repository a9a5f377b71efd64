"""The checkers themselves: what they must let pass, and above all what they must not."""

import itertools
import random

import pytest

from faults.acknowledged import check_appends
from faults.history import (APPEND, FAIL, OK, READ, UNKNOWN, WRITE, History, Operation, dump, load, longest_gap_ms)
from faults.linearizability import violations


def op(what, value, start, end, outcome=OK, client="a", key="k"):
    return Operation(client, what, key, value, start, end, outcome)


def write(value, start, end, outcome=OK, **more):
    return op(WRITE, value, start, end, outcome, **more)


def read(value, start, end, outcome=OK, **more):
    return op(READ, value, start, end, outcome, **more)


GOOD = {
    "nothing at all": [],
    "one after the other": [read(None, 0, 1), write("x", 2, 3), read("x", 4, 5), write("y", 6, 7), read("y", 8, 9)],
    "a read beside a write sees either": [write("x", 0, 1), write("y", 2, 9), read("x", 3, 4), read("y", 5, 6)],
    "a read beside a write sees the old one to its end": [write("x", 0, 1), write("y", 2, 9), read("x", 7, 8)],
    "two writes side by side, the later end first": [write("x", 0, 9), write("y", 1, 8), read("x", 10, 11)],
    "an unknown write happens late": [write("x", 0, 1), write("y", 2, 3, UNKNOWN), read("x", 4, 5), read("y", 6, 7)],
    "an unknown write never happens": [write("x", 0, 1), write("y", 2, 3, UNKNOWN), read("x", 4, 5)],
    "a failed write leaves nothing": [write("x", 0, 1), write("y", 2, 3, FAIL), read("x", 4, 5)],
    "a read of unknown outcome tells nothing": [write("x", 0, 1), read("z", 2, 3, UNKNOWN), read("x", 4, 5)],
    "the end of one is the start of the next": [write("x", 0, 1), read(None, 1, 2, client="b"), read("x", 3, 4)],
    "keys stand for themselves": [write("x", 0, 1), read(None, 2, 3, key="other"), read("x", 4, 5)],
}

BAD = {
    "a stale read": [write("x", 0, 1), write("y", 2, 3), read("x", 4, 5)],
    "an acknowledged write is lost": [write("x", 0, 1), read(None, 2, 3)],
    "a value from nowhere": [write("x", 0, 1), read("z", 2, 3)],
    "a failed write is seen": [write("x", 0, 1, FAIL), read("x", 2, 3)],
    "a value from the future": [read("x", 0, 1), write("x", 2, 3)],
    "back to the old one after the new one was seen": [
        write("x", 0, 1), write("y", 2, 20), read("y", 3, 4, client="b"), read("x", 5, 6, client="c")],
    "an unknown write comes and goes": [
        write("x", 0, 1), write("y", 2, 3, UNKNOWN), read("y", 4, 5), read("x", 6, 7)],
    "an unknown write is seen before it was asked for": [read("y", 0, 1), write("y", 2, 3, UNKNOWN)],
    "readers disagree about the order": [
        write("x", 0, 10), write("y", 0, 10, client="b"), read("x", 1, 2, client="c"), read("y", 3, 4, client="c"),
        read("x", 5, 6, client="d")],
    "a lost write between two that are there": [
        write("x", 0, 1), write("y", 2, 3), write("z", 4, 9, UNKNOWN), read("x", 5, 6)],
}


@pytest.mark.parametrize("name", GOOD)
def test_what_one_register_could_have_said_passes(name):
    assert not violations(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_what_no_register_could_have_said_is_found(name):
    found = violations(BAD[name])
    assert [one.key for one in found] == ["k"] and "not linearizable" in str(found[0])


def naive_is_linearizable(operations) -> bool:
    """Tries all orders of all choices of what happened among the unknown; only for a handful of operations."""
    sure = [one for one in operations if one.outcome == OK]
    maybe = [one for one in operations if one.outcome == UNKNOWN and one.op == WRITE]
    for count in range(len(maybe) + 1):
        for chosen in itertools.combinations(maybe, count):
            if any(fits(order) for order in itertools.permutations([*sure, *chosen])):
                return True
    return False


def fits(order) -> bool:
    value, latest_start = None, -1
    for one in order:
        if one.outcome == OK and one.end_ns < latest_start:
            return False
        latest_start = max(latest_start, one.start_ns)
        if one.op == WRITE:
            value = one.value
        elif one.value != value:
            return False
    return True


def test_it_says_of_random_histories_what_trying_all_orders_says():
    chance = random.Random(1)
    verdicts = []
    for _ in range(1500):
        operations = []
        for number in range(chance.randint(2, 6)):
            start = chance.randint(0, 12)
            end = start + chance.randint(1, 5)
            if chance.random() < 0.5:
                operations.append(write(f"v{number}", start, end, chance.choice([OK, OK, UNKNOWN, FAIL])))
            else:
                operations.append(read(chance.choice([None, "v0", "v1", "v2", "v3"]), start, end,
                                       chance.choice([OK, OK, OK, UNKNOWN])))
        expected = naive_is_linearizable(operations)
        assert (not violations(operations)) == expected, operations
        verdicts.append(expected)
    assert 300 < sum(verdicts) < 1200  # both answers were asked for


def register_run(chance, clients, count, loses=()):
    """A register that really is one, used by clients side by side; `loses`: the writes it forgets."""
    value, writes, time = None, 0, 0
    free_at, operations = [0] * clients, []
    for number in range(count):
        client = chance.randrange(clients)
        time = max(time + chance.randint(0, 2), free_at[client] + 1)
        end = time + chance.randint(1, 6)
        free_at[client] = end
        is_unknown = chance.random() < 0.03
        if chance.random() < 0.5:
            if writes not in loses and not (is_unknown and chance.random() < 0.5):
                value = f"v{number}"
            writes += 1
            operations.append(write(f"v{number}", time - 1, end, UNKNOWN if is_unknown else OK, client=str(client)))
        else:
            operations.append(read(value, time - 1, end, UNKNOWN if is_unknown else OK, client=str(client)))
    return operations


def test_a_long_history_of_a_true_register_passes_and_is_decided():
    for seed in range(10):
        assert not violations(register_run(random.Random(seed), clients=8, count=600)), seed


def test_lost_writes_in_a_long_history_are_found():
    for seed in range(20):  # one that nobody reads may be lost unseen, but not all of fifteen
        assert violations(register_run(random.Random(seed), clients=1, count=300, loses=range(0, 150, 10))), seed


def append(value, outcome=OK, start=0, client="a"):
    return op(APPEND, value, start, start + 1, outcome, client=client, key="l")


def test_what_was_acknowledged_must_be_there():
    told = [append("1", start=1), append("2", start=2), append("3", UNKNOWN, 3), append("4", FAIL, 4)]
    assert check_appends(told, {"l": ["1", "2"]}).are_clean()
    assert check_appends(told, {"l": ["1", "2", "3"]}).are_clean()
    findings = check_appends(told, {"l": ["2"]})
    assert [one.value for one in findings.lost] == ["1"] and findings.acknowledged == 2
    assert not findings.are_clean() and str(findings).startswith("1 of 2 acknowledged writes lost")
    assert len(check_appends(told, {}).lost) == 2


def test_what_should_not_be_there_is_found():
    told = [append("1", start=1), append("2", start=2), append("4", FAIL, 4), append("b1", start=0, client="b")]
    assert check_appends(told, {"l": ["1", "2", "2", "b1"]}).twice == [("l", "2")]
    assert check_appends(told, {"l": ["1", "2", "4", "b1"]}).refused == [("l", "4")]
    assert check_appends(told, {"l": ["1", "2", "b1", "x"]}).unasked == [("l", "x")]
    assert check_appends(told, {"l": ["2", "1", "b1"]}).disordered == [("1", "2")]
    assert check_appends(told, {"l": ["2", "1", "b1"]}, is_ordered=False).are_clean()
    assert check_appends(told, {"l": ["1", "b1", "2"]}).are_clean()  # clients may overtake each other


def test_a_history_comes_back_from_its_file(tmp_path):
    history = History()
    history.add("1", WRITE, "k", "1-1", 10, 20, OK)
    history.add("2", READ, "k", None, 15, 25, UNKNOWN)
    dump(history.copy(), tmp_path / "history")
    assert load((tmp_path / "history").read_text().splitlines()) == history.operations
    assert history.count() == 1 and history.count(UNKNOWN) == 1 and history.count(since_ns=11) == 0


def test_the_longest_gap_is_between_acknowledgements():
    told = [append("1", start=1_000_000), append("2", FAIL, 4_000_000), append("3", start=9_000_000)]
    assert longest_gap_ms(told) == pytest.approx(8)
    assert longest_gap_ms(told, since_ns=7_000_000) == pytest.approx(2, abs=0.01)
