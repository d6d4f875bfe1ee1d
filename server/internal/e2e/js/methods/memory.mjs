// The memory service: 18 methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { DEFAULT_SERVER } from "./agents.mjs";
import { NOBODY, ids, isId, isNow, refused, until } from "./scene.mjs";

/** Makes an agent with a conversation to remember: two memories, newest first. */
async function newMemories(s, name) {
  const agent = await s.newAgent(name);
  const user = randomUUID();
  const dm = await s.api.messaging.getOrCreateDmChannel({ participantIds: [user, agent] });
  const talk = { ...dm, user, me: s.as(user) };
  const { asked, reply } = await s.exchange(talk, `Remember the ${name}`, agent);
  const memories = await until("what the agent remembers", async () => {
    const { memories } = await s.api.memory.getAgentMemories(agent);
    return memories.length === 2 && memories;
  });
  return { agent, talk, asked, reply, memories, read: async (params) => (await s.api.memory.getAgentMemories(agent, params)).memories };
}

/** Makes a world of the default agent for a new message server. */
async function newWorld(s, name) {
  const server = await s.api.messaging.createMessageServer({ name, sourceType: "test" });
  const { worldId } = await s.api.memory.createWorldFromMessageServer(server.id, { messageServerId: server.id, name, description: "made by a test" });
  return { server: server.id, worldId };
}

const worldNames = async (s, worldId) => (await s.api.agents.getWorlds()).worlds.filter((w) => w.id === worldId).map((w) => w.name);

