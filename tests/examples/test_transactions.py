"""Transactions: the sum of all accounts is constant, seen by anyone at any time."""

import random

import pytest

from transactions import InsufficientFunds, account, balances, deposit, transfer

from .threads import meanwhile, together

NAMES = ["ann", "ben", "cem", "dua"]


def try_transfer(cache, source, target, amount):
    try:
        transfer(cache, source, target, amount)
        return True
    except InsufficientFunds:
        return False


def test_a_transfer_changes_both_accounts(cache):
    deposit(cache, "ann", 100)
    transfer(cache, "ann", "ben", 30)
    assert balances(cache, ["ann", "ben"]) == [70, 30]
    transfer(cache, "ann", "ann", 70)
    assert balances(cache, ["ann", "ben"]) == [70, 30]


def test_a_refused_transfer_changes_nothing(cache):
    deposit(cache, "ann", 100)
    with pytest.raises(InsufficientFunds):
        transfer(cache, "ann", "ben", 101)
    with pytest.raises(ValueError):
        transfer(cache, "ann", "ben", -1)
    assert balances(cache, ["ann", "ben"]) == [100, 0] and not cache.exists(account("ben"))


def test_the_sum_stays_constant_while_many_transfer(cache):
    for name in NAMES:
        deposit(cache, name, 100)

    def look():
        seen = balances(cache, NAMES)
        assert sum(seen) == 400 and min(seen) >= 0

    def work(number):
        choice = random.Random(number)
        for _ in range(40):
            try_transfer(cache, *choice.sample(NAMES, 2), choice.randint(1, 60))

    with meanwhile(2, look):
        together(6, work)
    look()


def test_an_account_is_not_overdrawn_by_many_at_once(cache):
    deposit(cache, "ann", 100)
    done = together(10, lambda _: try_transfer(cache, "ann", "ben", 30))
    assert done.count(True) == 3
    assert balances(cache, ["ann", "ben"]) == [10, 90]
