// node-redis 5, in RESP2 and in RESP3.
import assert from "node:assert/strict";
import { createClient, createClientPool, RESP_TYPES, WatchError, defineScript } from "redis";
import { host, port, range, run, until } from "./lib/steps.mjs";

const scripts = {
  addAll: defineScript({
    NUMBER_OF_KEYS: 1,
    SCRIPT: "local s = 0 for _, v in ipairs(ARGV) do s = redis.call('INCRBY', KEYS[1], v) end return s",
    parseCommand(parser, key, ...numbers) {
      parser.pushKey(key);
      parser.push(...numbers.map(String));
    },
    transformReply: undefined,
  }),
};

async function connected(RESP) {
  const client = createClient({ socket: { host, port, reconnectStrategy: false }, RESP, scripts });
  await client.connect();
  await client.flushAll();
  return client;
}

async function values(redis) {
  assert.equal(await redis.set("k", "v", { expiration: { type: "EX", value: 100 }, condition: "NX" }), "OK");
  assert.equal(await redis.set("k", "w", { condition: "NX" }), null);
  assert.deepEqual(await redis.mGet(["k", "missing"]), ["v", null]);
  assert.equal(await redis.incrByFloat("f", 1.5), "1.5");
  assert.equal(await redis.getDel("k"), "v");
  assert.equal(await redis.hSet("h", { a: 1, b: "2" }), 2);
  assert.deepEqual({ ...(await redis.hGetAll("h")) }, { a: "1", b: "2" });
  assert.deepEqual(Object.fromEntries((await redis.hRandFieldCountWithValues("h", 2)).map((e) => [e.field, e.value])),
    { a: "1", b: "2" });
  assert.equal(await redis.sAdd("s", ["x", "y"]), 2);
  assert.deepEqual([...(await redis.sMembers("s"))].sort(), ["x", "y"]);
  assert.deepEqual(await redis.smIsMember("s", ["x", "z"]), [1, 0]);
  assert.equal(await redis.geoAdd("g", [{ longitude: 13.361389, latitude: 38.115556, member: "Palermo" },
    { longitude: 15.087269, latitude: 37.502669, member: "Catania" }]), 2);
  assert.deepEqual(await redis.geoSearch("g", { longitude: 15, latitude: 37 }, { radius: 200, unit: "km" }),
    ["Palermo", "Catania"]);
  assert.equal(await redis.pfAdd("p", ["a", "b"]), 1);
  assert.equal(await redis.pfCount("p"), 2);
}

async function sortedSets(redis) {
  assert.equal(await redis.zAdd("z", [{ score: 1, value: "a" }, { score: 2.5, value: "b" }]), 2);
  assert.equal(await redis.zScore("z", "b"), 2.5);
  assert.deepEqual(await redis.zRangeWithScores("z", 0, -1), [{ value: "a", score: 1 }, { value: "b", score: 2.5 }]);
  assert.deepEqual(await redis.zmScore("z", ["a", "none"]), [1, null]);
  assert.deepEqual(await redis.zPopMaxCount("z", 5), [{ value: "b", score: 2.5 }, { value: "a", score: 1 }]);
  await redis.zAdd("z", { score: Infinity, value: "last" });
  assert.equal(await redis.zScore("z", "last"), Infinity);
  assert.deepEqual(await redis.zmPop(["none", "z"], "MIN"),
    { key: "z", members: [{ value: "last", score: Infinity }] });
}

async function transactions(redis) {
  assert.deepEqual(await redis.multi().set("a", "1").incr("a").hGetAll("none").exec(), ["OK", 2, Object.create(null)]);
  const other = await redis.duplicate().connect();
  await other.watch("a");
  await redis.set("a", "5");
  await assert.rejects(other.multi().incr("a").exec(), WatchError);
  other.destroy();
  const failed = await redis.multi().set("text", "x").lPush("text", "y").exec().catch((error) => error);
  assert.match(failed.replies[1].message, /^WRONGTYPE/);
  assert.deepEqual(await Promise.all(range(1000).map(() => redis.incr("many"))), range(1000).map((n) => n + 1));
}

async function subscriptions(redis) {
  const listener = await redis.duplicate().connect();
  const heard = [];
  await listener.subscribe("news", (message, channel) => heard.push([channel, message]));
  await listener.pSubscribe("n*", (message, channel) => heard.push(["n*", channel, message]));
  await listener.sSubscribe("shard", (message, channel) => heard.push([channel, message]));
  assert.equal(await redis.publish("news", "hello"), 2);
  assert.equal(await redis.sPublish("shard", "part"), 1);
  await until(() => heard.length === 3, "three messages");
  assert.deepEqual(heard, [["news", "hello"], ["n*", "news", "hello"], ["shard", "part"]]);
  await listener.unsubscribe("news");
  await listener.pUnsubscribe("n*");
  await listener.sUnsubscribe("shard");
  assert.equal(await listener.get("none"), null);
  assert.deepEqual({ ...(await redis.pubSubNumSub("news")) }, { news: 0 });
  listener.destroy();
}

