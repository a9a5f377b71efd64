// BullMQ: many jobs, delayed, repeated, rate-limited, retried, flows, and a worker killed in the middle of a job.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FlowProducer, Queue, QueueEvents, Worker } from "bullmq";
import { host, port, range, run, until } from "./lib/steps.mjs";

const JOBS = 10000;
const connection = { host, port, maxRetriesPerRequest: null };

// A worker of a process of its own: takes a job and never comes back.
if (process.argv.includes("--hang")) {
  new Worker("stalled", () => new Promise(() => process.send("taken")),
    { connection, lockDuration: 500, stalledInterval: 500 });
} else {
  await run(everyJobIsDoneOnce, delayedInOrder, prioritiesInOrder, retriedWithBackoff, repeated, rateLimited, flow,
    deduplicated, pausedAndDrained, killedWorker, metricsOfQueue);
}

// Hands the queue and a log of what workers were given to a story; closes everything.
async function queued(name, options, work, story) {
  const queue = new Queue(name, { connection });
  const done = [];
  const worker = options && new Worker(name, async (job) => {
    const value = await work?.(job);
    done.push(job.data?.n ?? job.name);
    return value;
  }, { connection, ...options });
  worker?.on("error", (error) => { throw error; });
  await story(queue, done, worker);
  await worker?.close();
  await queue.close();
}

async function everyJobIsDoneOnce() {
  await queued("many", { concurrency: 100, removeOnComplete: { count: 100 } }, null, async (queue, done) => {
    for (let first = 0; first < JOBS; first += 1000) {
      await queue.addBulk(range(1000).map((n) => ({ name: "job", data: { n: first + n } })));
    }
    await until(() => done.length >= JOBS, "every job done");
    await until(async () => (await queue.getJobCounts("active")).active === 0, "none active");
    assert.equal(done.length, JOBS);
    assert.equal(new Set(done).size, JOBS);
    assert.deepEqual(await queue.getJobCounts("wait", "completed", "failed"), { wait: 0, completed: 100, failed: 0 });
  });
}

async function delayedInOrder() {
  await queued("delayed", {}, null, async (queue, done) => {
    for (const [n, delay] of [[3, 90], [1, 30], [2, 60]]) await queue.add("job", { n }, { delay });
    await until(() => done.length === 3, "three jobs");
    assert.deepEqual(done, [1, 2, 3]);
  });
}

async function prioritiesInOrder() {
  await queued("ranked", null, null, async (queue) => {
    for (const priority of [5, 1, 9, 3]) await queue.add("job", { n: priority }, { priority });
    assert.deepEqual(await queue.getCountsPerPriority([1, 9, 2]), { 1: 1, 9: 1, 2: 0 });
    const done = [];
    const worker = new Worker("ranked", async (job) => { done.push(job.data.n); }, { connection });
    await until(() => done.length === 4, "four jobs");
    assert.deepEqual(done, [1, 3, 5, 9]);
    await worker.close();
  });
}

async function retriedWithBackoff() {
  const tries = [];
  const work = (job) => {
    tries.push(job.attemptsMade);
    if (job.data.n === 0 || job.attemptsMade < 2) throw new Error("not yet");
  };
  await queued("retried", {}, work, async (queue, done) => {
    const options = { attempts: 3, backoff: { type: "exponential", delay: 10 } };
    await queue.add("job", { n: 1 }, options);
    await until(() => done.length === 1, "the job done");
    assert.deepEqual(tries, [0, 1, 2]);
    const lost = await queue.add("job", { n: 0 }, options);
    await until(() => lost.isFailed(), "the job failed");
    assert.equal((await queue.getFailed())[0].failedReason, "not yet");
    assert.equal((await queue.getFailed())[0].stacktrace.length, 3);
  });
}

