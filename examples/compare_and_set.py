"""Compare and set: change a value only if it is still what you read.

What both forms promise: of several clients that read the same value and try to replace it, exactly
one succeeds; the others learn that they came too late, and change nothing.

- compare_and_set() is a Lua script: one round trip, no retries on the server. Take this one.
- compare_and_set_watching() does the same by WATCH and MULTI: four round trips, but what is compared
  may be anything that Python can compute.

None stands for "there is no such key", in the expected and in the new value.
"""

import redis

import arguments

# Lua's false is what GET answers for a key that is not there; an empty string is a value.
COMPARE_AND_SET = """
local expected = ARGV[1] == 'value' and ARGV[2]
if redis.call('GET', KEYS[1]) ~= expected then return 0 end
if ARGV[3] == 'value' then
  redis.call('SET', KEYS[1], ARGV[4], 'KEEPTTL')
else
  redis.call('DEL', KEYS[1])
end
return 1
"""


def compare_and_set(cache, key, expected, new):
    """True if the key had the expected value and now has the new one; its time to live stays."""
    def tagged(value):
        return ("none", "") if value is None else ("value", value)
    return cache.eval(COMPARE_AND_SET, 1, key, *tagged(expected), *tagged(new)) == 1


def compare_and_set_watching(cache, key, expected, new):
    with cache.pipeline() as pipe:
        try:
            pipe.watch(key)  # from here on, anyone's change of the key lets execute() fail
            if pipe.get(key) != expected:
                return False
            pipe.multi()
            if new is None:
                pipe.delete(key)
            else:
                pipe.set(key, new, keepttl=True)
            pipe.execute()
            return True
        except redis.WatchError:
            return False


def change(cache, key, function, compare_and_set=compare_and_set):
    """Replaces the value by function(value), however many others do too; returns the new value."""
    while True:
        before = cache.get(key)
        after = function(before)
        if compare_and_set(cache, key, before, after):
            return after


def main():
    options = arguments.parser(__doc__).parse_args()
    cache = redis.Redis(host=options.host, port=options.port, decode_responses=True)
    for attempt in (compare_and_set, compare_and_set_watching):
        cache.set("order:17", "paid")
        print(f"{attempt.__name__}: first", attempt(cache, "order:17", "paid", "shipped"),
              "second", attempt(cache, "order:17", "paid", "cancelled"), "->", cache.get("order:17"))
    print("changed:", change(cache, "order:17", lambda state: state + ", delivered"))
    cache.delete("order:17")


if __name__ == "__main__":
    main()
