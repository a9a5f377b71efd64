"""Cache warming: fill an empty cache from the database before the traffic comes.

What warm() promises:
- A round trip for each batch, not for each product, and a pause of the server for none: the batch is
  a pipeline without a transaction, so other clients are served in between.
- What the cache has already stays: it may be newer than what was read here (NX).
- Products do not expire together: their times to live are spread over half to the whole of ttl_s.

A product that is updated between the moment it is read here and the moment it is stored stays old for
up to ttl_s. So warm a cache before it takes traffic; batches are small to keep that moment short.
"""

import json
import random

import redis

import arguments
from database import Products


def warm(cache, products, ttl_s=3600, batch_size=500, on_progress=lambda done, total: None):
    """Stores every product; returns how many were not in the cache before."""
    rows = products.all()
    added = 0
    for start in range(0, len(rows), batch_size):
        batch = rows[start:start + batch_size]
        with cache.pipeline(transaction=False) as pipe:
            for product in batch:
                ttl = random.randint(max(1, ttl_s // 2), ttl_s)
                pipe.set(f"product:{product['id']}", json.dumps(product), nx=True, ex=ttl)
            added += sum(1 for stored in pipe.execute() if stored)
        on_progress(start + len(batch), len(rows))
    return added


def show_progress(done, total):
    print(f"\r{done} of {total} products ({100 * done // total} %)", end="", flush=True)


def main():
    options = arguments.parser(__doc__, database=True).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    products = Products(options.database)
    for number in range(100):
        products.put({"id": f"w{number}", "name": f"Product {number}", "price_cents": 100 + number})

    added = warm(cache, products, batch_size=20, on_progress=show_progress)
    print(f"\n{added} added; w7 is {cache.get('product:w7')}, for {cache.ttl('product:w7')} s")
    products.close()


if __name__ == "__main__":
    main()
