// The jobs service: 8 methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { NOBODY, isId, isNow, refused, until } from "./scene.mjs";

const poll = { interval: 50, timeout: 120_000 };

function isCompleted(s, job, prompt) {
  assert.deepEqual([job.status, job.prompt, job.agentId], ["completed", prompt, s.agent.id], JSON.stringify(job));
  assert.equal(job.result.message.authorId, s.agent.id);
  assert.ok(job.result.message.content.length > 0 && job.result.processingTimeMs >= 0);
  isId(job.result.message.id);
  for (const time of [job.createdAt, job.expiresAt, job.result.message.createdAt]) {
    assert.equal(typeof time, "number");
    isNow(time);
  }
}

export const jobs = {
  async create(s) {
    const userId = randomUUID();
    const made = await s.api.jobs.create({ userId, agentId: s.agent.id, content: "Hello", timeoutMs: 60_000, metadata: { ticket: 7 } });
    isId(made.jobId);
    assert.deepEqual([made.status, made.expiresAt - made.createdAt], ["processing", 60_000]);
    const job = await until("the end of the job", async () => {
      const job = await s.api.jobs.getJob(made.jobId);
      return job.status !== "processing" && job;
    });
    isCompleted(s, job, "Hello");
    assert.deepEqual([job.userId, job.metadata], [userId, { ticket: 7 }]);
    await refused(s.api.jobs.create({ content: "Whose?" }), 400, "INVALID_REQUEST");
    await refused(s.api.jobs.create({ userId, content: "" }), 400, "INVALID_REQUEST");
    await refused(s.api.jobs.create({ userId, content: "x", timeoutMs: 1 }), 400, "INVALID_REQUEST");
    await refused(s.api.jobs.create({ userId, content: "x", agentId: NOBODY }), 404, "AGENT_NOT_FOUND");
  },

  async getJob(s) {
    const { jobId } = await s.api.jobs.create({ userId: randomUUID(), content: "Are you there?" });
    const job = await s.api.jobs.getJob(jobId);
    assert.deepEqual([job.jobId, job.prompt], [jobId, "Are you there?"]);
    await refused(s.api.jobs.getJob(NOBODY), 404, "NOT_FOUND");
  },

  async list(s) {
    const [userId, contents] = [randomUUID(), ["One", "Two"]];
    for (const content of contents) await s.as(userId).jobs.createAndPoll({ userId, content }, poll);
    const { jobs, total, filtered } = await s.as(userId).jobs.list({ limit: 10, status: "completed" });
    assert.deepEqual([jobs.map((j) => j.prompt), total, filtered], [contents.toReversed(), 2, 2]);
    isCompleted(s, jobs[0], "Two");
    assert.equal((await s.as(userId).jobs.list({ limit: 1 })).jobs.length, 1);
    assert.deepEqual((await s.as(userId).jobs.list({ status: "failed" })).jobs, []);
  },

  async health(s) {
    const before = await s.api.jobs.health();
    await s.api.jobs.createAndPoll({ userId: randomUUID(), content: "Are you well?" }, poll);
    const after = await s.api.jobs.health();
    isNow(after.timestamp);
    assert.deepEqual([after.healthy, after.totalJobs - before.totalJobs, after.statusCounts.completed - before.statusCounts.completed], [true, 1, 1]);
    for (const value of [...Object.values(after.statusCounts), ...Object.values(after.metrics), after.maxJobs]) assert.equal(typeof value, "number");
  },

  async poll(s) {
    const { jobId } = await s.api.jobs.create({ userId: randomUUID(), content: "Take your time" });
    const seen = [];
    const result = await s.api.jobs.poll(jobId, { ...poll, onProgress: (job, attempt) => seen.push([job.jobId, attempt]) });
    assert.deepEqual([result.success, result.attempts], [true, seen.length]);
    assert.deepEqual(seen[0], [jobId, 1]);
    isCompleted(s, result.job, "Take your time");
    await refused(s.api.jobs.poll(NOBODY, poll), 404, "NOT_FOUND");
  },

  async createAndPoll(s) {
    const result = await s.api.jobs.createAndPoll({ userId: randomUUID(), content: "Good day", agentId: s.agent.id }, poll);
    assert.equal(result.success, true);
    isCompleted(s, result.job, "Good day");
    await refused(s.api.jobs.createAndPoll({ userId: "me", content: "x" }, poll), 400, "INVALID_REQUEST");
  },

  async createAndPollWithBackoff(s) {
    const result = await s.api.jobs.createAndPollWithBackoff({ userId: randomUUID(), content: "No hurry" }, { initialInterval: 20, maxInterval: 200 });
    assert.equal(result.success, true);
    isCompleted(s, result.job, "No hurry");
  },

  async ask(s) {
    const answer = await s.api.jobs.ask(randomUUID(), "What is your name?", s.agent.id, poll);
    assert.match(answer, new RegExp(s.agent.name));
    await refused(s.api.jobs.ask(randomUUID(), "Anybody?", NOBODY, poll), 404, "AGENT_NOT_FOUND");
  },
};
