// iovalkey, Valkey's continuation of ioredis.
import { Redis } from "iovalkey";
import { tell } from "./lib/ioredis.mjs";

await tell(Redis);
