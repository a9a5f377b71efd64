"""Appends through redis-py until it is ended; see bench/failover.py."""

import json
import sys
import time

import redis
import redis.sentinel

mode, host, port, name, key = sys.argv[1:]
if mode == "sentinel":
    client = redis.sentinel.Sentinel([(host, int(port))], socket_timeout=1).master_for(name, socket_timeout=1)
else:
    client = redis.Redis(host, int(port), socket_timeout=1)
number = 0
while True:
    number += 1
    start = time.monotonic_ns()
    try:
        client.rpush(key, number)
        outcome = "ok"
    except redis.ResponseError:
        outcome = "fail"
    except redis.RedisError:
        outcome = "unknown"
    print(json.dumps({"client": key, "op": "append", "key": key, "value": str(number), "start_ns": start,
                      "end_ns": time.monotonic_ns(), "outcome": outcome}), flush=True)
    time.sleep(0.001 if outcome == "ok" else 0.02)
