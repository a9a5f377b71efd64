// rate-limiter-flexible: exact counts under fifty clients, with ioredis and with node-redis.
import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { BurstyRateLimiter, RateLimiterQueue, RateLimiterRedis, RateLimiterUnion } from "rate-limiter-flexible";
import { createClient } from "redis";
import { host, port, range, run } from "./lib/steps.mjs";

const CLIENTS = 50;
const redis = new Redis({ host, port });

// How many of the tries of all the limiters are let through.
async function passed(limiters, tries, key = "user") {
  const outcomes = await Promise.allSettled(limiters.flatMap((limiter) => range(tries).map(() => limiter.consume(key))));
  for (const { reason } of outcomes) assert.ok(!(reason instanceof Error), String(reason));
  return outcomes.filter((outcome) => outcome.status === "fulfilled").length;
}

async function fiftyOfIoredis() {
  const limiters = range(CLIENTS).map(() => new RateLimiterRedis({ storeClient: new Redis({ host, port }),
    keyPrefix: "a", points: 137, duration: 100 }));
  assert.equal(await passed(limiters, 20), 137);
  const state = await limiters[0].get("user");
  assert.equal(state.consumedPoints, CLIENTS * 20);
  assert.equal(state.remainingPoints, 0);
  assert.ok(state.msBeforeNext > 90000 && state.msBeforeNext <= 100000);
}

async function fiftyOfNodeRedis() {
  const clients = await Promise.all(range(CLIENTS).map(() => createClient({ socket: { host, port } }).connect()));
  const limiters = clients.map((storeClient) => new RateLimiterRedis({ storeClient, useRedisPackage: true,
    keyPrefix: "b", points: 99, duration: 100 }));
  assert.equal(await passed(limiters, 10), 99);
  clients.forEach((client) => client.destroy());
}

async function pointsGivenBackAndBlocked() {
  const limiter = new RateLimiterRedis({ storeClient: redis, keyPrefix: "c", points: 3, duration: 100,
    blockDuration: 200 });
  assert.equal((await limiter.consume("user", 2)).remainingPoints, 1);
  assert.equal((await limiter.reward("user", 1)).remainingPoints, 2);
  assert.equal((await limiter.penalty("user", 2)).remainingPoints, 0);
  await assert.rejects(limiter.consume("user"), (result) => result.msBeforeNext > 190000);
  assert.ok(await limiter.delete("user"));
  assert.equal((await limiter.consume("user")).remainingPoints, 2);
  await limiter.block("user", 50);
  await assert.rejects(limiter.consume("user"), (result) => result.msBeforeNext > 40000);
}

async function burstsAndUnions() {
  const plain = new RateLimiterRedis({ storeClient: redis, keyPrefix: "d", points: 2, duration: 100 });
  const burst = new RateLimiterRedis({ storeClient: redis, keyPrefix: "e", points: 3, duration: 100 });
  assert.equal(await passed([new BurstyRateLimiter(plain, burst)], 10), 5);
  const narrow = new RateLimiterRedis({ storeClient: redis, keyPrefix: "f", points: 1, duration: 100 });
  const union = new RateLimiterUnion(narrow, new RateLimiterRedis({ storeClient: redis, keyPrefix: "g", points: 9 }));
  await union.consume("user");
  await assert.rejects(union.consume("user"), (results) => "f" in results);
}

async function windowsOpenAgain() {
  const limiter = new RateLimiterRedis({ storeClient: redis, keyPrefix: "h", points: 5, duration: 1 });
  const queue = new RateLimiterQueue(limiter, { maxQueueSize: 100 });
  const started = Date.now();
  await Promise.all(range(8).map(() => queue.removeTokens(1)));
  assert.ok(Date.now() - started >= 500, "the second window came");
}

await run(fiftyOfIoredis, fiftyOfNodeRedis, pointsGivenBackAndBlocked, burstsAndUnions, windowsOpenAgain);
