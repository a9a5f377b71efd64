// ioredis 5.
import { Redis } from "ioredis";
import { tell } from "./lib/ioredis.mjs";

await tell(Redis, { enableAutoPipelining: true });
