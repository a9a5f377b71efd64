// memjs: the binary protocol. Values, counters, many requests at once, statistics, a server that comes back; with a
// login where MEMJS_USER and MEMJS_PASSWORD are given.
import assert from "node:assert/strict";
import memjs from "memjs";
import { host, port, range, run, serverPids, until } from "./lib/steps.mjs";

const login = process.env.MEMJS_USER ? { username: process.env.MEMJS_USER, password: process.env.MEMJS_PASSWORD } : {};
const silent = { log() {} };

function connect(options = {}) {
  return memjs.Client.create(`${host}:${port}`, { ...login, logger: silent, timeout: 5, ...options });
}

async function values() {
  const client = connect();
  for (const value of ["text", "", "x".repeat(900000), "ä世", Buffer.from([0, 13, 10, 255, 128, 129])]) {
    assert.ok(await client.set("k", value, { expires: 100 }));
    assert.deepEqual((await client.get("k")).value, Buffer.from(value));
  }
  assert.ok(await client.set("t", "b", {}));
  assert.equal(await client.add("t", "other", {}), false);
  assert.equal(await client.replace("absent", "other", {}), false);
  assert.ok(await client.append("t", "c"));
  assert.ok(await client.prepend("t", "d")); // which it sends as an append
  assert.equal((await client.get("t")).value.toString(), "bcd");
  assert.ok(await client.touch("t", 50));
  assert.equal(await client.touch("absent", 50), false);
  assert.ok(await client.delete("t"));
  assert.equal(await client.delete("t"), false);
  assert.equal((await client.get("t")).value, null);
  await assert.rejects(client.set("big", "x".repeat(1100000), {}));
  client.close();
}

async function counters() {
  const client = connect();
  await client.delete("n");
  assert.deepEqual(await client.increment("n", 5, { initial: 10 }), { success: true, value: 10 });
  assert.deepEqual(await client.increment("n", 5, {}), { success: true, value: 15 });
  assert.deepEqual(await client.decrement("n", 20, {}), { success: true, value: 0 });
  client.close();
}

async function manyAtOnce() {
  const client = connect();
  await Promise.all(range(1000).map((n) => client.set(`k${n}`, `${n}`, { expires: 100 })));
  const found = await Promise.all(range(1000).map((n) => client.get(`k${n}`)));
  assert.deepEqual(found.map(({ value }) => Number(value)), range(1000));
  client.close();
}

async function statistics() {
  const client = connect();
  const told = await new Promise((done, fail) => client.stats((error, _, stats) => (error ? fail(error) : done(stats))));
  assert.equal(Number(told.pid), serverPids[0]);
  assert.ok(Number(told.curr_items) >= 1000);
  await client.flush();
  assert.equal((await client.get("k1")).value, null);
  client.close();
}

async function aServerThatSleeps() {
  const client = connect({ timeout: 0.3, conntimeout: 0.3, failoverTime: 1, retries: 1 });
  await client.set("k", "before", {});
  process.kill(serverPids[0], "SIGSTOP");
  await assert.rejects(client.get("k"));
  process.kill(serverPids[0], "SIGCONT");
  client.close();
  // A client that has timed out may lose a request and never say so: each try has its own.
  const value = async () => {
    const fresh = connect();
    const late = new Promise((done) => setTimeout(done, 1000));
    const found = await Promise.race([fresh.get("k").catch(() => null), late]);
    fresh.close();
    return found?.value?.toString();
  };
  await until(async () => (await value()) === "before", "the value is read again");
}

await run(values, counters, manyAtOnce, statistics, aServerThatSleeps);
