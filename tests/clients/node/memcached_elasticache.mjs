// memcached-elasticache: nodes are discovered, one comes and one goes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import { promisify } from "node:util";
import Memcached from "memcached-elasticache";
import { host, ports, range, run, serverPids, until } from "./lib/steps.mjs";

const servers = ports.map((port) => `${host}:${port}`);
let version = 0;

// Tells the first server which nodes there are, as whoever runs the nodes does.
async function announce(chosen) {
  const text = `${++version}\n${chosen.map((port) => `${host}|${host}|${port}`).join(" ")}\n`;
  const admin = createConnection(`/proc/${serverPids[0]}/cwd/admin`);
  admin.write(`config set cluster 0 ${text.length}\r\n${text}\r\n`);
  const [reply] = await once(admin, "data");
  assert.equal(reply.toString(), "STORED\r\n");
  admin.destroy();
}

async function nodesAreFound() {
  await announce(ports);
  const client = new Memcached(servers[0], { autoDiscover: true, autoDiscoverInterval: 50, timeout: 5000 });
  client.on("autoDiscoverFailure", (error) => assert.fail(error));
  let known = [];
  client.on("autoDiscover", (nodes) => { known = nodes; });
  await until(() => known.length === 2, "both nodes are known");
  const [set, get] = ["set", "get"].map((name) => promisify(client[name].bind(client)));
  await Promise.all(range(200).map((n) => set(`k${n}`, n, 100)));
  assert.deepEqual(await Promise.all(range(200).map((n) => get(`k${n}`))), range(200));
  for (const server of servers) {
    const one = new Memcached(server, { autoDiscover: false });
    const [stats] = await promisify(one.stats.bind(one))();
    assert.ok(Number(stats.curr_items) > 0, "each node has some keys");
    one.end();
  }
  await announce(ports.slice(0, 1));
  await until(() => known.length === 1, "one node is gone");
  await Promise.all(range(200).map((n) => set(`k${n}`, -n, 100)));
  assert.equal(await get("k77"), -77);
  await announce(ports);
  await until(() => known.length === 2, "it is back");
  client.end();
}

await run(nodesAreFound);
