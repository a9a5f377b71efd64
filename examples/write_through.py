"""Write-through: every write goes to the database and, before it returns, to the cache.

What read() and write() promise:
- Once write() has returned, every read() answers with that product or a later one, from the cache.
- Cache and database agree, also when many write the same product at once: a lock on each product
  makes writers, and readers that miss, take turns. Readers that hit take no lock.
- If a writer dies half-way, the cache holds no copy, and the next reader loads what the database has.

The lock is let go by itself after lock_s seconds; that must be longer than a write takes.
"""

import json

import redis

import arguments
from database import Products


class WriteThrough:
    def __init__(self, cache, products, ttl_s=3600, lock_s=10):
        self.cache, self.products = cache, products
        self.ttl_s, self.lock_s = ttl_s, lock_s

    def read(self, product_id):
        """The product, or None if there is none."""
        cached = self.cache.get(f"product:{product_id}")
        if cached is not None:
            return json.loads(cached)
        with self._lock(product_id):
            cached = self.cache.get(f"product:{product_id}")  # by whoever had the lock before
            if cached is not None:
                return json.loads(cached)
            product = self.products.get(product_id)
            if product is not None:
                self._keep(product)
            return product

    def write(self, product):
        with self._lock(product["id"]):
            self.cache.delete(f"product:{product['id']}")  # first: should this process die after put()
            self.products.put(product)
            self._keep(product)

    def _lock(self, product_id):
        """SET NX with a random token; released by a script that compares the token first."""
        return self.cache.lock(f"lock:product:{product_id}", timeout=self.lock_s, sleep=0.01)

    def _keep(self, product):
        self.cache.set(f"product:{product['id']}", json.dumps(product), ex=self.ttl_s)


def main():
    options = arguments.parser(__doc__, database=True).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    products = Products(options.database)
    catalogue = WriteThrough(cache, products)

    catalogue.write({"id": "p1", "name": "Teapot", "price_cents": 1250})
    print("cache:   ", cache.get("product:p1"))
    print("database:", products.get("p1"))
    catalogue.write({"id": "p1", "name": "Teapot", "price_cents": 990})
    print("after another write:", catalogue.read("p1"))
    products.close()


if __name__ == "__main__":
    main()
