// redis-semaphore: mutex, semaphore, multi-semaphore, and locks kept by their holder.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import semaphores from "redis-semaphore";
import { host, port, range, run, until } from "./lib/steps.mjs";

const { MultiSemaphore, Mutex, Semaphore } = semaphores;
const redis = new Redis({ host, port });
const patient = { acquireTimeout: 20000, retryInterval: 3 };

// Lets many work at once under a lock and returns how many were inside at most.
async function most(locks, work = 20) {
  let inside = 0, highest = 0;
  await Promise.all(range(work).map(async (n) => {
    const lock = locks(n);
    await lock.acquire();
    highest = Math.max(highest, ++inside);
    await sleep(2);
    inside -= 1;
    await lock.release();
  }));
  return highest;
}

async function mutex() {
  assert.equal(await most(() => new Mutex(redis, "one", patient)), 1);
}

async function semaphore() {
  assert.equal(await most(() => new Semaphore(redis, "three", 3, patient)), 3);
}

async function multiSemaphore() {
  assert.ok((await most(() => new MultiSemaphore(redis, "six", 6, 2, patient))) <= 3);
}

async function refusedAndExpired() {
  const holder = new Mutex(redis, "held", { lockTimeout: 100, refreshInterval: 20 });
  await holder.acquire();
  const other = new Mutex(redis, "held", { acquireTimeout: 150, retryInterval: 10 });
  await assert.rejects(other.acquire(), /timeout/);
  holder.stopRefresh();
  await until(() => other.tryAcquire(), "the lock expires");
  await other.release();
}

async function lostLock() {
  const lost = [];
  const holder = new Mutex(redis, "lost", { lockTimeout: 60, refreshInterval: 10, onLockLost: (e) => lost.push(e) });
  await holder.acquire();
  await redis.set("mutex:lost", "somebody else");
  await until(() => lost.length === 1, "the loss is noticed");
  assert.ok(/Lost mutex/i.test(lost[0].message), lost[0].message);
}

await run(mutex, semaphore, multiSemaphore, refusedAndExpired, lostLock);
