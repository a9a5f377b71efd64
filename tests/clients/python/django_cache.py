"""django-redis: Django's cache and its sessions, with patterns, locks, counters and compressed values."""

import threading

import django
from django.conf import settings

from lib.steps import URL, run, until

settings.configure(
    SECRET_KEY="s", USE_TZ=True, SESSION_ENGINE="django.contrib.sessions.backends.cache",
    CACHES={"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": URL, "KEY_PREFIX": "app"},
            "packed": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": URL[:-1] + "1",
                       "OPTIONS": {"COMPRESSOR": "django_redis.compressors.zlib.ZlibCompressor",
                                   "SERIALIZER": "django_redis.serializers.json.JSONSerializer"}}})
django.setup()
from django.contrib.sessions.backends.cache import SessionStore  # noqa: E402
from django.core.cache import cache, caches  # noqa: E402


def values():
    assert cache.set("k", {"deep": [1, None]}, timeout=100) and cache.get("k") == {"deep": [1, None]}
    assert cache.add("k", 1) is False and cache.add("new", 1) is True
    assert 98 <= cache.ttl("k") <= 100 and cache.persist("k") and cache.ttl("k") is None
    assert cache.set("brief", 1, timeout=0.05)
    until(lambda: cache.get("brief") is None, "it expires")
    cache.set_many({f"item:{n}": n for n in range(300)})
    assert cache.get_many(["item:1", "none"]) == {"item:1": 1}
    assert len(list(cache.iter_keys("item:*"))) == 300
    assert cache.delete_pattern("item:1*") == 111
    assert cache.delete_many(["item:2", "item:3", "none"]) == 2
    assert cache.get_or_set("made", lambda: 7) == 7 and cache.touch("made", 50)
    cache.set("versioned", 1)
    assert cache.incr_version("versioned") == 2 and cache.get("versioned", version=2) == 1


def counters():
    cache.set("n", 0, timeout=None)
    threads = [threading.Thread(target=lambda: [cache.incr("n") for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("n") == 400 and cache.decr("n", 400) == 0


def locks():
    inside, highest = [0], [0]

    def enter():
        with cache.lock("door", timeout=10, sleep=0.002):
            inside[0] += 1
            highest[0] = max(highest[0], inside[0])
            inside[0] -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert highest == [1] and not cache.has_key("door")


def sessions():
    session = SessionStore()
    session["user"] = 42
    session.save()
    again = SessionStore(session_key=session.session_key)
    assert again["user"] == 42
    again.cycle_key()
    assert SessionStore(session_key=again.session_key)["user"] == 42
    again.flush()
    assert not SessionStore().exists(session.session_key)


def packed_values_of_another_database():
    packed = caches["packed"]
    packed.set("text", "x" * 100000)
    assert packed.get("text") == "x" * 100000 and cache.get("text") is None
    packed.clear()
    assert packed.get("text") is None and cache.get("made") == 7


run(values, counters, locks, sessions, packed_values_of_another_database)
