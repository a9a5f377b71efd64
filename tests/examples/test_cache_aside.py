"""Cache-aside: one load for a miss, no stale copies, and the database when the cache is down."""

import pytest
import redis

from cache_aside import ProductCache
from servers import HOST, Kiln, wait_until

from .threads import LockWatcher, meanwhile, together


def teapot(price_cents):
    return {"id": "p1", "name": "Teapot", "price_cents": price_cents}


class Watched:
    """Products that count their loads; a test may replace `after_get`, which runs before each load ends."""

    def __init__(self, products):
        self.products, self.loads = products, 0
        self.put = products.put
        self.after_get = lambda: None

    def get(self, product_id):
        product = self.products.get(product_id)
        self.loads += 1
        self.after_get()
        return product


@pytest.fixture
def watched(products):
    return Watched(products)


@pytest.fixture
def catalogue(cache, watched):
    return ProductCache(cache, watched)


def test_a_hit_does_not_ask_the_database(catalogue, watched):
    watched.put(teapot(1250))
    assert [catalogue.get("p1") for _ in range(3)] == [teapot(1250)] * 3
    assert watched.loads == 1


def test_an_update_is_seen_by_the_next_get(catalogue):
    for price_cents in (1250, 990, 1100):
        catalogue.update(teapot(price_cents))
        assert catalogue.get("p1") == catalogue.get("p1") == teapot(price_cents)


def test_a_product_that_does_not_exist_is_remembered_until_it_does(catalogue, watched, cache):
    assert catalogue.get("p1") is None and catalogue.get("p1") is None
    assert watched.loads == 1
    assert 0 < cache.ttl("product:p1") <= 33
    catalogue.update(teapot(1250))
    assert catalogue.get("p1") == teapot(1250)


def test_many_readers_of_a_missing_copy_cause_one_load(redis_address, watched):
    watched.put(teapot(1250))
    with LockWatcher(redis_address) as client:
        catalogue = ProductCache(client, watched, lock_ms=60_000)
        watched.after_get = lambda: wait_until(lambda: len(client.refused) == 15, 30, "all others wait")
        assert together(16, lambda _: catalogue.get("p1")) == [teapot(1250)] * 16
    assert watched.loads == 1


def test_a_reader_that_locks_just_after_the_store_does_not_load_again(cache, redis_address, watched):
    class Late(LockWatcher):
        def set(self, *arguments, **options):  # another reader comes first, and is done
            ProductCache(cache, watched).get("p1")
            return super().set(*arguments, **options)

    watched.put(teapot(1250))
    with Late(redis_address) as client:
        assert ProductCache(client, watched).get("p1") == teapot(1250)
    assert watched.loads == 1 and not cache.exists("lock:product:p1")


def test_what_was_loaded_before_an_update_is_not_cached_after_it(cache, catalogue, watched):
    watched.put(teapot(1250))
    writer = ProductCache(cache, watched)
    watched.after_get = lambda: writer.update(teapot(990))  # comes between the load and the store
    assert catalogue.get("p1") == teapot(1250)
    watched.after_get = lambda: None
    assert catalogue.get("p1") == catalogue.get("p1") == teapot(990)
    assert watched.loads == 2


def test_no_get_that_starts_after_an_update_answers_with_an_older_product(cache, products):
    catalogue = ProductCache(cache, products, poll_s=0.001)
    catalogue.update(teapot(0))
    updated = 0

    def read():
        before = updated
        assert catalogue.get("p1")["price_cents"] >= before

    with meanwhile(4, read):
        for price_cents in range(1, 101):
            catalogue.update(teapot(price_cents))
            updated = price_cents


def test_a_reader_that_died_keeps_others_waiting_only_until_its_lock_runs_out(cache, catalogue, watched):
    watched.put(teapot(1250))
    cache.set("lock:product:p1", "of a process that is no more", px=100)
    assert catalogue.get("p1") == teapot(1250)
    assert cache.exists("product:p1")


def test_a_load_that_fails_leaves_no_lock(cache, catalogue, watched):
    def fail():
        raise ValueError("no answer")

    watched.after_get = fail
    with pytest.raises(ValueError):
        catalogue.get("p1")
    assert not cache.exists("lock:product:p1")


def test_times_to_live_vary(cache, catalogue, watched):
    for number in range(40):
        watched.put({"id": f"p{number}", "name": "Cup", "price_cents": 300})
        catalogue.get(f"p{number}")
    times = [cache.ttl(f"product:p{number}") for number in range(40)]
    assert 265 <= min(times) < max(times) <= 330
    assert len(set(times)) > 5


def test_the_database_answers_while_the_cache_is_down(watched):
    with Kiln() as server, redis.Redis(host=HOST, port=server.port, decode_responses=True) as client:
        catalogue = ProductCache(client, watched)
        catalogue.update(teapot(1250))
        assert catalogue.get("p1") == teapot(1250)
        server.stop()
        assert catalogue.get("p1") == teapot(1250)
        catalogue.update(teapot(990))
        assert catalogue.get("p1") == teapot(990)
        server.start()
        loads = watched.loads
        assert catalogue.get("p1") == catalogue.get("p1") == teapot(990)
        assert watched.loads == loads + 1  # cached again
