"""Get or load: one load for a miss, nothing old stored, and load() when memcached is down."""

import contextlib
import json
import threading

import pytest
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from memcached_get_or_load import get_or_load, invalidate
from servers import HOST, KilnMemcached, wait_until

from .threads import together

CLIENTS = {
    "one connection": lambda address: Client(address, connect_timeout=5, timeout=5),
    "pool": lambda address: HashClient([address], use_pooling=True, connect_timeout=5, timeout=5,
                                       retry_attempts=0, dead_timeout=0.2),
}


@pytest.fixture(params=CLIENTS)
def client(request, memcached_address):
    with contextlib.closing(CLIENTS[request.param](memcached_address)) as connected:
        yield connected


class Loader:
    def __init__(self, value, before_return=lambda: None):
        self.value, self.before_return, self.loads = value, before_return, 0

    def __call__(self):
        self.loads += 1
        value = self.value
        self.before_return()
        return value


def is_a_hit(client, key):
    load = Loader("value")
    get_or_load(client, key, load)
    return load.loads == 0


class Pool(HashClient):
    """Notes which threads have asked for a value."""

    def __init__(self, address):
        super().__init__([address], use_pooling=True)
        self.asked = set()

    def get(self, *arguments, **options):
        value = super().get(*arguments, **options)
        self.asked.add(threading.get_ident())
        return value


@pytest.mark.parametrize("value", [{"price_cents": 1250}, [], "", 0, None])
def test_a_hit_does_not_load(client, value):
    load = Loader(value)
    assert [get_or_load(client, "k", load) for _ in range(3)] == [value] * 3
    assert load.loads == 1


def test_many_readers_of_a_missing_value_cause_one_load(memcached_address):
    with contextlib.closing(Pool(memcached_address)) as client:
        load = Loader("value", lambda: wait_until(lambda: len(client.asked) == 16, 4, "all readers miss"))
        assert together(16, lambda _: get_or_load(client, "k", load)) == ["value"] * 16
    assert load.loads == 1


def test_many_keys_are_loaded_once_each(memcached_address):
    with contextlib.closing(CLIENTS["pool"](memcached_address)) as client:
        loads = [Loader(number) for number in range(30)]
        read = together(6, lambda _: [get_or_load(client, f"k{n}", load) for n, load in enumerate(loads)])
    assert read == [list(range(30))] * 6
    assert [load.loads for load in loads] == [1] * 30


def test_what_was_loaded_before_a_change_is_not_stored_after_it(client, memcached_address):
    with contextlib.closing(CLIENTS["one connection"](memcached_address)) as writer:
        load = Loader("old", lambda: invalidate(writer, "k"))
        assert get_or_load(client, "k", load) == "old"
    assert client.get("k") is None
    assert get_or_load(client, "k", Loader("new")) == "new"
    assert get_or_load(client, "k", load) == "new"


def test_a_load_that_fails_gives_the_lease_back(client):
    def fail():
        raise OSError("no answer")

    with pytest.raises(OSError):
        get_or_load(client, "k", fail)
    assert client.get("k") is None


def test_a_value_expires(client):
    get_or_load(client, "k", Loader("old"), expire=1)
    wait_until(lambda: get_or_load(client, "k", Loader("new"), expire=60) == "new")
    assert json.loads(client.get("k")) == "new"


@pytest.mark.parametrize("kind", CLIENTS)
def test_it_loads_while_memcached_is_down(kind):
    with KilnMemcached() as server, contextlib.closing(CLIENTS[kind]((HOST, server.port))) as client:
        get_or_load(client, "k", Loader("old"))
        server.stop()
        assert [get_or_load(client, "k", Loader("new")) for _ in range(5)] == ["new"] * 5
        invalidate(client, "k")
        server.start()
        wait_until(lambda: is_a_hit(client, "k"), what="the cache is in use again")
