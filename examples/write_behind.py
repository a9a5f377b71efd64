"""Write-behind: a write returns when the cache has it; a worker brings it to the database later.

What WriteBehind and Worker promise:
- Readers see a write as soon as write() has returned.
- The database sees every write, in the order of the writes, at least once: an entry on its way lies
  in a second list (LMOVE moves it in one step), and a worker that was killed finds it there again.
  Writing an entry twice in a row changes nothing, since it says what the product is, not what changed.
- A product that is not in the database yet does not leave the cache: it gets a time to live only
  when it is written. So let maxmemory-policy be noeviction or one of volatile-*.

Run one worker for a queue, for order's sake (several queues, by a hash of the id, may have one each),
and keep it running: `write_behind.py --worker`. Until then the cache holds the only copy: give it a
replica or an append-only file. A worker whose database fails ends with the error: whatever restarts
it lets it try that entry again. Its client's socket_timeout, if any, is longer than step() waits.
"""

import json
import threading

import redis

import arguments
from database import Products

QUEUE, PROCESSING = "write-behind:queue", "write-behind:processing"
TTL_S = 3600

# The entry is written; unless a later write has replaced it, its cached copy may now expire.
FINISH = """
redis.call('LREM', KEYS[1], 1, ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('EXPIRE', KEYS[2], ARGV[2]) end
"""


class WriteBehind:
    def __init__(self, cache, products):
        self.cache, self.products = cache, products

    def write(self, product):
        entry = json.dumps(product)
        with self.cache.pipeline() as pipe:
            pipe.multi()  # both or neither, and no other write in between: queue and cache agree
            pipe.set(f"product:{product['id']}", entry)
            pipe.lpush(QUEUE, entry)
            pipe.execute()

    def read(self, product_id):
        """The product, or None if there is none."""
        cached = self.cache.get(f"product:{product_id}")
        if cached is not None:
            return json.loads(cached)
        product = self.products.get(product_id)
        if product is not None:  # NX: a write that came meanwhile is newer
            self.cache.set(f"product:{product_id}", json.dumps(product), nx=True, ex=TTL_S)
        return product


class Worker:
    def __init__(self, cache, products):
        self.cache, self.products = cache, products

    def run(self, stop):
        """Works until the event `stop` is set. Being killed at any time is as good an end."""
        self.recover()
        while not stop.is_set():
            self.step()

    def recover(self):
        """Puts back what a killed worker left, where it will be taken next."""
        while self.cache.lmove(PROCESSING, QUEUE, "LEFT", "RIGHT"):
            pass

    def step(self, timeout_s=1):
        """Writes the oldest entry. False if none came within timeout_s."""
        entry = self.cache.blmove(QUEUE, PROCESSING, timeout_s, "RIGHT", "LEFT")
        if entry is None:
            return False
        product = json.loads(entry)
        self.products.put(product)
        self.cache.eval(FINISH, 2, PROCESSING, f"product:{product['id']}", entry, TTL_S)
        return True


def drain_simply(cache, products, timeout_s=1):
    """The short form, for what may be lost (page views, say): at most once.

    BRPOP takes the entry out of the cache; if this process dies before put(), it is gone.
    """
    while (popped := cache.brpop(QUEUE, timeout=timeout_s)) is not None:
        _, entry = popped
        products.put(json.loads(entry))


def main():
    parser = arguments.parser(__doc__, database=True)
    parser.add_argument("--worker", action="store_true", help="only write what is queued, until stopped")
    options = parser.parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    products = Products(options.database)
    stop = threading.Event()
    worker = Worker(cache, products)
    if options.worker:
        return worker.run(stop)

    catalogue = WriteBehind(cache, products)
    for price_cents in (1250, 1100, 990):
        catalogue.write({"id": "p1", "name": "Teapot", "price_cents": price_cents})
    print("queued:", cache.llen(QUEUE), "read:", catalogue.read("p1"))
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    while cache.exists(QUEUE, PROCESSING):
        stop.wait(0.01)
    stop.set()
    thread.join()
    print("database:", products.get("p1"))
    products.close()


if __name__ == "__main__":
    main()
