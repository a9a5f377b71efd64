// memcache-client: values, batches, CAS, counters, requests without replies, several connections, statistics.
import assert from "node:assert/strict";
import memcacheClient from "memcache-client";
import { host, port, range, run, until } from "./lib/steps.mjs";

const { MemcacheClient } = memcacheClient;
const connect = (options = {}) => new MemcacheClient({ server: `${host}:${port}`, ...options });

async function values() {
  const client = connect();
  for (const value of ["text", 17, { deep: [1, null] }, "x".repeat(900000), Buffer.from([0, 13, 10, 255])]) {
    assert.deepEqual(await client.set("k", value), ["STORED"]);
    assert.deepEqual((await client.get("k")).value, value);
  }
  await client.set("t", "b");
  await assert.rejects(client.add("t", "x"), /NOT_STORED/);
  await client.append("t", "c");
  await client.prepend("t", "a");
  assert.equal((await client.get("t")).value, "abc");
  assert.deepEqual(await client.replace("t", "z"), ["STORED"]);
  assert.deepEqual(await client.touch("t", 50), ["TOUCHED"]);
  assert.deepEqual(await client.delete("t"), ["DELETED"]);
  assert.equal(await client.get("t"), undefined);
  client.shutdown();
}

async function batches() {
  const client = connect({ server: { server: `${host}:${port}`, maxConnections: 4 } });
  await Promise.all(range(500).map((n) => client.set(`k${n}`, `v${n}`)));
  const found = await client.get(range(600).map((n) => `k${n}`));
  assert.equal(Object.keys(found).length, 500);
  assert.equal(found.k499.value, "v499");
  client.shutdown();
}

async function countersAndCas() {
  const client = connect();
  await client.set("n", "10");
  assert.equal(await client.incr("n", 5), "15");
  assert.equal(await client.decr("n", 20), "0");
  const seen = await client.gets("n");
  await client.set("n", "changed");
  await assert.rejects(client.cas("n", "mine", { casUniq: seen.casUniq }), /EXISTS/);
  const again = await client.gets("n");
  assert.deepEqual(await client.cas("n", "mine", { casUniq: again.casUniq }), ["STORED"]);
  client.shutdown();
}

async function withoutReplies() {
  const client = connect();
  for (const n of range(200)) client.set(`q${n}`, `${n}`, { noreply: true });
  await until(async () => (await client.get("q199"))?.value === "199", "the last is there");
  assert.equal(Object.keys(await client.get(range(200).map((n) => `q${n}`))).length, 200);
  client.shutdown();
}

async function statistics() {
  const client = connect();
  const { STAT } = await client.cmd("stats");
  assert.ok(STAT.some(([name, value]) => name === "curr_items" && Number(value) > 200));
  assert.match((await client.version())[1] ?? (await client.version())[0], /1\.6\.18/);
  client.shutdown();
}

await run(values, batches, countersAndCas, withoutReplies, statistics);
