"""Rate limiters: at most `limit` requests in `window_s` seconds for each user, counted in the cache.

FixedWindow: INCR and EXPIRE of one key for each window. Cheapest; never more than `limit` in a window,
but up to twice that across the border of two.
SlidingWindow: a sorted set of the times of the last requests, in a Lua script. Never more than `limit`
in any stretch of window_s seconds, wherever it starts. Costs memory for `limit` times a user.

Both count in one step on the server, so any number of processes may share a limit. Neither counts
a refused request against the user.
"""

import time
import uuid

import redis

import arguments


class FixedWindow:
    def __init__(self, cache, limit, window_s, clock=time.time):
        self.cache, self.limit, self.window_s, self.clock = cache, limit, window_s, clock

    def allow(self, user):
        window = int(self.clock() // self.window_s)
        key = f"rate:{user}:{window}"
        with self.cache.pipeline() as pipe:
            pipe.multi()  # never one without the other: a counter without an expiry would stay for ever
            pipe.incr(key)
            pipe.expire(key, 2 * self.window_s)  # twice, for machines whose clocks differ a little
            count, _ = pipe.execute()
        return count <= self.limit


# The time is the server's, so the clocks of its clients need not agree.
SLIDE = """
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local window_us = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_us - window_us)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now_us, ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(window_us / 1000))
return 1
"""


class SlidingWindow:
    def __init__(self, cache, limit, window_s):
        self.cache, self.limit, self.window_us = cache, limit, int(window_s * 1_000_000)

    def allow(self, user):
        request = uuid.uuid4().hex  # two requests of the same microsecond are two members
        key = f"rate:{user}"
        return self.cache.eval(SLIDE, 1, key, self.limit, self.window_us, request) == 1


def main():
    options = arguments.parser(__doc__).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    for limiter in (FixedWindow(cache, limit=3, window_s=60), SlidingWindow(cache, limit=3, window_s=60)):
        user = "demonstration-" + uuid.uuid4().hex
        answers = ["allowed" if limiter.allow(user) else "refused" for _ in range(5)]
        print(f"{type(limiter).__name__}: {', '.join(answers)}")


if __name__ == "__main__":
    main()
