"""Write-through: cache and database agree, whoever writes at the same time and whoever dies."""

import json
import random
import threading

import pytest

from servers import wait_until
from write_through import WriteThrough

from .threads import LockWatcher, meanwhile, together


def teapot(price_cents):
    return {"id": "p1", "name": "Teapot", "price_cents": price_cents}


@pytest.fixture
def catalogue(cache, products):
    return WriteThrough(cache, products)


def test_a_write_is_in_both_when_it_returns(catalogue, cache, products):
    catalogue.write(teapot(1250))
    assert json.loads(cache.get("product:p1")) == products.get("p1") == catalogue.read("p1") == teapot(1250)
    assert 0 < cache.ttl("product:p1") <= 3600


def test_a_read_that_misses_fills_the_cache(catalogue, cache, products):
    assert catalogue.read("p1") is None
    products.put(teapot(1250))
    assert catalogue.read("p1") == teapot(1250)
    assert json.loads(cache.get("product:p1")) == teapot(1250)


class Slow:
    """Products; before `method` returns, another write starts and gets as far as it can."""

    def __init__(self, products, redis_address, method):
        self.get, self.put = products.get, products.put
        setattr(self, method, self.delayed(getattr(products, method)))
        self.client = LockWatcher(redis_address)
        self.other = threading.Thread(target=WriteThrough(self.client, products).write, args=[teapot(990)])

    def delayed(self, method):
        def call(argument):
            result = method(argument)
            self.other.start()
            wait_until(lambda: self.client.refused or not self.other.is_alive())
            return result
        return call


def test_of_two_writers_the_second_waits_for_the_first(cache, products, redis_address):
    slow = Slow(products, redis_address, "put")
    WriteThrough(cache, slow).write(teapot(1250))
    slow.other.join()
    assert json.loads(cache.get("product:p1")) == products.get("p1") == teapot(990)


def test_a_reader_that_fills_the_cache_does_not_overwrite_a_write(cache, products, redis_address):
    products.put(teapot(1250))
    slow = Slow(products, redis_address, "get")
    assert WriteThrough(cache, slow).read("p1") == teapot(1250)
    slow.other.join()
    assert json.loads(cache.get("product:p1")) == products.get("p1") == teapot(990)


def test_after_many_writers_cache_and_database_agree(catalogue, cache, products):
    def write(number):
        for _ in range(10):
            catalogue.write(teapot(random.randrange(10_000)))

    together(6, write)
    assert json.loads(cache.get("product:p1")) == products.get("p1")


def test_readers_never_see_a_product_older_than_the_last_write(catalogue, cache):
    catalogue.write(teapot(0))
    written = 0

    def read():
        before = written
        assert catalogue.read("p1")["price_cents"] >= before

    with meanwhile(3, read):
        for price_cents in range(1, 61):
            catalogue.write(teapot(price_cents))
            written = price_cents
            if price_cents % 10 == 0:
                cache.delete("product:p1")  # as if it had expired: readers fill it, writers go on


def test_a_writer_that_dies_after_the_database_leaves_no_old_copy(cache, products):
    class Dies:
        get = products.get

        def put(self, product):
            products.put(product)
            raise SystemExit

    WriteThrough(cache, products).write(teapot(1250))
    with pytest.raises(SystemExit):
        WriteThrough(cache, Dies()).write(teapot(990))
    assert WriteThrough(cache, products).read("p1") == teapot(990)


def test_the_lock_of_a_writer_that_died_runs_out(cache, products):
    products.put(teapot(1250))
    cache.set("lock:product:p1", "of a process that is no more", px=100)
    assert WriteThrough(cache, products).read("p1") == teapot(1250)
    wait_until(lambda: not cache.exists("lock:product:p1"))
