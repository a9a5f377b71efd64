// express, express-session and connect-redis: sessions that two instances of an application share.
import assert from "node:assert/strict";
import { once } from "node:events";
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { createClient } from "redis";
import { host, port, range, run } from "./lib/steps.mjs";

const redis = await createClient({ socket: { host, port } }).connect();
const store = new RedisStore({ client: redis, prefix: "app:", ttl: 1000 });
const [first, second] = [await application(), await application()];

async function application() {
  const app = express();
  app.use(session({ store, secret: "s", resave: false, saveUninitialized: false, rolling: true,
    cookie: { maxAge: 500000 } }));
  app.get("/visit", (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.json(request.session.visits);
  });
  app.get("/leave", (request, response) => request.session.destroy(() => response.json("gone")));
  const server = app.listen(0, host);
  await once(server, "listening");
  return `http://${host}:${server.address().port}`;
}

async function visit(place, cookie) {
  const response = await fetch(place, { headers: cookie ? { cookie } : {} });
  return [await response.json(), response.headers.get("set-cookie")?.split(";")[0]];
}

async function oneSessionOnTwoInstances() {
  const [visits, cookie] = await visit(`${first}/visit`);
  assert.equal(visits, 1);
  for (const n of range(20)) assert.equal((await visit(`${n % 2 ? first : second}/visit`, cookie))[0], n + 2);
  const [key] = await redis.keys("app:*");
  const seconds = await redis.ttl(key);
  assert.ok(seconds > 490 && seconds <= 500);
  assert.equal(JSON.parse(await redis.get(key)).visits, 21);
  await visit(`${second}/leave`, cookie);
  assert.equal(await redis.exists(key), 0);
  assert.equal((await visit(`${first}/visit`, cookie))[0], 1);
}

async function manyVisitors() {
  await store.clear();
  const cookies = (await Promise.all(range(100).map(() => visit(`${first}/visit`)))).map(([, cookie]) => cookie);
  const again = await Promise.all(cookies.map((cookie) => visit(`${second}/visit`, cookie)));
  assert.ok(again.every(([visits]) => visits === 2));
  assert.equal(await store.length(), 100);
  assert.equal((await store.ids()).length, 100);
  assert.equal((await store.all()).length, 100);
  await store.clear();
  assert.equal(await redis.dbSize(), 0);
}

await run(oneSessionOnTwoInstances, manyVisitors);