async function streams(redis) {
  const id = await redis.xAdd("log", "*", { field: "value" });
  await redis.xGroupCreate("log", "group", "0");
  const read = await redis.xReadGroup("group", "one", { key: "log", id: ">" }, { COUNT: 5 });
  const inResp2 = [{ name: "log", messages: [{ id, message: { field: "value" } }] }];
  const inResp3 = { log: [[id, ["field", "value"]]] };  // as it came: this version does not reshape it
  assert.deepEqual(JSON.parse(JSON.stringify(read)), Array.isArray(read) ? inResp2 : inResp3);
  assert.equal((await redis.xPending("log", "group")).pending, 1);
  assert.equal((await redis.xAutoClaim("log", "group", "two", 0, "0")).messages.length, 1);
  assert.equal(await redis.xAck("log", "group", id), 1);
  const about = await redis.xInfoStream("log");
  assert.equal(about.length, 1);
  assert.equal(about.groups, 1);
  assert.equal((await redis.xInfoGroups("log"))[0].name, "group");
  assert.equal((await redis.xInfoConsumers("log", "group")).length, 2);
}

async function scanning(redis) {
  await redis.mSet(Object.fromEntries(range(500).map((n) => [`scan:${n}`, String(n)])));
  const seen = new Set();
  for await (const keys of redis.scanIterator({ MATCH: "scan:*", COUNT: 50 })) keys.forEach((key) => seen.add(key));
  assert.equal(seen.size, 500);
  await redis.hSet("big", Object.fromEntries(range(1000).map((n) => [`f${n}`, String(n)])));
  let fields = 0;
  for await (const entries of redis.hScanIterator("big", { COUNT: 100 })) fields += entries.length;
  assert.equal(fields, 1000);
}

async function scriptsAndFunctions(redis) {
  assert.equal(await redis.addAll("total", 1, 2, 3), 6);
  await redis.scriptFlush();
  assert.equal(await redis.addAll("total", 1), 7);
  await redis.functionLoad("#!lua name=kiln\nredis.register_function('twice', function(k, a) return a[1] * 2 end)",
    { REPLACE: true });
  assert.equal(await redis.fCall("twice", { arguments: ["21"] }), 42);
  const [{ library_name: name }] = await redis.functionList();
  assert.equal(name, "kiln");
  await redis.functionFlush();
}

async function administration(redis) {
  assert.equal((await redis.clientInfo()).db, 0);
  assert.ok((await redis.clientList()).length >= 1);
  assert.deepEqual({ ...(await redis.configGet("maxmemory-policy")) }, { "maxmemory-policy": "noeviction" });
  assert.ok((await redis.commandInfo(["get"]))[0].flags.has("readonly"));
  assert.ok((await redis.commandCount()) > 200);
  assert.ok((await redis.commandGetKeys(["MSET", "a", "1", "b", "2"])).length === 2);
  assert.match(await redis.info("server"), /redis_version:/);
  assert.equal(await redis.objectEncoding("h"), "listpack");
  assert.ok((await redis.memoryUsage("h")) > 0);
  assert.ok((await redis.time())[0] > 1e9 || (await redis.time()).getTime?.() > 1e12);
  assert.match(await redis.aclWhoAmI(), /default/);
  const user = await redis.aclGetUser("default");
  assert.ok(user.flags.includes("on"));
}

async function all(RESP) {
  const redis = await connected(RESP);
  for (const part of [values, sortedSets, transactions, subscriptions, streams, scanning, scriptsAndFunctions,
    administration]) {
    await part(redis);
    console.log("  ", part.name);
  }
  await redis.close();
}

async function resp2() {
  await all(2);
}

async function resp3() {
  await all(3);
}

async function typesOfResp3() {
  const redis = await connected(3);
  await redis.hSet("h", { a: 1 });
  const mapped = redis.withTypeMapping({ [RESP_TYPES.MAP]: Map, [RESP_TYPES.SET]: Set, [RESP_TYPES.DOUBLE]: String,
    [RESP_TYPES.BLOB_STRING]: Buffer });
  assert.ok((await mapped.hGetAll("h")) instanceof Map);
  await redis.sAdd("s", "x");
  assert.ok((await mapped.sMembers("s")) instanceof Set);
  await redis.zAdd("z", { score: 0.5, value: "m" });
  assert.equal(await mapped.zScore("z", "m"), "0.5");
  await redis.close();
}

// A pool's clients block, while others of it go on.
async function pool() {
  const clients = await createClientPool({ socket: { host, port }, RESP: 3 }, { minimum: 2, maximum: 8 }).connect();
  const popped = clients.execute((client) => client.blPop("queue", 10));
  await until(async () => (await clients.info("clients")).includes("blocked_clients:1"), "a client waits");
  await clients.rPush("queue", "job");
  assert.deepEqual({ ...(await popped) }, { key: "queue", element: "job" });
  await Promise.all(range(500).map(() => clients.incr("count")));
  assert.equal(await clients.get("count"), "500");
  clients.destroy();
}

await run(resp2, resp3, typesOfResp3, pool);