export const memory = {
  async getAgentMemories(s) {
    const { agent, talk, reply, memories, read } = await newMemories(s, "harbour");
    const [said, heard] = memories;
    assert.deepEqual([said.content.text, said.entityId, said.agentId, said.type], [reply.content, agent, agent, "messages"]);
    assert.deepEqual([heard.content.text, heard.entityId], ["Remember the harbour", talk.user]);
    for (const m of memories) {
      isId(m.id);
      isId(m.roomId);
      isNow(m.createdAt);
      isNow(m.updatedAt);
    }
    assert.deepEqual(ids(await read({ limit: 1 })), [said.id]);
    assert.deepEqual(ids(await read({ limit: 1, offset: 1 })), [heard.id]);
    assert.deepEqual(ids(await read({ search: "the harbour", from: new Date(0).toISOString(), to: new Date(Date.now() + 60_000) })), [heard.id]);
    assert.deepEqual(await read({ type: "facts" }), []);
    await refused(s.api.memory.getAgentMemories(NOBODY), 404, "NOT_FOUND");
    await refused(s.api.memory.getAgentMemories("x"), 400, "INVALID_ID");
  },

  async getRoomMemories(s) {
    const { agent, talk, memories } = await newMemories(s, "quay");
    for (const room of [memories[0].roomId, talk.id]) {
      assert.deepEqual(ids((await s.api.memory.getRoomMemories(agent, room)).memories), ids(memories), "by the id of the room, and of the channel");
    }
    assert.equal((await s.api.memory.getRoomMemories(agent, talk.id, { limit: 1 })).memories.length, 1);
    assert.deepEqual((await s.api.memory.getRoomMemories(agent, NOBODY)).memories, []);
    await refused(s.api.memory.getRoomMemories(agent, "x"), 400, "INVALID_ID");
  },

  async updateMemory(s) {
    const { agent, memories, read } = await newMemories(s, "mole");
    const [{ id, roomId }] = memories;
    const changed = await s.api.memory.updateMemory(agent, id, { content: { text: "Something else", note: 1 }, metadata: { type: "custom" } });
    assert.deepEqual([changed.id, changed.roomId, changed.content, changed.metadata], [id, roomId, { text: "Something else", note: 1 }, { type: "custom" }]);
    isNow(changed.createdAt);
    assert.deepEqual((await read())[0].content, { text: "Something else", note: 1 });
    await refused(s.api.memory.updateMemory(agent, NOBODY, { content: "x" }), 404, "NOT_FOUND");
    await refused(s.api.memory.updateMemory(agent, id, { content: 7 }), 400, "VALIDATION_ERROR");
  },

  async clearAgentMemories(s) {
    const { agent, read } = await newMemories(s, "dock");
    assert.equal((await s.api.memory.clearAgentMemories(agent)).deleted, 2);
    assert.deepEqual(await read(), []);
    assert.equal((await s.api.memory.clearAgentMemories(agent)).deleted, 0);
    await refused(s.api.memory.clearAgentMemories(NOBODY), 404, "NOT_FOUND");
  },

  async clearRoomMemories(s) {
    const { agent, memories, read } = await newMemories(s, "pier");
    await s.api.memory.clearRoomMemories(agent, NOBODY);
    assert.equal((await read()).length, 2);
    assert.deepEqual(await s.api.memory.clearRoomMemories(agent, memories[0].roomId), { success: true });
    assert.deepEqual(await read(), []);
  },

  async listAgentRooms(s) {
    const { agent, talk, memories } = await newMemories(s, "canal");
    const { rooms } = await s.api.memory.listAgentRooms(agent);
    assert.deepEqual(rooms.map((r) => [r.id, r.channelId, r.type]), [[agent, agent, "SELF"], [memories[0].roomId, talk.id, "DM"]]);
    for (const room of rooms) {
      assert.equal(room.agentId, agent);
      isNow(room.createdAt);
      isNow(room.updatedAt);
    }
    await refused(s.api.memory.listAgentRooms(NOBODY), 404, "NOT_FOUND");
  },

  async getRoom(s) {
    const made = await s.api.memory.createRoom(s.agent.id, { name: "Cabin", type: "GROUP", metadata: { deck: 2 } });
    const got = await s.api.memory.getRoom(s.agent.id, made.id);
    assert.deepEqual([got.id, got.agentId, got.name, got.type, got.metadata], [made.id, s.agent.id, "Cabin", "GROUP", { deck: 2 }]);
    isNow(got.createdAt);
    isNow(got.updatedAt);
    await refused(s.api.memory.getRoom(s.agent.id, NOBODY), 404, "NOT_FOUND");
  },

  async createRoom(s) {
    const made = await s.api.memory.createRoom(s.agent.id, { name: "Bridge", metadata: { deck: 1 } });
    isId(made.id);
    isNow(made.createdAt);
    isNow(made.updatedAt);
    assert.deepEqual([made.name, made.agentId, made.type, made.metadata], ["Bridge", s.agent.id, "DM", { deck: 1 }]);
    assert.ok(ids((await s.api.memory.listAgentRooms(s.agent.id)).rooms).includes(made.id));
    await refused(s.api.memory.createRoom(s.agent.id, { name: "" }), 400, "VALIDATION_ERROR");
    await refused(s.api.memory.createRoom(s.agent.id, { name: "Odd", type: "CASTLE" }), 400, "VALIDATION_ERROR");
  },

  async createWorldFromMessageServer(s) {
    const { server, worldId } = await newWorld(s, "Archipelago");
    isId(worldId);
    const world = (await s.api.agents.getWorlds()).worlds.find((w) => w.id === worldId);
    assert.deepEqual([world.name, world.messageServerId, world.description], ["Archipelago", server, "made by a test"]);
    const again = await s.api.memory.createWorldFromMessageServer(server, { messageServerId: server, name: "Archipelago" });
    assert.equal(again.worldId, worldId);
    await refused(s.api.memory.createWorldFromMessageServer("x", { name: "Nowhere" }), 400, "INVALID_ID");
    await refused(s.api.memory.createWorldFromMessageServer(server, {}), 400, "BAD_REQUEST");
  },

  async deleteWorld(s) {
    const { server, worldId } = await newWorld(s, "Atlantis");
    assert.deepEqual(await worldNames(s, worldId), ["Atlantis"]);
    assert.deepEqual(await s.api.memory.deleteWorld(server), { success: true });
    assert.deepEqual(await worldNames(s, worldId), []);
    await refused(s.api.memory.deleteWorld("x"), 400, "INVALID_ID");
  },

  async clearWorldMemories(s) {
    const { agent, talk, read } = await newMemories(s, "reef");
    assert.deepEqual(await s.api.memory.clearWorldMemories(DEFAULT_SERVER), { success: true });
    assert.deepEqual(await read(), []);
    assert.equal((await s.api.messaging.getChannelMessages(talk.id)).messages.length, 2, "the conversation itself stays");
    assert.equal((await s.api.memory.listAgentRooms(agent)).rooms.length, 2, "and so do its rooms");
  },

  async deleteMemory(s) {
    const { agent, memories, read } = await newMemories(s, "buoy");
    assert.equal((await s.api.memory.deleteMemory(agent, memories[0].id)).success, true);
    assert.deepEqual(ids(await read()), [memories[1].id]);
    await refused(s.api.memory.deleteMemory(agent, "x"), 400, "INVALID_ID");
  },

  async getAgentInternalMemories(s) {
    const { agent, memories } = await newMemories(s, "sand");
    const got = await s.api.memory.getAgentInternalMemories(agent, memories[0].roomId, true);
    assert.equal(got.success, true);
    assert.deepEqual(ids(got.data), ids(memories));
    await refused(s.api.memory.getAgentInternalMemories(NOBODY, memories[0].roomId), 404, "NOT_FOUND");
  },

  async deleteAgentInternalMemory(s) {
    const { agent, memories, read } = await newMemories(s, "shell");
    assert.equal((await s.api.memory.deleteAgentInternalMemory(agent, memories[1].id)).success, true);
    assert.deepEqual(ids(await read()), [memories[0].id]);
  },

  async deleteAllAgentInternalMemories(s) {
    const { agent, memories, read } = await newMemories(s, "tide");
    assert.deepEqual(await s.api.memory.deleteAllAgentInternalMemories(agent, memories[0].roomId), { success: true });
    assert.deepEqual(await read(), []);
  },

  async updateAgentInternalMemory(s) {
    const { agent, memories, read } = await newMemories(s, "wave");
    const changed = await s.api.memory.updateAgentInternalMemory(agent, memories[1].id, { content: { text: "A wave" } });
    assert.deepEqual([changed.id, changed.content.text], [memories[1].id, "A wave"]);
    assert.equal((await read())[1].content.text, "A wave");
  },

  async deleteGroupMemory(s) {
    const { agent, talk, asked, reply, memories, read } = await newMemories(s, "gull");
    assert.deepEqual(await s.api.memory.deleteGroupMemory(talk.id, asked.id), { success: true });
    assert.deepEqual(ids((await s.api.messaging.getChannelMessages(talk.id)).messages), [reply.id]);
    await until(`that ${agent} forgets it`, async () => (await read()).length === 1);
    assert.deepEqual(ids(await read()), [memories[0].id]);
  },

  async clearGroupChat(s) {
    const { talk, read } = await newMemories(s, "storm");
    assert.equal((await s.api.memory.clearGroupChat(talk.id)).success, true);
    assert.deepEqual((await s.api.messaging.getChannelMessages(talk.id)).messages, []);
    await until("that the agent forgets it", async () => (await read()).length === 0);
  },
};