async function repeated() {
  await queued("repeated", {}, null, async (queue, done) => {
    await queue.upsertJobScheduler("tick", { every: 40, limit: 4 }, { name: "tick" });
    await until(() => done.length === 4, "four ticks");
    await queue.upsertJobScheduler("yearly", { pattern: "0 0 1 1 *" });
    assert.equal((await queue.getJobSchedulers()).find((each) => each.key === "yearly").pattern, "0 0 1 1 *");
    assert.ok(await queue.removeJobScheduler("yearly"));
    assert.equal((await queue.getDelayed()).length, 0);
  });
}

async function rateLimited() {
  const given = [];
  await queued("limited", { limiter: { max: 5, duration: 200 }, concurrency: 10 }, () => { given.push(Date.now()); },
    async (queue, done) => {
      await queue.addBulk(range(15).map((n) => ({ name: "job", data: { n } })));
      await until(() => done.length === 15, "fifteen jobs");
      assert.ok(given[14] - given[0] >= 300, "three windows");
    });
}

async function flow() {
  const parent = new Worker("parents", async (job) => Object.values(await job.getChildrenValues()).sort(),
    { connection });
  await queued("children", {}, (job) => job.data.n * 10, async () => {
    const producer = new FlowProducer({ connection });
    const events = new QueueEvents("parents", { connection });
    await events.waitUntilReady();
    const tree = await producer.add({ name: "sum", queueName: "parents",
      children: range(3).map((n) => ({ name: "part", queueName: "children", data: { n } })) });
    assert.deepEqual(await tree.job.waitUntilFinished(events, 20000), [0, 10, 20]);
    await producer.close();
    await events.close();
  });
  await parent.close();
}

async function deduplicated() {
  await queued("single", null, null, async (queue) => {
    const ids = await Promise.all(range(20).map((n) => queue.add("job", { n }, { deduplication: { id: "only" } })));
    assert.equal(new Set(ids.map((job) => job.id)).size, 1);
    assert.equal(await queue.count(), 1);
    await Promise.all(range(20).map(() => queue.add("job", {}, { jobId: "named" })));
    assert.equal(await queue.count(), 2);
  });
}

async function pausedAndDrained() {
  await queued("held", {}, null, async (queue, done) => {
    await queue.pause();
    await queue.addBulk(range(5).map((n) => ({ name: "job", data: { n } })));
    assert.ok(await queue.isPaused());
    assert.equal(await queue.count(), 5);
    assert.equal(done.length, 0);
    await queue.drain();
    await queue.resume();
    await queue.add("job", { n: "after" });
    await until(() => done.length === 1, "the job after");
    assert.deepEqual(done, ["after"]);
    await queue.obliterate({ force: true });
  });
}

// A process is killed with a job in its hands; the job is given to another worker, and done.
async function killedWorker() {
  await queued("stalled", null, null, async (queue) => {
    const child = fork(fileURLToPath(import.meta.url), [String(port), "--hang"]);
    const taken = new Promise((resolve) => child.once("message", resolve));
    await queue.addBulk(range(5).map((n) => ({ name: "job", data: { n } })));
    await taken;
    child.kill("SIGKILL");
    const done = [];
    const stalled = [];
    const worker = new Worker("stalled", async (job) => { done.push(job.data.n); },
      { connection, lockDuration: 500, stalledInterval: 100 });
    worker.on("stalled", (id) => stalled.push(id));
    await until(() => done.length === 5, "every job done");
    assert.deepEqual([...done].sort(), [0, 1, 2, 3, 4]);
    assert.equal(stalled.length, 1);
    await worker.close();
  });
}

async function metricsOfQueue() {
  await queued("measured", { metrics: { maxDataPoints: 60 } }, null, async (queue, done, worker) => {
    await queue.addBulk(range(7).map((n) => ({ name: "job", data: { n } })));
    await until(() => done.length === 7, "seven jobs");
    await until(async () => (await queue.getMetrics("completed")).meta.count === 7, "seven counted");
    assert.equal((await queue.getWorkers()).length, 1);
    assert.ok(worker.isRunning());
    assert.match(await queue.exportPrometheusMetrics(), /bullmq_job_count\{queue="measured", state="completed"\} 7/);
  });
}
