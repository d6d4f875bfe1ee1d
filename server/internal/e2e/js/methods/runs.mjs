// The runs service: 2 methods.

import assert from "node:assert/strict";

import { NOBODY, isId, isNow, refused } from "./scene.mjs";

function isEnded(s, run, messageId) {
  isId(run.runId);
  assert.deepEqual([run.status, run.messageId, run.entityId.length], ["completed", messageId, 36]);
  for (const time of [run.startedAt, run.endedAt]) isNow(time);
  assert.equal(run.durationMs, run.endedAt - run.startedAt);
  assert.ok(run.counts.modelCalls >= 1, JSON.stringify(run.counts));
}

export const runs = {
  async listRuns(s) {
    const talk = await s.newTalk();
    const { asked } = await s.exchange(talk, "Run and tell");
    const run = await s.runOf(asked.id);
    isEnded(s, run, asked.id);
    const { runs, total, hasMore } = await s.api.runs.listRuns(s.agent.id, { roomId: run.roomId, status: "completed", from: run.startedAt, to: run.endedAt, limit: 1 });
    assert.deepEqual([runs.map((r) => r.runId), total, hasMore], [[run.runId], 1, false]);
    assert.deepEqual((await s.api.runs.listRuns(s.agent.id, { roomId: run.roomId, status: "error" })).runs, []);
    await refused(s.api.runs.listRuns(NOBODY), 404, "NOT_FOUND");
    await refused(s.api.runs.listRuns(s.agent.id, { roomId: "x" }), 400, "INVALID_ID");
  },

  async getRun(s) {
    const { asked } = await s.exchange(await s.newTalk(), "Every step of it");
    const { runId, roomId } = await s.runOf(asked.id);
    const { summary, events } = await s.api.runs.getRun(s.agent.id, runId, roomId);
    assert.equal(summary.runId, runId);
    isEnded(s, summary, asked.id);
    const types = events.map((e) => e.type);
    assert.deepEqual([types[0], types.at(-1)], ["RUN_STARTED", "RUN_ENDED"]);
    assert.ok(types.includes("MODEL_USED"), types.join());
    for (const e of events) isNow(e.timestamp);
    assert.deepEqual(events.map((e) => e.timestamp), events.map((e) => e.timestamp).toSorted((a, b) => a - b));
    await refused(s.api.runs.getRun(s.agent.id, "x"), 400, "INVALID_ID");
    await refused(s.api.runs.getRun(NOBODY, runId), 404, "NOT_FOUND");
  },
};
