// The day of an application with ioredis, for its versions and those that keep its interface.
import assert from "node:assert/strict";
import { once } from "node:events";
import { host, port, run, until } from "./steps.mjs";

export async function tell(Redis, extra = {}) {
  const options = { port, host, maxRetriesPerRequest: 1, connectTimeout: 10000, ...extra };
  const redis = new Redis(options);

  async function strings() {
    assert.equal(await redis.set("k", "v", "EX", 100, "NX"), "OK");
    assert.equal(await redis.get("k"), "v");
    assert.equal(await redis.set("k", "w", "NX"), null);
    assert.deepEqual(await redis.mget("k", "missing"), ["v", null]);
    assert.equal(await redis.incrby("n", 5), 5);
    assert.deepEqual(await redis.getBuffer("k"), Buffer.from("v"));
  }

  async function collections() {
    assert.equal(await redis.hset("h", { a: 1, b: 2 }), 2);
    assert.deepEqual({ ...(await redis.hgetall("h")) }, { a: "1", b: "2" });
    assert.equal(await redis.rpush("l", 1, 2, 3), 3);
    assert.deepEqual(await redis.lrange("l", 0, -1), ["1", "2", "3"]);
    assert.equal(await redis.sadd("s", "x", "y"), 2);
    assert.deepEqual([...(await redis.smembers("s"))].sort(), ["x", "y"]);
    assert.equal(await redis.zadd("z", 1, "a", 2.5, "b"), 2);
    assert.equal(Number(await redis.zscore("z", "b")), 2.5);
    assert.deepEqual((await redis.zrange("z", 0, -1, "WITHSCORES")).flat().map(String), ["a", "1", "b", "2.5"]);
  }

  async function transactions() {
    assert.deepEqual(await redis.multi().set("a", 1).incr("a").get("a").exec(),
      [[null, "OK"], [null, 2], [null, "2"]]);
    const results = await redis.pipeline().set("str", "x").lpush("str", 1).get("str").exec();
    assert.match(results[1][0].message, /^WRONGTYPE/);
    assert.equal(results[2][1], "x");
    const replies = await Promise.all(Array.from({ length: 1000 }, () => redis.incr("many")));
    assert.deepEqual(replies, Array.from({ length: 1000 }, (_, index) => index + 1));
  }

  async function subscriptions() {
    const listener = new Redis(options);
    const heard = once(listener, "message");
    await listener.subscribe("news");
    assert.equal(await redis.publish("news", "hello"), 1);
    assert.deepEqual(await heard, ["news", "hello"]);
    const matched = once(listener, "pmessage");
    await listener.psubscribe("n*");
    await redis.publish("night", "dark");
    assert.deepEqual(await matched, ["n*", "night", "dark"]);
    assert.equal(await listener.unsubscribe("news"), 1);
    listener.disconnect();
  }

  const blocked = () => until(async () => (await redis.info("clients")).includes("blocked_clients:1"), "a client waits");

  async function blocking() {
    const waiter = new Redis(options);
    await waiter.ping();
    const popped = waiter.blpop("queue", 10);
    await blocked();
    await redis.rpush("queue", "job");
    assert.deepEqual(await popped, ["queue", "job"]);
    waiter.disconnect();
  }

  async function scripts() {
    redis.defineCommand("addAll", {
      numberOfKeys: 1,
      lua: "local s = 0 for _, v in ipairs(ARGV) do s = s + redis.call('INCRBY', KEYS[1], v) end return s",
    });
    assert.equal(await redis.addAll("total", 1, 2, 3), 10);
    await redis.script("FLUSH");
    assert.equal(await redis.addAll("total", 1), 7);
    await assert.rejects(redis.call("NOSUCH"), /unknown command/);
  }

  async function scanning() {
    await redis.mset(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`scan:${index}`, index])));
    const seen = new Set();
    for await (const keys of redis.scanStream({ match: "scan:*", count: 50 })) keys.forEach((key) => seen.add(key));
    assert.equal(seen.size, 500);
  }

  async function streams() {
    const waiter = new Redis(options);
    await waiter.ping();
    const read = waiter.xread("BLOCK", 10000, "STREAMS", "log", "$");
    await blocked();
    const id = await redis.xadd("log", "*", "field", "value");
    assert.match(JSON.stringify(await read), new RegExp(`log.*${id}.*field.*value`));
    assert.equal((await redis.xrange("log", id, id))[0][1].join(), "field,value");
    assert.equal(await redis.xgroup("CREATE", "log", "group", "0"), "OK");
    const given = await redis.xreadgroup("GROUP", "group", "one", "COUNT", 1, "STREAMS", "log", ">");
    assert.ok(given);
    assert.equal((await redis.xpending("log", "group"))[0], 1);
    waiter.disconnect();
  }

  await run(strings, collections, transactions, subscriptions, blocking, scripts, scanning, streams);
}
