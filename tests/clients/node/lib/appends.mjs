// Appends until it is ended, through a function of a library; for programs that are killed in the middle.
//
// Each line of the output is an operation, as tests/faults/history.py describes them.
import { setTimeout as wait } from "node:timers/promises";

const REFUSALS = /READONLY|NOREPLICAS|LOADING|MASTERDOWN|MISCONF/;

export async function appends(key, push) {
  for (let number = 1; ; number += 1) {
    const start = process.hrtime.bigint();
    let outcome = "ok";
    try {
      await push(key, String(number));
    } catch (error) {
      outcome = REFUSALS.test(error.message) ? "fail" : "unknown";
    }
    const end = process.hrtime.bigint();
    process.stdout.write(
      `{"client": "${key}", "op": "append", "key": "${key}", "value": "${number}", "start_ns": ${start}, ` +
        `"end_ns": ${end}, "outcome": "${outcome}"}\n`);
    await wait(outcome === "ok" ? 1 : 20);
  }
}
