// Bee-Queue: jobs, progress, delays, retries, and stalled jobs given anew.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import Queue from "bee-queue";
import { host, port, range, run, until } from "./lib/steps.mjs";

function queue(name, options) {
  return new Queue(name, { redis: { host, port }, ...options });
}

// A worker of a process of its own: takes a job and never comes back.
if (process.argv.includes("--hang")) {
  queue("stuck", { stallInterval: 100 }).process(() => new Promise(() => process.send("taken")));
} else {
  await run(jobs, retriesAndDelays, killedWorker);
}

async function jobs() {
  const worker = queue("work"), producer = queue("work", { isWorker: false });
  worker.process(20, async (job) => {
    job.reportProgress(50);
    return job.data.n + 1;
  });
  const results = [], progress = [];
  const sent = range(300).map((n) => producer.createJob({ n }));
  for (const job of sent) {
    job.on("succeeded", (result) => results.push(result));
    job.on("progress", (value) => progress.push(value));
  }
  const errors = await producer.saveAll(sent);
  assert.equal(errors.size, 0);
  await until(() => results.length === 300 && progress.length === 300, "every result and progress");
  assert.deepEqual(results.sort((a, b) => a - b), range(300).map((n) => n + 1));
  assert.equal((await producer.checkHealth()).succeeded, 300);
  await Promise.all([worker.close(), producer.close()]);
}

async function retriesAndDelays() {
  const late = queue("late", { activateDelayedJobs: true, removeOnSuccess: true });
  const tries = [], done = [];
  late.process(async (job) => {
    tries.push(job.data.n);
    if (job.data.n === 1 && tries.length < 3) throw new Error("again");
    done.push(job.data.n);
  });
  await late.createJob({ n: 1 }).retries(3).backoff("fixed", 20).save();
  await until(() => done.length === 1, "the third try");
  await late.createJob({ n: 2 }).delayUntil(Date.now() + 60).save();
  await until(() => done.length === 2, "the delayed job");
  await late.close();
}

// A process is killed with a job in its hands; the job is given to another worker.
async function killedWorker() {
  const second = queue("stuck", { stallInterval: 100 });
  const child = fork(fileURLToPath(import.meta.url), [String(port), "--hang"]);
  const taken = new Promise((resolve) => child.once("message", resolve));
  await second.createJob({ n: 1 }).save();
  await taken;
  child.kill("SIGKILL");
  const done = [];
  second.process(async (job) => { done.push(job.data.n); });
  await until(async () => { await second.checkStalledJobs(); return done.length === 1; }, "the second does it");
  await second.close();
}
