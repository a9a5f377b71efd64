// What every program here does the same: find its servers, wait, and tell its steps.
//
// `node PROGRAM.mjs PORT...` prints a line for each step that holds and "done" at last; otherwise it
// says what does not hold and exits with 1.
import { setTimeout as sleep } from "node:timers/promises";

const WAIT_MS = 20000;

export const host = "127.0.0.1";
export const ports = process.argv.slice(2).filter((word) => /^\d+$/.test(word)).map(Number);
export const port = ports[0];
export const serverPids = (process.env.SERVER_PIDS ?? "").split(" ").map(Number);

// Polls until condition() holds and returns its value.
export async function until(condition, what) {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
    await sleep(5);
  }
}

export const range = (count) => Array.from({ length: count }, (_, index) => index);

// Runs the steps one after the other, each named by its function, and ends the program.
export async function run(...steps) {
  process.on("unhandledRejection", fail);
  try {
    for (const step of steps) {
      const started = Date.now();
      await step();
      console.log("ok", step.name, Date.now() - started, "ms");
    }
  } catch (error) {
    fail(error);
  }
  console.log("done");
  process.exit(0);
}

function fail(error) {
  console.error(error);
  process.exit(1);
}
