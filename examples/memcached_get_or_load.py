"""Get or load with memcached: cache-aside in one call, with leases against stampedes.

What get_or_load() promises:
- However many readers miss at once, one of them loads (until its lease runs out, should it die).
- What was loaded before invalidate() is never stored after it.
- While memcached is down, it loads.

The lease lies where the value will: add() stores it if nothing is there, so only one reader gets it,
and cas() replaces it by the value only if it is still there. delete() takes away value and lease alike.

Times are whole seconds. Values are JSON; keys are at most 250 bytes, without spaces.
"""

import json
import time
import uuid

from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheError

import arguments

LEASE = b"lease:"  # no JSON starts like this
LEASE_S = 5  # longer than a load takes
POLL_S = 0.01
CACHE_IS_DOWN = (OSError, MemcacheError)


def get_or_load(client, key, load, expire=300):
    """The value of the key; if the cache has none, load()'s, which is kept for `expire` seconds."""
    try:
        cached, version = _find_or_lease(client, key)
    except CACHE_IS_DOWN:
        return load()
    if cached is not None:
        return json.loads(cached)
    try:
        value = load()
    except Exception:
        invalidate(client, key)  # gives the lease back: the next reader need not wait
        raise
    if version is not None:
        _try(client.cas, key, json.dumps(value).encode(), version, expire=expire, noreply=False)
    return value


def invalidate(client, key):
    """Call it after a change: whoever loads from now on sees it, and nothing older is stored."""
    _try(client.delete, key, noreply=False)


def _find_or_lease(client, key):
    """(the cached text, None), or (None, what cas() needs). After LEASE_S without either, two Nones."""
    lease = LEASE + uuid.uuid4().hex.encode()
    deadline = time.monotonic() + LEASE_S
    while time.monotonic() < deadline:
        cached = client.get(key)
        # noreply=False: by default pymemcache does not wait to hear whether add() added.
        if cached is None and client.add(key, lease, expire=LEASE_S, noreply=False):
            held, version = client.gets(key)
            return None, version if held == lease else None  # else it was invalidated already
        if cached is not None and not cached.startswith(LEASE):
            return cached, None
        time.sleep(POLL_S)  # another reader is loading it
    return None, None


def _try(call, *values, **options):
    try:
        call(*values, **options)
    except CACHE_IS_DOWN:
        pass  # a copy that outlives the failure is old until it expires


def main():
    options = arguments.parser(__doc__, port=11211).parse_args()

    def load():
        print("  loading from the database")
        return {"name": "Teapot", "price_cents": 1250}

    # Client is one connection, for one thread. HashClient spreads keys over servers; with
    # use_pooling=True threads may share it. retry_attempts=0: by default it answers for a while after an
    # error as if every key were missing and every add() too late, so readers would wait for a lease.
    address = (options.host, options.port)
    single = Client(address, connect_timeout=0.5, timeout=0.5)
    pooled = HashClient([address], use_pooling=True, connect_timeout=0.5, timeout=0.5,
                        retry_attempts=0, dead_timeout=10)
    for client in (single, pooled):
        print(type(client).__name__)
        invalidate(client, "product-p1")
        for _ in range(2):
            print(" ", get_or_load(client, "product-p1", load, expire=60))
        client.close()


if __name__ == "__main__":
    main()
