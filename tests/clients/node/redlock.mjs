// redlock over five servers: one is stopped, two more, and locks hold as long as a majority answers.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import Redlock from "redlock";
import { host, ports, range, run, serverPids } from "./lib/steps.mjs";

const clients = ports.map((port) => new Redis({ host, port, commandTimeout: 100 }));
const redlock = new Redlock(clients, { retryCount: 200, retryDelay: 5, retryJitter: 10, driftFactor: 0.01 });
redlock.on("clientError", () => {});

async function exclusive() {
  let inside = 0, counted = 0;
  await Promise.all(range(10).map(async () => {
    const lock = await redlock.lock("resource", 5000);
    assert.equal(++inside, 1);
    const before = counted;
    await sleep(2);
    counted = before + 1;
    inside -= 1;
    await lock.unlock();
  }));
  assert.equal(counted, 10);
}

async function extendedAndRefused() {
  const lock = await redlock.lock("held", 5000);
  const hasty = new Redlock(clients, { retryCount: 0 });
  hasty.on("clientError", () => {});
  await assert.rejects(hasty.lock("held", 1000), Redlock.LockError);
  const longer = await lock.extend(60000);
  for (const client of clients) assert.ok((await client.pttl("held")) > 50000);
  await longer.unlock();
  for (const client of clients) assert.equal(await client.exists("held"), 0);
}

async function oneStops() {
  process.kill(serverPids[0], "SIGSTOP");
  const lock = await redlock.lock("resource", 10000);
  assert.deepEqual(await Promise.all(clients.slice(1).map((client) => client.exists("resource"))), [1, 1, 1, 1]);
  await lock.unlock();
  process.kill(serverPids[0], "SIGCONT");
}

async function noMajority() {
  serverPids.slice(0, 3).forEach((pid) => process.kill(pid, "SIGSTOP"));
  const hasty = new Redlock(clients, { retryCount: 1, retryDelay: 5 });
  hasty.on("clientError", () => {});
  await assert.rejects(hasty.lock("minor", 1000), Redlock.LockError);
  serverPids.slice(0, 3).forEach((pid) => process.kill(pid, "SIGCONT"));
  await (await redlock.lock("again", 5000)).unlock();
}

await run(exclusive, extendedAndRefused, oneStops, noMajority);
