// Appends through ioredis: MODE HOST PORT NAME KEY; see bench/failover.py.
import Redis from "ioredis";
import { appends } from "./appends.mjs";

const [mode, host, port, name, key] = process.argv.slice(2);
const where = mode === "sentinel" ? { sentinels: [{ host, port: Number(port) }], name } : { host, port: Number(port) };
const client = new Redis({ ...where, commandTimeout: 1000, connectTimeout: 1000, maxRetriesPerRequest: 1,
                           retryStrategy: () => 50, sentinelRetryStrategy: () => 50 });
client.on("error", () => {});
await appends(key, (list, value) => client.rpush(list, value));
