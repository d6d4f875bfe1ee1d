// Calls the messaging, server and system methods of the published TypeScript API client, unmodified, and checks that each
// gives its caller something to work with. The last one stops the server.
//
//   node methods.mjs --url URL
//
// It prints one line of JSON and exits with 0, or says what went wrong and exits with 1.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

import { ElizaClient } from "@elizaos/api-client";

const { url } = parseArgs({ options: { url: { type: "string" } } }).values;
const { agents, messaging: m, server, system } = ElizaClient.create({ baseUrl: url });

let methods = 0;

/** Awaits what a method returns and checks it. */
async function check(name, result, fits) {
  const value = await result.catch((error) => assert.fail(`${name}: ${error.code} ${error.message} ${error.details ?? ""}`));
  assert.notEqual(value, undefined, `${name} returns undefined`);
  assert.ok(fits(value), `${name} returns ${JSON.stringify(value)}`);
  methods++;
  return value;
}

const agent = (await agents.listAgents()).agents[0].id;
const [user, friend] = [randomUUID(), randomUUID()];

await check("getCurrentMessageServer", m.getCurrentMessageServer(), (v) => v.messageServerId);
await check("listMessageServers", m.listMessageServers(), (v) => v.messageServers.length === 1);
const channel = (await check("createChannel", m.createChannel({ name: "Talk", type: "GROUP", metadata: {} }), (v) => v.id)).id;
const group = (await check("createGroupChannel", m.createGroupChannel({ name: "Group", participantIds: [user, agent] }), (v) => v.id)).id;
await check("getOrCreateDmChannel", m.getOrCreateDmChannel({ participantIds: [user, agent] }), (v) => v.type === "DM");
await check("getChannelParticipants", m.getChannelParticipants(group), (v) => v.length === 2);
await check("addAgentToChannel", m.addAgentToChannel(channel, agent), (v) => v.agentId === agent);
await check("addUserToChannel", m.addUserToChannel(group, friend), (v) => v.metadata.participantCentralUserIds.length === 3);
await check("addUsersToChannel", m.addUsersToChannel(group, [randomUUID()]), (v) => v.metadata.participantCentralUserIds.length === 4);
await check("removeUserFromChannel", m.removeUserFromChannel(group, friend), (v) => v.metadata.participantCentralUserIds.length === 3);
await check("updateChannel", m.updateChannel(group, { name: "Circle" }), (v) => v.name === "Circle");
await check("getChannelDetails", m.getChannelDetails(group), (v) => v.name === "Circle" && v.metadata.participantCentralUserIds.length === 3);

const message = await check("postMessage", m.postMessage(channel, "Hello there", { mood: "fine" }), (v) => v.id && v.authorId);
await check("getMessage", m.getMessage(message.id), (v) => v.content === "Hello there");
await check("updateMessage", m.updateMessage(message.id, "Hello you"), (v) => v.content === "Hello you");
await check("submitMessage", m.submitMessage({ agentId: agent, channelId: channel, content: "An answer", inReplyToMessageId: message.id }), (v) => v.authorId === agent);
await check("completeMessage", m.completeMessage({ messageId: message.id, status: "completed" }), (v) => v.success);
await check("searchMessages", m.searchMessages({ query: "hello", channelId: channel, from: new Date(0), limit: 5 }), (v) => v.messages.some(({ id }) => id === message.id));
await check("getChannelMessages", m.getChannelMessages(channel, { limit: 10, before: new Date(Date.now() + 60_000) }), (v) => v.messages.length >= 2);
const external = { platform: "telegram", channelId: channel, messages: [{ id: "1", authorId: "u1", content: "From afar", timestamp: Date.now() }] };
await check("ingestExternalMessages", m.ingestExternalMessages(external), (v) => v.processed === 1);
for (const text of ["I dream about sailing ships", "They sail to far islands"]) await m.postMessage(channel, text, {});
await check("generateChannelTitle", m.generateChannelTitle(channel, agent), (v) => v.title);

const guild = (await check("createMessageServer", m.createMessageServer({ name: "Guild", sourceType: "discord", sourceId: "42" }), (v) => v.id)).id;
const mirrored = { channels: [{ name: "general", type: "GROUP", sourceId: "1" }] };
await check("syncMessageServerChannels", m.syncMessageServerChannels(guild, mirrored), (v) => v.synced === 1);
await check("getMessageServerChannels", m.getMessageServerChannels(guild), (v) => v.channels.length === 1);
await check("deleteMessageServer", m.deleteMessageServer(guild), (v) => v.success);
await check("deleteMessage", m.deleteMessage(channel, message.id), (v) => v.success);
await check("removeAgentFromChannel", m.removeAgentFromChannel(channel, agent), (v) => v.agentId === agent);
await check("clearChannelHistory", m.clearChannelHistory(channel), (v) => v.success);
await check("deleteChannel", m.deleteChannel(channel), (v) => v.success);
await assert.rejects(m.getMessage(message.id), { code: "NOT_FOUND", message: "Message not found" });

await check("checkHealth", server.checkHealth(), (v) => v.status === "OK");
await check("ping", server.ping(), (v) => v.pong);
await check("hello", server.hello(), (v) => v.message);
await check("getStatus", server.getStatus(), (v) => v.agents.total === 1 && v.memory.used > 0 && v.uptime > 0 && v.version);
await check("getDebugInfo", server.getDebugInfo(), (v) => v.runtime.agents.length === 1);
await check("submitLogs", server.submitLogs([{ level: "warn", message: "A slow page", source: "web" }]), (v) => v.received === 1);
await check("getGlobalLogs", system.getGlobalLogs({ agentId: "all", level: "warn" }), (v) => v.logs.length > 0 && v.levels.length === 9);
await check("clearLogs", server.clearLogs(), (v) => v.cleared > 0);
await check("deleteGlobalLogs", system.deleteGlobalLogs(), (v) => v.status === "success");
await check("updateLocalEnvironment", system.updateLocalEnvironment({ variables: { OPENAI_API_KEY: "sk-x", SMALL_MODEL: "m" } }), (v) => v.success && v.message);
await check("getEnvironment", system.getEnvironment(), (v) => v.SMALL_MODEL === "m" && v.OPENAI_API_KEY !== "sk-x");
await check("stopServer", server.stopServer(), (v) => v.success);

console.log(JSON.stringify({ ok: true, methods }));
