// The server service: 8 methods. The last one stops the server.

import assert from "node:assert/strict";

import { isNow, refused } from "./scene.mjs";

export const server = {
  async checkHealth(s) {
    const health = await s.api.server.checkHealth();
    assert.deepEqual([health.status, health.checks.agents.status, health.checks.database.status], ["OK", "pass", "pass"]);
    assert.ok(health.uptime > 0 && health.version);
    isNow(health.timestamp);
  },

  async ping(s) {
    const { pong, timestamp } = await s.api.server.ping();
    assert.equal(pong, true);
    isNow(timestamp);
  },

  async hello(s) {
    assert.match((await s.api.server.hello()).message, /hello/i);
  },

  async getStatus(s) {
    const before = await s.api.server.getStatus();
    assert.equal(before.agents.total, before.agents.active + before.agents.inactive);
    assert.ok(before.memory.used > 0 && before.memory.total >= before.memory.used && before.memory.percentage > 0 && before.uptime > 0 && before.version);
    await s.newAgent("Counted");
    const after = await s.api.server.getStatus();
    assert.deepEqual([after.agents.total, after.agents.active], [before.agents.total + 1, before.agents.active + 1]);
  },

  async getDebugInfo(s) {
    const { runtime, environment } = await s.api.server.getDebugInfo();
    assert.deepEqual(runtime.agents.find((a) => a.id === s.agent.id), { id: s.agent.id, name: s.agent.name, status: "active" });
    assert.equal(runtime.connections, 0);
    assert.ok(runtime.memory.used > 0);
    for (const value of Object.values(environment)) assert.equal(typeof value, "string");
  },

  async submitLogs(s) {
    const lines = [{ level: "warn", message: "A slow page", source: "web", metadata: { ms: 900 } }, { level: "error", message: "A broken page" }];
    assert.equal((await s.api.server.submitLogs(lines)).received, 2);
    const { logs } = await s.api.system.getGlobalLogs({ level: "warn" });
    assert.ok(logs.some((entry) => entry.msg.includes("A slow page")), JSON.stringify(logs));
    await refused(s.api.server.submitLogs("not a list"), 400, "INVALID_REQUEST");
  },

  async clearLogs(s) {
    await s.api.server.submitLogs([{ level: "warn", message: "Soon forgotten" }]);
    assert.ok((await s.api.server.clearLogs()).cleared > 0);
    const { logs } = await s.api.system.getGlobalLogs();
    assert.ok(!logs.some((entry) => entry.msg.includes("Soon forgotten")));
  },

  async stopServer(s) {
    assert.equal((await s.api.server.stopServer()).success, true);
  },
};
