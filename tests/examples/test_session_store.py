"""Sessions: they slide, they end for good, and none is forgotten."""

import pytest

from session_store import CODE_TTL_S, SessionStore
from servers import wait_until

from .threads import together


@pytest.fixture
def store(cache):
    return SessionStore(cache)


def test_a_session_keeps_its_fields(store):
    session_id = store.create("ann", theme="dark")
    assert store.set_field(session_id, "language", "en")
    assert store.get(session_id) == {"user": "ann", "theme": "dark", "language": "en"}
    assert store.sessions("ann") == {session_id}


def test_using_a_session_starts_its_time_anew(store, cache):
    session_id = store.create("ann")
    cache.expire(f"session:{session_id}", 5)
    cache.expire("sessions:ann", 5)
    assert store.get(session_id)
    assert 5 < cache.ttl(f"session:{session_id}") <= 1800 < cache.ttl("sessions:ann") <= 3600


def test_an_unused_session_ends_and_leaves_the_list(cache):
    short, long = SessionStore(cache, ttl_s=1), SessionStore(cache)
    ended, kept = short.create("ann"), long.create("ann")
    wait_until(lambda: not cache.exists(f"session:{ended}"))
    assert short.get(ended) is None and long.get(kept)
    assert long.sessions("ann") == cache.smembers("sessions:ann") == {kept}


def test_a_session_that_has_ended_does_not_come_back(store, cache):
    session_id = store.create("ann")
    store.log_out(session_id)
    assert not store.set_field(session_id, "theme", "dark") and store.get(session_id) is None
    assert store.sessions("ann") == set() and not cache.keys("*")


def test_a_login_code_works_once(store, cache):
    code = store.issue_code("ann")
    assert 0 < cache.ttl(f"login-code:{code}") <= CODE_TTL_S
    ids = [session_id for session_id in together(16, lambda _: store.redeem_code(code)) if session_id]
    assert len(ids) == 1 and store.get(ids[0]) == {"user": "ann"}
    assert store.redeem_code("guessed") is None


def test_log_out_everywhere_ends_all_of_one_user(store):
    anns, ben = [store.create("ann") for _ in range(5)], store.create("ben")
    assert store.log_out_everywhere("ann") == 5
    assert [store.get(session_id) for session_id in anns] == [None] * 5 and store.sessions("ann") == set()
    assert store.get(ben) and store.log_out_everywhere("nobody") == 0


def test_a_session_that_begins_during_log_out_everywhere_is_ended_or_listed(store):
    def work(number):
        if number == 0:
            return [store.log_out_everywhere("ann") for _ in range(20)] and []
        return [store.create("ann") for _ in range(40)]

    made = {session_id for part in together(5, work) for session_id in part}
    assert {session_id for session_id in made if store.get(session_id)} == store.sessions("ann")
    store.log_out_everywhere("ann")
    assert not any(store.get(session_id) for session_id in made)


def test_nothing_stays_for_ever(store, cache):
    store.get(store.create("ann", theme="dark"))
    store.issue_code("ben")
    assert all(cache.ttl(key) > 0 for key in cache.scan_iter())
