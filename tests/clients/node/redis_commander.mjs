// redis-commander: starts, lists keys of every type over HTTP, shows, writes and deletes them, runs commands.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import net from "node:net";
import { Redis } from "ioredis";
import { host, port, run, until } from "./lib/steps.mjs";

const redis = new Redis({ host, port });
const own = await freePort();
const child = spawn(process.execPath, [createRequire(import.meta.url).resolve("redis-commander/bin/redis-commander.js"),
  "--redis-host", host, "--redis-port", String(port), "--address", host, "--port", String(own), "--nosave"],
{ stdio: ["ignore", "inherit", "inherit"] });
process.on("exit", () => child.kill());
const site = `http://${host}:${own}`;
const place = `R:${host}:${port}:0`;

function freePort() {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, host, () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
}

async function ask(path, options) {
  const response = await fetch(site + path, options);
  const text = await response.text();
  assert.ok(response.ok, `${path}: ${response.status} ${text}`);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function send(method, path, fields) {
  return ask(path, { method, body: new URLSearchParams(fields) });
}

async function starts() {
  await redis.set("text", "hello");
  await redis.hset("hash", { field: "value" });
  await redis.rpush("list", 1, 2);
  await redis.sadd("set", "member");
  await redis.zadd("ranked", 1.5, "member");
  await redis.xadd("log", "*", "field", "value");
  await redis.set("folder:inside", "x", "EX", 1000);
  await until(() => fetch(site).then((response) => response.ok, () => false), "the page comes");
  assert.ok((await send("POST", "/signin", {})).ok);
  assert.equal((await ask("/connections")).connections.length, 1);
}

async function listsKeys() {
  const tree = await until(async () => {
    const { data } = await ask(`/apiv2/keystree/${place}`).catch(() => ({ data: [] }));
    return data.length && data;
  }, "the tree of keys");
  assert.deepEqual(tree.map((node) => [node.text, node.rel]).sort(), [["folder:* (1)", undefined], ["hash", "hash"],
    ["list (2)", "list"], ["log (1)", "stream"], ["ranked (1)", "zset"], ["set (1)", "set"], ["text", "string"]]);
  assert.deepEqual(await ask(`/apiv2/keys/${place}/fol*`), { data: ["folder:inside"] });
}

async function showsValues() {
  const shown = {};
  for (const key of ["text", "hash", "list", "set", "ranked", "log", "folder:inside"]) {
    const { value, data, items, members, ttl } = await ask(`/apiv2/key/${place}/${key}`);
    shown[key] = value ?? data ?? members ?? items.map((item) => [item.value, item.score ?? item.field]);
    assert.ok(key.startsWith("folder") ? ttl > 900 : ttl === -1);
  }
  assert.deepEqual(shown, { text: "hello", hash: { field: "value" }, list: [["1", undefined], ["2", undefined]],
    set: ["member"], ranked: [["member", "1.5"]], log: [["value", "field"]], "folder:inside": "x" });
}

async function writesAndRunsCommands() {
  await send("POST", `/apiv2/key/${place}/made`, { keyType: "string", stringValue: "new" });
  assert.equal(await redis.get("made"), "new");
  await send("POST", `/apiv2/hash/field`, { connectionId: place, key: "hash", field: "other", value: "2" });
  assert.equal(await redis.hget("hash", "other"), "2");
  const answer = await send("POST", `/apiv2/exec/${place}`, { cmd: "zrange ranked 0 -1 withscores" });
  assert.match(JSON.stringify(answer), /member.*1\.5/);
  await send("POST", `/apiv2/keys/${place}/made?action=delete`, {});
  await until(async () => !(await redis.exists("made")), "the key is gone");
}

async function tellsOfTheServer() {
  const about = await ask("/apiv2/server/info");
  assert.ok(about.data[0].info.some(({ key }) => key === "Redis version"));
  assert.ok((await ask("/apiv2/redisCommands")).data.length > 100);
  child.kill();
}

await run(starts, listsKeys, showsValues, writesAndRunsCommands, tellsOfTheServer);
