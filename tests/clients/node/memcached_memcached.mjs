// memcached (npm): values, batches, counters, CAS, statistics, two servers, one of them stopped.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import Memcached from "memcached";
import { host, ports, range, run, serverPids, until } from "./lib/steps.mjs";

const servers = ports.map((port) => `${host}:${port}`);

// The methods as promises. Of batches the answer is an object.
function connect(options = {}, where = servers) {
  const client = new Memcached(where, { timeout: 5000, ...options });
  const names = ["set", "get", "gets", "cas", "add", "replace", "append", "prepend", "incr", "decr", "del", "touch", "getMulti"];
  const methods = names.map((name) => [name, promisify(client[name].bind(client))]);
  return Object.assign(Object.fromEntries(methods), { raw: client, end: () => client.end() });
}

async function values() {
  const client = connect();
  for (const value of ["text", 17, true, { deep: [1, null] }, "x".repeat(900000), "ä世", Buffer.from([0, 13, 10, 255])]) {
    assert.ok(await client.set("k", value, 100));
    assert.deepEqual(await client.get("k"), value);
  }
  assert.ok(await client.set("t", "b", 100));
  await assert.rejects(client.add("t", 1, 100), /not stored/);
  await client.append("t", "c");
  await client.prepend("t", "a");
  assert.equal(await client.get("t"), "abc");
  assert.ok(await client.replace("t", "z", 100));
  assert.ok(await client.touch("t", 50));
  assert.ok(await client.del("t"));
  assert.equal(await client.get("t"), undefined);
  client.end();
}

async function batches() {
  const client = connect({ poolSize: 5 });
  await Promise.all(range(500).map((n) => client.set(`k${n}`, n, 100)));
  const found = await client.getMulti(range(600).map((n) => `k${n}`));
  assert.equal(Object.keys(found).length, 500);
  assert.equal(found.k499, 499);
  client.end();
}

async function counters() {
  const client = connect();
  await client.set("n", 10, 100);
  assert.equal(await client.incr("n", 5), 15);
  assert.equal(await client.decr("n", 20), 0);
  assert.equal(await client.incr("absent", 1), false);
  client.end();
}

async function compareAndSet() {
  const [first, second] = [connect(), connect()];
  await first.set("k", "old", 100);
  const seen = await first.gets("k");
  await second.set("k", "new", 100);
  assert.equal(await first.cas("k", "mine", seen.cas, 100), false);
  assert.ok(await first.cas("k", "mine", (await first.gets("k")).cas, 100));
  assert.equal(await second.get("k"), "mine");
  first.end();
  second.end();
}

async function statistics() {
  const client = connect();
  for (const name of ["stats", "settings", "items", "slabs", "version"]) {
    const told = await promisify(client.raw[name].bind(client.raw))();
    assert.equal([told].flat().length >= 1, true, name);
  }
  const all = await promisify(client.raw.stats.bind(client.raw))();
  assert.deepEqual(all.map((one) => Number(one.pid)).sort(), serverPids.toSorted((a, b) => a - b).map(Number).sort());
  assert.ok(await promisify(client.raw.flush.bind(client.raw))());
  assert.equal(await client.get("k"), undefined);
  client.end();
}

// Keys of a server that is gone come to the other one. The client never answers some requests that
// were under way when a server ends, so it is a new one.
async function aServerLess() {
  process.kill(serverPids[1], "SIGKILL");
  const client = connect({ timeout: 500, retries: 1, retry: 100, failures: 1, remove: true, reconnect: 60000 });
  await until(async () => {
    const tries = range(50).map((n) => Promise.race([client.set(`k${n}`, -n, 100), sleep(1000)]));
    return (await Promise.allSettled(tries)).every((one) => one.value === true);
  }, "all keys find a server");
  assert.equal(await client.get("k7"), -7);
  client.end();
}

await run(values, batches, counters, compareAndSet, statistics, aServerLess);
