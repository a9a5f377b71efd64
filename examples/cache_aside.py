"""Cache-aside: read through the cache, write to the database, and drop the cached copy.

What get() and update() promise, whatever happens at the same time:
- A get() that starts after update() has returned never answers with the product as it was before.
- However many readers miss at once, one of them asks the database (no stampede).
- That a product does not exist is remembered too, for a shorter time.
- Products cached together do not expire together: each time to live is varied a little.
- While the cache is down, the database answers.

If a writer dies between the database and the cache, or the cache cannot be reached by the writer
alone, readers see the old product until its time to live is over: choose that time accordingly.
"""

import json
import random
import time
import uuid

import redis

import arguments
from database import Products

CACHE_IS_DOWN = (redis.ConnectionError, redis.TimeoutError)

# Keeps a loaded product only if this reader still holds the lock. An update takes the lock away,
# because what was read before it may be old.
STORE_IF_LOCKED = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
"""
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class ProductCache:
    def __init__(self, cache, products, ttl_s=300, missing_ttl_s=30, lock_ms=5000, poll_s=0.01):
        self.cache, self.products = cache, products
        self.ttl_s, self.missing_ttl_s = ttl_s, missing_ttl_s
        self.lock_ms = lock_ms  # longer than a load takes; a reader that dies keeps others waiting this long
        self.poll_s = poll_s

    def get(self, product_id):
        """The product, or None if there is none."""
        key, lock = f"product:{product_id}", f"lock:product:{product_id}"
        try:
            cached, token = self._find_or_lock(key, lock)
        except CACHE_IS_DOWN:
            return self.products.get(product_id)
        if cached is not None:
            return json.loads(cached)  # "null" stands for a product that does not exist
        try:
            product = self.products.get(product_id)
        except Exception:
            self._try(self.cache.eval, UNLOCK, 1, lock, token)  # the next reader need not wait
            raise
        ttl_s = self.missing_ttl_s if product is None else self.ttl_s
        ttl_s = max(1, round(ttl_s * random.uniform(0.9, 1.1)))
        self._try(self.cache.eval, STORE_IF_LOCKED, 2, key, lock, token, json.dumps(product), ttl_s)
        return product

    def update(self, product):
        self.products.put(product)
        # One DEL: what a reader has loaded but not stored yet goes with the old copy.
        self._try(self.cache.delete, f"product:{product['id']}", f"lock:product:{product['id']}")

    def _find_or_lock(self, key, lock):
        """The cached text, or the token of our lock. After lock_ms without either, a token of none."""
        token = uuid.uuid4().hex
        deadline = time.monotonic() + self.lock_ms / 1000
        while time.monotonic() < deadline:
            cached = self.cache.get(key)
            if cached is not None:
                return cached, None
            if self.cache.set(lock, token, nx=True, px=self.lock_ms):
                cached = self.cache.get(key)  # again: its last holder may have stored it just now
                if cached is not None:
                    self.cache.eval(UNLOCK, 1, lock, token)
                return cached, token
            time.sleep(self.poll_s)  # another reader is loading it
        return None, token

    def _try(self, call, *values):
        try:
            call(*values)
        except CACHE_IS_DOWN:
            pass  # a copy that outlives the failure is old for at most its time to live


def main():
    options = arguments.parser(__doc__, database=True).parse_args()
    # Timeouts: a cache that hangs must not take the service with it.
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True,
                        socket_connect_timeout=0.5, socket_timeout=0.5)
    products = Products(options.database)
    catalogue = ProductCache(cache, products)

    catalogue.update({"id": "p1", "name": "Teapot", "price_cents": 1250})
    print("miss, from the database:", catalogue.get("p1"))
    print("hit, from the cache:    ", catalogue.get("p1"))
    catalogue.update({"id": "p1", "name": "Teapot", "price_cents": 990})
    print("after an update:        ", catalogue.get("p1"))
    print("no such product:        ", catalogue.get("p2"), "cached as", cache.get("product:p2"))
    products.close()


if __name__ == "__main__":
    main()
