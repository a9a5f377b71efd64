"""Cache warming: everything is stored in batches, and what is there already stays."""

import json

import pytest

from cache_warming import warm


@pytest.fixture
def rows(products):
    rows = [{"id": f"p{number:03}", "name": f"Cup {number}", "price_cents": number} for number in range(130)]
    for row in rows:
        products.put(row)
    return rows


def test_every_product_is_stored(cache, products, rows):
    assert warm(cache, products, batch_size=50) == 130
    assert [json.loads(cache.get(f"product:{row['id']}")) for row in rows] == rows


def test_progress_is_told_after_each_batch(cache, products, rows):
    steps = []
    warm(cache, products, batch_size=50, on_progress=lambda done, total: steps.append((done, total)))
    assert steps == [(50, 130), (100, 130), (130, 130)]


def test_what_the_cache_has_stays(cache, products, rows):
    cache.set("product:p007", "newer")
    assert warm(cache, products) == 129
    assert cache.get("product:p007") == "newer"
    assert warm(cache, products) == 0


def test_times_to_live_are_spread(cache, products, rows):
    warm(cache, products, ttl_s=1000)
    times = [cache.ttl(f"product:{row['id']}") for row in rows]
    assert 490 <= min(times) < 650 and 850 < max(times) <= 1000


def test_an_empty_table_warms_nothing(cache, products):
    assert warm(cache, products) == 0
