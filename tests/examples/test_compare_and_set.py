"""Compare and set: one winner, no lost change, in both forms."""

import pytest

from compare_and_set import change, compare_and_set, compare_and_set_watching

from .threads import together

both = pytest.mark.parametrize("attempt", [compare_and_set, compare_and_set_watching])


@both
def test_it_changes_only_what_is_as_expected(cache, attempt):
    cache.set("k", "old")
    assert not attempt(cache, "k", "other", "new") and cache.get("k") == "old"
    assert attempt(cache, "k", "old", "new") and cache.get("k") == "new"


@both
def test_none_stands_for_no_key(cache, attempt):
    assert not attempt(cache, "k", "", "new")  # an empty string is a value
    assert attempt(cache, "k", None, "") and cache.get("k") == ""
    assert not attempt(cache, "k", None, "new")
    assert attempt(cache, "k", "", None) and not cache.exists("k")


@both
def test_the_time_to_live_stays(cache, attempt):
    cache.set("k", "old", ex=100)
    assert attempt(cache, "k", "old", "new") and 0 < cache.ttl("k") <= 100


@both
def test_one_of_many_succeeds(cache, attempt):
    cache.set("k", "free")
    won = together(16, lambda number: attempt(cache, "k", "free", str(number)))
    assert won.count(True) == 1 and cache.get("k") == str(won.index(True))


@both
def test_no_change_is_lost(cache, attempt):
    def increment(_):
        for _ in range(25):
            change(cache, "n", lambda value: str(int(value or 0) + 1), attempt)

    together(4, increment)
    assert cache.get("n") == "100"
