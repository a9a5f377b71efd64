// Keyv with @keyv/redis, and cache-manager over it: namespaces, times to live, batches, wrapped functions.
import assert from "node:assert/strict";
import KeyvRedis from "@keyv/redis";
import { createCache } from "cache-manager";
import { Keyv } from "keyv";
import { host, port, range, run, until } from "./lib/steps.mjs";

const url = `redis://${host}:${port}`;

async function keyv() {
  const [first, second] = ["one", "two"].map((namespace) => new Keyv(new KeyvRedis(url), { namespace }));
  await first.set("k", { deep: [1, null] });
  assert.deepEqual(await first.get("k"), { deep: [1, null] });
  assert.equal(await second.get("k"), undefined);
  await first.set("brief", 1, 40);
  await until(async () => (await first.get("brief")) === undefined, "it expires");
  await first.setMany(range(300).map((n) => ({ key: `k${n}`, value: n })));
  assert.deepEqual(await first.getMany(["k0", "k299", "none"]), [0, 299, undefined]);
  assert.deepEqual(await first.hasMany(["k1", "none"]), [true, false]);
  await second.set("kept", 1);
  const seen = new Set();
  for await (const [key] of first.iterator()) seen.add(key);
  assert.equal(seen.size, 301);
  assert.ok(await first.delete("k0"));
  await first.clear();
  assert.equal(await first.get("k1"), undefined);
  assert.equal(await second.get("kept"), 1);
  await Promise.all([first.disconnect(), second.disconnect()]);
}

async function cacheManager() {
  const cache = createCache({ stores: [new Keyv(new KeyvRedis(url), { namespace: "cache" })], ttl: 60000 });
  let asked = 0;
  const answers = await Promise.all(range(50).map(() => cache.wrap("answer", async () => { asked += 1; return 42; })));
  assert.ok(answers.every((answer) => answer === 42));
  assert.equal(asked, 1);
  await cache.mset([{ key: "a", value: 1 }, { key: "b", value: 2, ttl: 1000 }]);
  assert.deepEqual(await cache.mget(["a", "b"]), [1, 2]);
  assert.ok((await cache.ttl("b")) <= Date.now() + 1000);
  await cache.mdel(["a", "b"]);
  assert.equal((await cache.get("a")) ?? null, null);
  await cache.disconnect();
}

await run(keyv, cacheManager);
