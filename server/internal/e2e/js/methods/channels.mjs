// The messaging service, for channels and their participants: 14 of its methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { DEFAULT_SERVER } from "./agents.mjs";
import { NOBODY, ids, isId, isNow, isTwice, onServer, refused } from "./scene.mjs";

export const channels = {
  async createChannel(s) {
    const made = await s.api.messaging.createChannel({ name: "Notices", type: "GROUP", metadata: { topic: "news" } });
    isId(made.id);
    assert.deepEqual([made.name, made.type, made.messageServerId, made.metadata.topic], ["Notices", "GROUP", DEFAULT_SERVER, "news"]);
    isNow(made.createdAt);
    isNow(made.updatedAt);
    const got = await s.api.messaging.getChannelDetails(made.id);
    assert.deepEqual([got.id, got.name, got.metadata.topic], [made.id, "Notices", "news"]);
    await refused(s.api.messaging.createChannel({ name: "", type: "GROUP" }), 400, "INVALID_REQUEST");
    await refused(s.api.messaging.createChannel({ name: "Nowhere", type: "GROUP", ...onServer(NOBODY) }), 404, "SERVER_NOT_FOUND");
  },

  async createGroupChannel(s) {
    const scribe = await s.newAgent("Scribe");
    const user = randomUUID();
    const participants = [user, s.agent.id, scribe];
    const group = await s.api.messaging.createGroupChannel({ name: "Council", participantIds: participants, metadata: { topic: "walls", message_server_id: DEFAULT_SERVER } });
    assert.deepEqual([group.name, group.type, group.metadata.topic], ["Council", "GROUP", "walls"]);
    assert.deepEqual((await s.api.messaging.getChannelParticipants(group.id)).sort(), [...participants].sort());

    // Each of two agents answers when it is called by its name, and the other one doesn't.
    const talk = { ...group, user, me: s.as(user) };
    for (const [agent, name] of [[s.agent.id, s.agent.name], [scribe, "Scribe"], [s.agent.id, s.agent.name]]) {
      const { asked, reply } = await s.exchange(talk, `${name}, what do you think of the walls?`, agent);
      assert.ok(reply.content.length > 0);
      const { messages } = await talk.me.messaging.getChannelMessages(group.id, {});
      assert.deepEqual(messages.filter((m) => m.inReplyToRootMessageId === asked.id).map((m) => m.authorId), [agent]);
    }
    await refused(s.api.messaging.createGroupChannel({ name: "", participantIds: [user] }), 400, "INVALID_REQUEST");
    await refused(s.api.messaging.createGroupChannel({ name: "Odd", participantIds: ["me"] }), 400, "INVALID_REQUEST");
  },

  async getOrCreateDmChannel(s) {
    const participantIds = [randomUUID(), s.agent.id];
    const made = await s.api.messaging.getOrCreateDmChannel({ participantIds });
    assert.equal(made.type, "DM");
    isNow(made.createdAt);
    assert.equal((await s.api.messaging.getOrCreateDmChannel({ participantIds })).id, made.id);
    assert.equal((await s.api.messaging.getOrCreateDmChannel({ participantIds: participantIds.toReversed() })).id, made.id);
    assert.deepEqual((await s.api.messaging.getChannelParticipants(made.id)).sort(), [...participantIds].sort());
    await refused(s.api.messaging.getOrCreateDmChannel({ participantIds: ["me", s.agent.id] }), 400, "INVALID_ID");
  },

  async getChannelDetails(s) {
    const group = await s.newGroup(s.agent.id);
    const got = await s.api.messaging.getChannelDetails(group.id);
    assert.deepEqual([got.id, got.name, got.type, got.messageServerId], [group.id, group.name, "GROUP", DEFAULT_SERVER]);
    assert.deepEqual(got.metadata.participantCentralUserIds.sort(), [group.user, s.agent.id].sort());
    isNow(got.createdAt);
    await refused(s.api.messaging.getChannelDetails(NOBODY), 404, "NOT_FOUND");
    await refused(s.api.messaging.getChannelDetails("x"), 400, "INVALID_ID");
  },

  async getChannelParticipants(s) {
    const group = await s.newGroup(s.agent.id);
    assert.deepEqual((await s.api.messaging.getChannelParticipants(group.id)).sort(), [group.user, s.agent.id].sort());
    assert.deepEqual(await s.api.messaging.getChannelParticipants(NOBODY), []);
  },

  async addAgentToChannel(s) {
    const group = await s.newGroup();
    const added = await s.api.messaging.addAgentToChannel(group.id, s.agent.id);
    assert.deepEqual([added.success, added.channelId, added.agentId], [true, group.id, s.agent.id]);
    assert.ok((await s.api.messaging.getChannelParticipants(group.id)).includes(s.agent.id));
    const { reply } = await s.exchange(group, `${s.agent.name}, welcome!`);
    assert.equal(reply.authorId, s.agent.id);
    await refused(s.api.messaging.addAgentToChannel(group.id, NOBODY), 404, "NOT_FOUND");
    await refused(s.api.messaging.addAgentToChannel(NOBODY, s.agent.id), 404, "NOT_FOUND");
  },

  async removeAgentFromChannel(s) {
    const group = await s.newGroup(s.agent.id);
    const removed = await s.api.messaging.removeAgentFromChannel(group.id, s.agent.id);
    assert.deepEqual([removed.success, removed.channelId, removed.agentId], [true, group.id, s.agent.id]);
    assert.deepEqual(await s.api.messaging.getChannelParticipants(group.id), [group.user]);
    await refused(s.api.messaging.removeAgentFromChannel(group.id, s.agent.id), 404, "NOT_FOUND");
  },

  async updateChannel(s) {
    const group = await s.newGroup(s.agent.id);
    const changed = await s.api.messaging.updateChannel(group.id, { name: "Circle", metadata: { topic: "round things" } });
    assert.deepEqual([changed.id, changed.name, changed.metadata.topic], [group.id, "Circle", "round things"]);
    isTwice(changed);
    const got = await s.api.messaging.getChannelDetails(group.id);
    assert.deepEqual([got.name, got.metadata.topic, got.metadata.participantCentralUserIds.length], ["Circle", "round things", 2]);
    await refused(s.api.messaging.updateChannel(NOBODY, { name: "Ghosts" }), 404, "NOT_FOUND");
  },

  async addUserToChannel(s) {
    const [group, friend] = [await s.newGroup(s.agent.id), randomUUID()];
    const added = await s.api.messaging.addUserToChannel(group.id, friend);
    assert.ok(added.metadata.participantCentralUserIds.includes(friend));
    isTwice(added);
    assert.equal((await s.api.messaging.getChannelParticipants(group.id)).length, 3);
    const again = await s.api.messaging.addUserToChannel(group.id, friend);
    assert.deepEqual([again.success, again.data.id], [true, group.id]);
    assert.equal((await s.api.messaging.getChannelParticipants(group.id)).length, 3);
  },

  async addUsersToChannel(s) {
    const [group, friends] = [await s.newGroup(s.agent.id), [randomUUID(), randomUUID()]];
    const added = await s.api.messaging.addUsersToChannel(group.id, [...friends, friends[0]]);
    assert.equal(added.id, group.id);
    isTwice(added);
    assert.deepEqual((await s.api.messaging.getChannelParticipants(group.id)).sort(), [group.user, s.agent.id, ...friends].sort());
  },

  async removeUserFromChannel(s) {
    const [group, friend] = [await s.newGroup(s.agent.id), randomUUID()];
    await s.api.messaging.addUserToChannel(group.id, friend);
    const removed = await s.api.messaging.removeUserFromChannel(group.id, friend);
    assert.ok(!removed.metadata.participantCentralUserIds.includes(friend));
    isTwice(removed);
    assert.deepEqual((await s.api.messaging.getChannelParticipants(group.id)).sort(), [group.user, s.agent.id].sort());
  },

  async generateChannelTitle(s) {
    const talk = await s.newTalk();
    const early = await s.api.messaging.generateChannelTitle(talk.id, s.agent.id);
    assert.deepEqual([early.channelId, typeof early.reason], [talk.id, "string"], "nothing to call by a title yet");
    for (const text of ["I dream about sailing ships", "They sail to far islands", "The islands are green"]) await s.exchange(talk, text);
    const { title, channelId } = await s.api.messaging.generateChannelTitle(talk.id, s.agent.id);
    assert.equal(channelId, talk.id);
    assert.match(title, /\w+/);
    await refused(s.api.messaging.generateChannelTitle(talk.id, "x"), 400, "INVALID_REQUEST");
    await refused(s.api.messaging.generateChannelTitle(NOBODY, s.agent.id), 404, "NOT_FOUND");
  },

  async clearChannelHistory(s) {
    const talk = await s.newTalk();
    await s.exchange(talk, "Write this on water");
    assert.equal((await s.api.messaging.clearChannelHistory(talk.id)).success, true);
    assert.deepEqual((await s.api.messaging.getChannelMessages(talk.id)).messages, []);
    const { reply } = await s.exchange(talk, "A new beginning");
    assert.ok(reply.content);
    await refused(s.api.messaging.clearChannelHistory("x"), 400, "INVALID_ID");
  },

  async deleteChannel(s) {
    const talk = await s.newTalk();
    const { asked } = await s.exchange(talk, "The last word");
    assert.deepEqual(await s.api.messaging.deleteChannel(talk.id), { success: true });
    await refused(s.api.messaging.getChannelDetails(talk.id), 404, "NOT_FOUND");
    await refused(s.api.messaging.getMessage(asked.id), 404, "NOT_FOUND");
    const { channels } = await s.api.messaging.getMessageServerChannels(DEFAULT_SERVER);
    assert.ok(!ids(channels).includes(talk.id));
    assert.deepEqual(await s.api.messaging.deleteChannel(talk.id), { success: true }, "it is gone as it should be");
    await refused(s.api.messaging.deleteChannel("x"), 400, "INVALID_ID");
  },
};
