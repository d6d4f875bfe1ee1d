// The system service: 5 methods.

import assert from "node:assert/strict";

import { isNow, refused } from "./scene.mjs";

/** deleteLog sends no request. */
export const givesNothing = ["system.deleteLog"];

export const system = {
  async updateLocalEnvironment(s) {
    for (const form of [{ variables: { SMALL_MODEL: "one" } }, { content: { SMALL_MODEL: "two" } }, { SMALL_MODEL: "three" }]) {
      const updated = await s.api.system.updateLocalEnvironment(form);
      assert.deepEqual([updated.success, typeof updated.message], [true, "string"]);
      assert.equal((await s.api.system.getEnvironment()).SMALL_MODEL, Object.values(form.variables ?? form.content ?? form)[0]);
    }
    await refused(s.api.system.updateLocalEnvironment({ content: { "1 BAD NAME": "x" } }), 400, "VALIDATION_ERROR");
    await refused(s.api.system.updateLocalEnvironment({ content: { LIST: [1] } }), 400, "VALIDATION_ERROR");
    assert.equal((await s.api.system.getEnvironment()).SMALL_MODEL, "three", "what was refused changed nothing");
  },

  async getEnvironment(s) {
    await s.api.system.updateLocalEnvironment({ SMALL_MODEL: "m", OPENAI_API_KEY: "sk-secret" });
    const settings = await s.api.system.getEnvironment();
    assert.equal(settings.SMALL_MODEL, "m");
    assert.ok("OPENAI_API_KEY" in settings && !settings.OPENAI_API_KEY.includes("secret"), "a secret is shown");
    await s.api.system.updateLocalEnvironment({});
    assert.deepEqual(await s.api.system.getEnvironment(), {});
  },

  async getGlobalLogs(s) {
    await s.api.server.submitLogs([{ level: "warn", message: "A leak in the hold" }]);
    for (const agentId of ["all", undefined]) {
      const got = await s.api.system.getGlobalLogs({ level: "warn", agentId });
      assert.deepEqual([got.level, got.levels.length, got.count], ["warn", 9, got.logs.length]);
      assert.ok(got.total >= got.count);
      const line = got.logs.find((entry) => entry.msg.includes("A leak in the hold"));
      assert.equal(line.level, 40);
      isNow(line.time);
    }
    assert.deepEqual((await s.api.system.getGlobalLogs({ level: "fatal" })).logs, []);
    assert.deepEqual((await s.api.system.getGlobalLogs({ level: "warn", agentName: "Nobody" })).logs, []);
  },

  async deleteGlobalLogs(s) {
    await s.api.server.submitLogs([{ level: "warn", message: "Soon gone" }]);
    const { status, message } = await s.api.system.deleteGlobalLogs();
    assert.deepEqual([status, typeof message], ["success", "string"]);
    assert.ok(!(await s.api.system.getGlobalLogs()).logs.some((entry) => entry.msg.includes("Soon gone")));
  },

  async deleteLog(s) {
    await assert.rejects(s.api.system.deleteLog("1"), /Individual log deletion is not supported/);
  },
};
