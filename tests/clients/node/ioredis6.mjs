// ioredis 6, which speaks RESP3 and needs Node 20.
import { Redis } from "ioredis6";
import { tell } from "./lib/ioredis.mjs";

await tell(Redis);
