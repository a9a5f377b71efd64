// AWS's SDK for JavaScript: node elasticache.mjs URL. Exits with 0 when everything holds; prints what does not.
// Credentials come from AWS_SHARED_CREDENTIALS_FILE, as docs/service.md has it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import {
  CacheClusterNotFoundFault, CreateCacheClusterCommand, DeleteCacheClusterCommand, DescribeCacheClustersCommand,
  ElastiCacheClient, ModifyCacheClusterCommand, paginateDescribeCacheClusters, paginateDescribeEvents,
  waitUntilCacheClusterAvailable, waitUntilCacheClusterDeleted,
} from "@aws-sdk/client-elasticache";

const client = new ElastiCacheClient({ endpoint: process.argv[2], region: "us-east-1", maxAttempts: 1 });
const waiting = { client, minDelay: 1, maxDelay: 1, maxWaitTime: 20 };

async function describe(CacheClusterId) {
  const answer = await client.send(new DescribeCacheClustersCommand({ CacheClusterId, ShowCacheNodeInfo: true }));
  assert.equal(answer.CacheClusters.length, 1);
  return answer.CacheClusters[0];
}

// The first piece of what a server answers to one line.
async function ask({ Address, Port }, line) {
  const socket = connect(Port, Address);
  socket.write(line + "\r\n");
  const [data] = await once(socket, "data");
  socket.destroy();
  return data.toString();
}

async function collect(pages, list) {
  const items = [];
  for await (const page of pages) items.push(...page[list]);
  return items;
}

async function life(CacheClusterId, Engine, change, question, answer) {
  const shape = { CacheClusterId, Engine, CacheNodeType: "cache.t3.micro", NumCacheNodes: 1 };
  const created = await client.send(new CreateCacheClusterCommand(shape));
  assert.equal(created.CacheCluster.CacheClusterStatus, "creating");
  assert.equal((await waitUntilCacheClusterAvailable(waiting, { CacheClusterId })).state, "SUCCESS");

  const cluster = await describe(CacheClusterId);
  assert.ok(Math.abs(cluster.CacheClusterCreateTime - Date.now()) < 60_000);
  assert.match(await ask(cluster.CacheNodes[0].Endpoint, question), answer);
  if (Engine === "memcached") assert.match(await ask(cluster.ConfigurationEndpoint, question), answer);

  await client.send(new ModifyCacheClusterCommand({ CacheClusterId, ApplyImmediately: true, ...change }));
  assert.equal((await waitUntilCacheClusterAvailable(waiting, { CacheClusterId })).state, "SUCCESS");
  const changed = await describe(CacheClusterId);
  for (const name in change) assert.equal(changed[name], change[name]);
  assert.equal(changed.CacheNodes.length, changed.NumCacheNodes);

  const listed = await collect(paginateDescribeCacheClusters({ client, pageSize: 20 }, {}), "CacheClusters");
  assert.ok(listed.some((each) => each.CacheClusterId === CacheClusterId));
  const events = await collect(paginateDescribeEvents({ client, pageSize: 20 }, { SourceIdentifier: CacheClusterId,
    SourceType: "cache-cluster", Duration: 60 }), "Events");
  assert.ok(events.some((event) => event.Message === "Cache cluster created" && event.Date instanceof Date));

  await client.send(new DeleteCacheClusterCommand({ CacheClusterId }));
  assert.equal((await waitUntilCacheClusterDeleted(waiting, { CacheClusterId })).state, "SUCCESS");
  await assert.rejects(describe(CacheClusterId), CacheClusterNotFoundFault);
}

await Promise.all([
  life("js-redis", "redis", { PreferredMaintenanceWindow: "sun:23:00-mon:01:30" }, "PING", /^\+PONG\r\n$/),
  life("js-memcached", "memcached", { NumCacheNodes: 3 }, "version", /^VERSION /),
]);
