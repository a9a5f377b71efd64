"""Rate limiters: never more than the limit, however many ask at once; users do not share limits."""

import time

import pytest

from rate_limiter import FixedWindow, SlidingWindow
from servers import wait_until

from .threads import together

NOON = 1_700_000_000 - 1_700_000_000 % 60
KINDS = {
    "fixed": lambda cache, limit: FixedWindow(cache, limit, window_s=60, clock=lambda: NOON),
    "sliding": lambda cache, limit: SlidingWindow(cache, limit, window_s=60),
}


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_the_limit_is_allowed_to_many_at_once(cache, kind):
    limiter = KINDS[kind](cache, 25)
    allowed = together(8, lambda _: sum(limiter.allow("ann") for _ in range(20)))
    assert sum(allowed) == 25


@pytest.mark.parametrize("kind", KINDS)
def test_users_have_limits_of_their_own(cache, kind):
    limiter = KINDS[kind](cache, 2)
    assert [limiter.allow(user) for user in ("ann", "ann", "ann", "ben", "ben", "ben")] == [True, True, False] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_counter_does_not_stay_for_ever(cache, kind):
    KINDS[kind](cache, 2).allow("ann")
    assert [cache.ttl(key) > 0 for key in cache.scan_iter("rate:*")] == [True]


def test_a_fixed_window_starts_anew_at_its_border(cache):
    now = NOON
    limiter = FixedWindow(cache, limit=2, window_s=60, clock=lambda: now)
    assert [limiter.allow("ann") for _ in range(3)] == [True, True, False]
    now = NOON + 59.9
    assert not limiter.allow("ann")
    now = NOON + 60
    assert [limiter.allow("ann") for _ in range(3)] == [True, True, False]


def test_no_stretch_of_a_sliding_window_holds_more_than_the_limit(cache):
    limit, window_s = 5, 0.1
    limiter = SlidingWindow(cache, limit, window_s)
    befores, afters = [], []  # of each allowed request; the server decided between the two

    def ask(_):
        while len(afters) < 6 * limit:
            before = time.monotonic()
            if limiter.allow("ann"):
                befores.append(before)
                afters.append(time.monotonic())

    together(4, ask)
    stretches = [after - before for before, after in zip(sorted(befores), sorted(afters)[limit:])]
    assert min(stretches) > 0.9 * window_s  # not 1.0: the clocks are different ones


def test_a_sliding_window_allows_again_when_it_has_passed(cache):
    limiter = SlidingWindow(cache, limit=1, window_s=0.05)
    assert limiter.allow("ann")
    wait_until(lambda: limiter.allow("ann"))
    assert cache.zcard("rate:ann") == 1
