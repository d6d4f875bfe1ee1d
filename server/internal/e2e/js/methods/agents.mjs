// The agents service: 17 methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { NOBODY, ids, isId, isNow, isTwice, refused } from "./scene.mjs";

export const DEFAULT_SERVER = "00000000-0000-0000-0000-000000000000";

/** Makes a world through a message server, as clients can, and returns it. Every agent has one of that server then. */
async function newWorld(s, name) {
  const server = await s.api.messaging.createMessageServer({ name, sourceType: "test" });
  const { worldId } = await s.api.memory.createWorldFromMessageServer(server.id, { messageServerId: server.id, name });
  return findWorld(s, worldId);
}

const findWorld = async (s, id) => (await s.api.agents.getWorlds()).worlds.find((world) => world.id === id);

/** Returns the entries of an agent's log about one message. */
async function logsOf(s, messageId) {
  await s.runOf(messageId);
  return (await s.api.agents.getAgentLogs(s.agent.id, { limit: 1000 })).filter((log) => log.body.messageId === messageId);
}

export const agents = {
  async listAgents(s) {
    const id = await s.newAgent("Clerk");
    const { agents } = await s.api.agents.listAgents();
    const clerk = agents.find((a) => a.id === id);
    assert.deepEqual([clerk.name, clerk.bio, clerk.status], ["Clerk", "Clerk keeps the minutes.", "active"]);
    isNow(clerk.createdAt);
    isNow(clerk.updatedAt);
    assert.ok(ids(agents).includes(s.agent.id));
  },

  async getAgent(s) {
    const { agent } = s;
    const got = await s.api.agents.getAgent(agent.id);
    assert.deepEqual([got.id, got.name, got.status, got.enabled], [agent.id, agent.name, "active", true]);
    for (const list of ["bio", "topics", "adjectives", "plugins", "messageExamples"]) assert.ok(Array.isArray(got[list]), list);
    isNow(got.createdAt);
    await refused(s.api.agents.getAgent(NOBODY), 404, "NOT_FOUND");
    await refused(s.api.agents.getAgent("x"), 400, "INVALID_ID");
  },

  async createAgent(s) {
    const made = await s.api.agents.createAgent({
      characterJson: { name: "Painter", bio: ["paints", "walks"], settings: { colour: "blue", secrets: { KEY: "hush" } }, style: { all: ["short"] } },
    });
    isId(made.id);
    assert.deepEqual([made.name, made.status, made.character.name], ["Painter", "inactive", "Painter"]);
    isNow(made.createdAt);
    const stored = await s.api.agents.getAgent(made.id);
    assert.deepEqual([stored.bio, stored.settings.colour, stored.style.all], [["paints", "walks"], "blue", ["short"]]);
    assert.ok(!JSON.stringify([made, stored]).includes("hush"), "a secret is shown");
    const again = await s.api.agents.createAgent({ agent: { ...stored, id: randomUUID(), name: "Painter II" } });
    assert.deepEqual((await s.api.agents.getAgent(again.id)).bio, stored.bio, "an agent that was read can be made again");
    await refused(s.api.agents.createAgent({}), 400, "CREATE_ERROR");
    await refused(s.api.agents.createAgent({ agent: { name: "Nameless", bio: 7 } }), 400, "CREATE_ERROR");
  },

  async updateAgent(s) {
    const id = await s.newAgent("Mason");
    const changed = await s.api.agents.updateAgent(id, { name: "Bricklayer", bio: ["lays bricks"], metadata: { trade: "walls" } });
    assert.deepEqual([changed.id, changed.name, changed.bio, changed.status], [id, "Bricklayer", ["lays bricks"], "active"]);
    const stored = await s.api.agents.getAgent(id);
    assert.deepEqual([stored.name, stored.bio, stored.metadata], ["Bricklayer", ["lays bricks"], { trade: "walls" }]);
    await refused(s.api.agents.updateAgent(id, { name: "" }), 400, "UPDATE_ERROR");
    await refused(s.api.agents.updateAgent(NOBODY, { name: "Ghost" }), 404, "NOT_FOUND");
  },

  async deleteAgent(s) {
    const id = await s.newAgent("Miller");
    assert.deepEqual(await s.api.agents.deleteAgent(id), { success: true });
    await refused(s.api.agents.getAgent(id), 404, "NOT_FOUND");
    assert.ok(!ids((await s.api.agents.listAgents()).agents).includes(id));
    await refused(s.api.agents.deleteAgent(id), 404, "NOT_FOUND");
  },

  async startAgent(s) {
    const { id } = await s.api.agents.createAgent({ agent: { name: "Baker", bio: "bakes" } });
    assert.equal((await s.api.agents.getAgent(id)).status, "inactive");
    for (const attempt of ["the first", "the second"]) {
      const started = await s.api.agents.startAgent(id);
      assert.deepEqual([started.id, started.name, started.status], [id, "Baker", "active"], attempt);
    }
    assert.equal((await s.api.agents.getAgent(id)).status, "active");
    await refused(s.api.agents.startAgent(NOBODY), 404, "NOT_FOUND");
  },

  async stopAgent(s) {
    const id = await s.newAgent("Sailor");
    assert.equal((await s.api.agents.stopAgent(id)).status, "inactive");
    assert.equal((await s.api.agents.getAgent(id)).status, "inactive");
    await refused(s.api.agents.stopAgent(id), 404, "NOT_FOUND");
  },

  async getWorlds(s) {
    const made = await newWorld(s, "Harbour");
    const { worlds } = await s.api.agents.getWorlds();
    const [harbour, own] = [worlds.find((w) => w.id === made.id), worlds.find((w) => w.id === s.agent.id)];
    assert.deepEqual([harbour.name, ids(harbour.agents)], ["Harbour", [made.agentId]]);
    assert.deepEqual([own.name, own.agents], [`${s.agent.name}'s World`, [{ id: s.agent.id, name: s.agent.name }]]);
    for (const { createdAt } of worlds) isNow(createdAt);
  },

  async addAgentToWorld(s) {
    const [{ id, agentId }, pilot] = [await newWorld(s, "Lighthouse"), await s.newAgent("Pilot")];
    const added = await s.api.agents.addAgentToWorld(pilot, id);
    assert.deepEqual([added.success, added.worldId], [true, id]);
    assert.deepEqual(ids((await findWorld(s, id)).agents).sort(), [agentId, pilot].sort());
    await refused(s.api.agents.addAgentToWorld(pilot, NOBODY), 404, "NOT_FOUND");
  },

  async updateAgentWorldSettings(s) {
    const { id, agentId } = await newWorld(s, "Market");
    await s.api.agents.updateAgentWorldSettings(agentId, id, { open: true });
    const updated = await s.api.agents.updateAgentWorldSettings(agentId, id, { stalls: 12 });
    assert.deepEqual([updated.worldId, updated.settings], [id, { open: true, stalls: 12 }]);
    assert.deepEqual((await findWorld(s, id)).metadata.settings, { open: true, stalls: 12 });
    await refused(s.api.agents.updateAgentWorldSettings(agentId, NOBODY, {}), 404, "NOT_FOUND");
  },

  async getAgentPanels(s) {
    assert.deepEqual(await s.api.agents.getAgentPanels(s.agent.id), { panels: [] }, "no plugin brings a panel");
    await refused(s.api.agents.getAgentPanels(NOBODY), 404, "NOT_FOUND");
  },

  async getAgentLogs(s) {
    const talk = await s.newTalk();
    const { asked } = await s.exchange(talk, "What is in a log?");
    const logs = await logsOf(s, asked.id);
    assert.ok(logs.some((log) => log.type === "run_event" && log.body.status === "completed"), JSON.stringify(logs));
    for (const log of logs) {
      isId(log.id);
      isNow(log.createdAt);
      assert.equal(log.entityId.length, 36);
    }
    const byTime = await s.api.agents.getAgentLogs(s.agent.id, { from: new Date(Date.now() + 3_600_000) });
    assert.deepEqual(byTime, []);
    assert.equal((await s.api.agents.getAgentLogs(s.agent.id, { limit: 1 })).length, 1);
    await refused(s.api.agents.getAgentLogs(NOBODY), 404, "NOT_FOUND");
  },

  async deleteAgentLog(s) {
    const { asked } = await s.exchange(await s.newTalk(), "Forget this line");
    const [gone, ...kept] = await logsOf(s, asked.id);
    assert.deepEqual(await s.api.agents.deleteAgentLog(s.agent.id, gone.id), { success: true });
    assert.deepEqual(ids(await logsOf(s, asked.id)), ids(kept));
    await refused(s.api.agents.deleteAgentLog(s.agent.id, "x"), 400, "INVALID_ID");
  },

  async getAgentsForMessageServer(s) {
    const got = await s.api.agents.getAgentsForMessageServer(DEFAULT_SERVER);
    assert.equal(got.messageServerId, DEFAULT_SERVER);
    assert.ok(got.agents.includes(s.agent.id));
    isTwice(got);
    await refused(s.api.agents.getAgentsForMessageServer(NOBODY), 404, "SERVER_NOT_FOUND");
  },

  async addAgentToMessageServer(s) {
    const server = await s.api.messaging.createMessageServer({ name: "Guests", sourceType: "test" });
    const added = await s.api.agents.addAgentToMessageServer(server.id, s.agent.id);
    assert.deepEqual([added.messageServerId, added.agentId, typeof added.message], [server.id, s.agent.id, "string"]);
    isTwice(added);
    assert.deepEqual((await s.api.agents.getAgentsForMessageServer(server.id)).agents, [s.agent.id]);
    await refused(s.api.agents.addAgentToMessageServer(server.id, NOBODY), 404, "NOT_FOUND");
  },

  async removeAgentFromMessageServer(s) {
    const server = await s.api.messaging.createMessageServer({ name: "Leavers", sourceType: "test" });
    await s.api.agents.addAgentToMessageServer(server.id, s.agent.id);
    const removed = await s.api.agents.removeAgentFromMessageServer(server.id, s.agent.id);
    assert.deepEqual([removed.messageServerId, removed.agentId, typeof removed.message], [server.id, s.agent.id, "string"]);
    isTwice(removed);
    assert.deepEqual((await s.api.agents.getAgentsForMessageServer(server.id)).agents, []);
  },

  async getMessageServersForAgent(s) {
    const server = await s.api.messaging.createMessageServer({ name: "Members", sourceType: "test" });
    await s.api.agents.addAgentToMessageServer(server.id, s.agent.id);
    const got = await s.api.agents.getMessageServersForAgent(s.agent.id);
    assert.equal(got.agentId, s.agent.id);
    assert.ok(got.messageServers.includes(DEFAULT_SERVER) && got.messageServers.includes(server.id));
    isTwice(got);
  },
};
