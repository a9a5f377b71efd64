// Bull 4: jobs, delays, retries, a rate limit, events heard by another process's queue, and a stalled job.
import assert from "node:assert/strict";
import Bull from "bull";
import { host, port, range, run, until } from "./lib/steps.mjs";

const queue = (name, options) => new Bull(name, { redis: { host, port }, ...options });

async function jobsAndEvents() {
  const worker = queue("work"), producer = queue("work");
  const heard = [];
  producer.on("global:completed", (id, result) => heard.push(Number(result)));
  await producer.isReady();
  worker.process(20, async (job) => job.data.n * 2);
  await producer.addBulk(range(1000).map((n) => ({ data: { n } })));
  await until(() => heard.length === 1000, "a thousand events");
  assert.equal(heard.reduce((sum, each) => sum + each), 999000);
  assert.equal((await producer.getJobCounts()).completed, 1000);
  await Promise.all([worker.close(), producer.close()]);
}

async function delaysAndRetries() {
  const jobs = queue("late");
  const done = [];
  jobs.process(async (job) => {
    if (job.attemptsMade < job.data.fails) throw new Error("again");
    done.push(job.data.n);
  });
  await jobs.add({ n: 2, fails: 0 }, { delay: 120 });
  await jobs.add({ n: 1, fails: 2 }, { attempts: 3, backoff: 10 });
  await until(() => done.length === 2, "two jobs");
  assert.deepEqual(done, [1, 2]);
  await jobs.add({ n: 3, fails: 0 }, { repeat: { every: 50, limit: 2 } });
  await until(() => done.length === 4, "two repetitions");
  await jobs.close();
}

async function rateLimit() {
  const jobs = queue("limited", { limiter: { max: 4, duration: 150 } });
  const given = [];
  jobs.process(10, async () => { given.push(Date.now()); });
  await jobs.addBulk(range(9).map((n) => ({ data: { n } })));
  await until(() => given.length === 9, "nine jobs");
  assert.ok(given[8] - given[0] >= 200, "three windows");
  await jobs.close();
}

async function stalledJob() {
  const settings = { lockDuration: 200, lockRenewTime: 1e6, stalledInterval: 100, maxStalledCount: 1 };
  const first = queue("stuck", { settings: { ...settings, stalledInterval: 0 } });
  let taken = 0;
  first.process(() => { taken += 1; return new Promise(() => {}); });
  await first.add({ n: 1 });
  await until(() => taken === 1, "the first takes the job");
  const second = queue("stuck", { settings });
  const done = [];
  second.process(async (job) => { done.push(job.data.n); });
  await until(() => done.length === 1, "the second does it");
  await second.close();
}

await run(jobsAndEvents, delaysAndRetries, rateLimit, stalledJob);
