// Socket.IO on two nodes: the adapters over Pub/Sub, over sharded Pub/Sub and over streams.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { Server } from "socket.io";
import { io as dial } from "socket.io-client";
import { host, port, range, run, until } from "./lib/steps.mjs";

const redisClient = () => createClient({ socket: { host, port } }).connect();

// Two nodes with a client each, and what these hear.
async function twoNodes(adapter, story) {
  const nodes = [], sockets = [], heard = [[], []];
  for (const n of range(2)) {
    const http = createServer().listen(0, host);
    await once(http, "listening");
    const io = new Server(http, { adapter: await adapter() });
    io.on("connection", (socket) => {
      socket.on("join", (room, done) => Promise.resolve(socket.join(room)).then(done));
      socket.on("whisper", (room, text) => socket.to(room).emit("said", text));
    });
    io.on("ask", (done) => done(`node ${n}`));
    nodes.push(io);
    const socket = dial(`http://${host}:${http.address().port}`, { transports: ["websocket"] });
    socket.on("said", (text) => heard[n].push(text));
    socket.on("question", (done) => done(n));
    sockets.push(socket);
    await once(socket, "connect");
  }
  await until(async () => (await nodes[0].fetchSockets()).length === 2, "both nodes know each other");
  await story(nodes, sockets, heard);
  sockets.forEach((socket) => socket.disconnect());
  await Promise.all(nodes.map((io) => io.close()));
}

async function told(nodes, sockets, heard) {
  nodes[0].emit("said", "all");
  await until(() => heard.every((each) => each.includes("all")), "everybody hears");
  await Promise.all(sockets.map((socket) => socket.emitWithAck("join", "room")));
  sockets[0].emit("whisper", "room", "psst");
  await until(() => heard[1].includes("psst"), "the other node's client hears");
  assert.ok(!heard[0].includes("psst"));
  assert.deepEqual((await nodes[0].timeout(5000).emitWithAck("question")).sort(), [0, 1]);
  assert.deepEqual(await nodes[0].serverSideEmitWithAck("ask"), ["node 1"]);
  for (const n of range(200)) nodes[n % 2].to("room").emit("said", n);
  await until(() => heard.every((each) => each.length >= 201), "two hundred messages each");
  for (const each of heard) {
    for (const odd of [0, 1]) {
      const numbers = each.filter((text) => text % 2 === odd);
      assert.deepEqual(numbers, range(100).map((n) => n * 2 + odd), "in their order");
    }
  }
  await nodes[1].in("room").socketsLeave("room");
  await until(async () => (await nodes[0].in("room").fetchSockets()).length === 0, "the room is left");
}

async function pubSubOfNodeRedis() {
  await twoNodes(async () => createAdapter(await redisClient(), await redisClient()), told);
}

async function pubSubOfIoredis() {
  await twoNodes(async () => createAdapter(new Redis({ host, port }), new Redis({ host, port })), told);
}

async function shardedPubSub() {
  await twoNodes(async () => createShardedAdapter(await redisClient(), await redisClient(),
    { subscriptionMode: "dynamic" }), told);
}

async function streams() {
  await twoNodes(async () => createStreamsAdapter(await redisClient(), { maxLen: 1000 }), told);
}

await run(pubSubOfNodeRedis, pubSubOfIoredis, shardedPubSub, streams);
