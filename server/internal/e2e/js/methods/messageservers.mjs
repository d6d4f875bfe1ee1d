// The messaging service, for message servers: 6 of its methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { DEFAULT_SERVER } from "./agents.mjs";
import { NOBODY, ids, isId, isNow, onServer, refused } from "./scene.mjs";

const newServer = (s, name) => s.api.messaging.createMessageServer({ name, sourceType: "discord", sourceId: randomUUID(), metadata: { icon: "anchor" } });

export const messageServers = {
  async getCurrentMessageServer(s) {
    assert.equal((await s.api.messaging.getCurrentMessageServer()).messageServerId, DEFAULT_SERVER);
  },

  async listMessageServers(s) {
    const made = await newServer(s, "Listed");
    const { messageServers } = await s.api.messaging.listMessageServers();
    assert.ok(ids(messageServers).includes(DEFAULT_SERVER));
    const got = messageServers.find((m) => m.id === made.id);
    assert.deepEqual([got.name, got.sourceType, got.sourceId, got.metadata], ["Listed", "discord", made.sourceId, { icon: "anchor" }]);
    isNow(got.createdAt);
    isNow(got.updatedAt);
  },

  async createMessageServer(s) {
    const made = await newServer(s, "Guild");
    isId(made.id);
    assert.deepEqual([made.name, made.sourceType, made.metadata], ["Guild", "discord", { icon: "anchor" }]);
    isNow(made.createdAt);
    await refused(s.api.messaging.createMessageServer({ name: "", sourceType: "x" }), 400, "INVALID_REQUEST");
    await refused(s.api.messaging.createMessageServer({ name: "Sourceless" }), 400, "INVALID_REQUEST");
  },

  async getMessageServerChannels(s) {
    const server = await newServer(s, "Channels");
    assert.deepEqual((await s.api.messaging.getMessageServerChannels(server.id)).channels, []);
    const made = await s.api.messaging.createChannel({ name: "Deck", type: "GROUP", ...onServer(server.id) });
    const { channels } = await s.api.messaging.getMessageServerChannels(server.id);
    assert.deepEqual(channels.map((c) => [c.id, c.name, c.type, c.messageServerId]), [[made.id, "Deck", "GROUP", server.id]]);
    isNow(channels[0].updatedAt);
    assert.deepEqual((await s.api.messaging.getMessageServerChannels(NOBODY)).channels, []);
    await refused(s.api.messaging.getMessageServerChannels("x"), 400, "INVALID_ID");
  },

  async syncMessageServerChannels(s) {
    const server = await newServer(s, "Mirrored");
    const sync = (...names) => s.api.messaging.syncMessageServerChannels(server.id, { channels: names.map((name) => ({ name, type: "GROUP", sourceId: name.toLowerCase() })) });
    assert.equal((await sync("General", "Random")).synced, 2);
    assert.equal((await sync("GENERAL")).synced, 1);
    const { channels } = await s.api.messaging.getMessageServerChannels(server.id);
    assert.deepEqual(channels.map((c) => [c.sourceId, c.name]).sort(), [["general", "GENERAL"], ["random", "Random"]]);
    await refused(s.api.messaging.syncMessageServerChannels(NOBODY, { channels: [] }), 404, "SERVER_NOT_FOUND");
  },

  async deleteMessageServer(s) {
    const server = await newServer(s, "Sunken");
    const channel = await s.api.messaging.createChannel({ name: "Hold", type: "GROUP", ...onServer(server.id) });
    assert.equal((await s.api.messaging.deleteMessageServer(server.id)).success, true);
    assert.ok(!ids((await s.api.messaging.listMessageServers()).messageServers).includes(server.id));
    await refused(s.api.messaging.getChannelDetails(channel.id), 404, "NOT_FOUND");
    await refused(s.api.messaging.deleteMessageServer(server.id), 404, "SERVER_NOT_FOUND");
    await refused(s.api.messaging.deleteMessageServer(DEFAULT_SERVER), 409, "CONFLICT");
  },
};
