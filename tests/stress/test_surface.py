"""Everything at once: what is asked is random, what is judged is that the server lives and each client is answered.

Meant for sanitizers, which see what two threads did to the same memory.
"""

import pytest

from conftest import require
from differential.grammar import Speaker
from memcache import fuzzer
from servers import SERVERS
from stress import crowd

POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl", "noeviction"]
BUSY_SCRIPT = "local sum = 0 for i = 1, 300000 do sum = sum + i end return sum"
ADMINISTRATION = [line.split() for line in """
INFO|INFO everything|CLIENT LIST|CLIENT INFO|CLIENT GETNAME|CLIENT UNPAUSE|CLIENT PAUSE 3 WRITE|CLIENT PAUSE 3 ALL
CLIENT KILL TYPE pubsub|CLIENT NO-EVICT on|CLIENT SETNAME overseer|CONFIG GET *|CONFIG RESETSTAT|DBSIZE|RANDOMKEY
CONFIG SET maxmemory 0|CONFIG SET maxmemory 4mb|CONFIG SET slowlog-log-slower-than 0|CONFIG SET timeout 0
CONFIG SET slowlog-log-slower-than 10000|CONFIG SET notify-keyspace-events KEA|CONFIG SET busy-reply-threshold 1
CONFIG SET busy-reply-threshold 5000|CONFIG SET latency-monitor-threshold 1|CONFIG SET list-max-listpack-size -2
SLOWLOG GET|SLOWLOG LEN|SLOWLOG RESET|LATENCY LATEST|LATENCY HISTOGRAM|LATENCY RESET|MEMORY STATS|MEMORY USAGE k3
COMMAND COUNT|COMMAND INFO get|PUBSUB CHANNELS *|PUBSUB NUMPAT|SCRIPT FLUSH|SCRIPT KILL|SWAPDB 0 1|FLUSHALL ASYNC
FLUSHDB SYNC|SCAN 0 COUNT 1000|OBJECT FREQ k1|OBJECT IDLETIME k1|WAIT 0 1|TIME|LASTSAVE|KEYS *
""".strip().replace("\n", "|").split("|")]


def speak(member):
    speaker = Speaker(member.rng.random(), data_alone=True)
    while member.goes_on():
        said = [words for _ in range(20) for words in speaker.item()]
        assert len(member.client.pipeline(said)) == len(said)


def oversee(member):
    while member.goes_on():
        words = member.rng.choice(ADMINISTRATION)
        if member.rng.random() < 0.1:
            words = ["CONFIG", "SET", "maxmemory-policy", member.rng.choice(POLICIES)]
        member.client.call(*words)


def wait(member):
    keys = [f"k{number}" for number in range(10)]
    while member.goes_on():
        pair = member.rng.sample(keys, 2)
        member.client.call(*member.rng.choice([
            ["BLPOP", *pair, "0.01"], ["BRPOP", *pair, "0.01"], ["BLMOVE", *pair, "LEFT", "RIGHT", "0.01"],
            ["BZPOPMIN", *pair, "0.01"], ["BLMPOP", "0.01", 2, *pair, "LEFT"]]))


def overhear(member):
    """Someone who only listens, to all commands or all events, and comes again when sent away."""
    while member.goes_on():
        with member.connect() as client:
            client.send(*member.rng.choice([["MONITOR"], ["PSUBSCRIBE", "__key*"], ["SSUBSCRIBE", "shard"]]))
            client.socket.settimeout(0.2)
            try:
                for _ in range(100):
                    if not client.socket.recv(1 << 16):
                        break
            except OSError:
                pass


def keep_busy(member):
    while member.goes_on():
        member.client.call("EVAL", BUSY_SCRIPT, 0)
        member.client.pipeline([["PUBLISH", "channel", "m"], ["SPUBLISH", "shard", "m"]])


def test_the_whole_surface_at_once(server):
    crowd.run(server, (speak, 4), (oversee, 2), (wait, 2), (overhear, 2), (keep_busy, 1))


def ask_the_cache(member):
    side = fuzzer.Side(member)
    while member.goes_on():
        batch = [fuzzer.request(member.rng, has_meta=False) for _ in range(20)]
        side.ask(batch + [member.rng.choice([b"stats\r\n", b"stats items\r\n", b"stats reset\r\n", b"version\r\n"])])


def test_many_memcached_clients(cache_name):
    if cache_name not in SERVERS:
        pytest.skip("needs a server of its own")
    with require(SERVERS[cache_name])("-t", "4") as server:
        crowd.run(server, (ask_the_cache, 6))
