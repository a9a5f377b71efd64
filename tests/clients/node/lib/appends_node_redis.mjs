// Appends through node-redis: MODE HOST PORT NAME KEY; see bench/failover.py.
import { createClient, createSentinel } from "redis";
import { appends } from "./appends.mjs";

const [mode, host, port, name, key] = process.argv.slice(2);
const socket = { connectTimeout: 1000, socketTimeout: 1000, reconnectStrategy: 50 };
const client = mode === "sentinel"
  ? createSentinel({ name, sentinelRootNodes: [{ host, port: Number(port) }], nodeClientOptions: { socket },
                     sentinelClientOptions: { socket }, scanInterval: 100 })
  : createClient({ socket: { ...socket, host, port: Number(port) }, disableOfflineQueue: true });
client.on("error", () => {});
await client.connect();
await appends(key, (list, value) => client.rPush(list, value));
