// Talks to a running elizad the way applications do: with the published TypeScript API client and socket.io-client, both
// unmodified. It is driven by the Go test beside it, in three steps around a kill -9:
//
//   node client.mjs chat      --url URL --state FILE   a whole conversation, over each transport
//   node client.mjs interrupt --url URL --state FILE   send a message and leave while the agent is answering it
//   node client.mjs after     --url URL --state FILE   everything is still there, and that message was answered once
//
// A step prints one line of JSON and exits with 0, or says what went wrong and exits with 1.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { ElizaClient } from "@elizaos/api-client";
import { io } from "socket.io-client";

const PATIENCE_MS = 120_000; // spent only where a test fails

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string" }, state: { type: "string" } },
});
const { url, state: stateFile } = values;
const api = ElizaClient.create({ baseUrl: url });

const steps = { chat, interrupt, after };
const step = steps[positionals[0]];
if (!step || !url || !stateFile) {
  console.error("usage: node client.mjs chat|interrupt|after --url URL --state FILE");
  process.exit(2);
}
try {
  console.log(JSON.stringify({ ok: true, ...(await step()) }));
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}

/** Connects a socket and records every event it receives. */
async function connect(transports, entityId) {
  const socket = io(url, { transports, auth: { entityId }, reconnection: false });
  const events = [];
  const waiting = new Set();
  socket.onAny((name, payload) => {
    events.push({ name, payload });
    for (const check of waiting) check();
  });
  socket.on("connect_error", (error) => events.push({ name: "connect_error", payload: error.message }));

  /** Waits for a matching event; it may have arrived already. */
  const until = (name, fits = () => true) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = events.find((e) => e.name === name && fits(e.payload));
        if (!found) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found.payload);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        reject(new Error(`no ${name} within ${PATIENCE_MS} ms; received: ${events.map((e) => e.name).join(", ")}`));
      }, PATIENCE_MS);
      waiting.add(look);
      look();
    });
  await until("connection_established");
  return { socket, events, until };
}

async function firstAgent() {
  const { agents } = await api.agents.listAgents();
  const agent = agents.find((a) => a.status === "active");
  assert.ok(agent, "a fresh server has a running agent");
  return agent;
}

function sendTo(connection, channel, user, agent, text) {
  const messageId = randomUUID();
  connection.socket.emit("message", {
    type: 2,
    payload: {
      channelId: channel.id, roomId: channel.id, senderId: user, senderName: "Ada", message: text,
      messageServerId: channel.messageServerId, messageId, source: "client_chat",
      metadata: { channelType: "DM", isDm: true, targetUserId: agent.id },
    },
  });
  return messageId;
}

/** Checks one exchange, event by event. */
async function exchange(connection, channel, user, agent, text) {
  const { events, until } = connection;
  const from = events.length;
  const messageId = sendTo(connection, channel, user, agent, text);
  const own = await until("messageBroadcast", (m) => m.clientMessageId === messageId);
  assert.equal(own.text, text);
  assert.equal(own.senderId, user);
  assert.equal(own.channelId, channel.id);
  assert.equal(own.roomId, channel.id);
  const ack = await until("messageAck", (a) => a.clientMessageId === messageId);
  assert.equal(ack.messageId, own.id);
  assert.equal(ack.status, "received_by_server_and_processing");
  const complete = await until("messageComplete", (c) => c.messageId === own.id);
  assert.equal(complete.status, "replied");
  const reply = await until("messageBroadcast", (m) => m.senderId === agent.id && m.inReplyToMessageId === own.id);
  const mine = events.slice(from);
  const chunks = mine.filter((e) => e.name === "messageStreamChunk" && e.payload.messageId === reply.id).map((e) => e.payload);
  assert.ok(chunks.length > 0, "the answer is streamed");
  assert.deepEqual(chunks.map((c) => c.index), chunks.map((_, i) => i));
  assert.equal(chunks.map((c) => c.chunk).join(""), reply.text, "the pieces are the text");
  assert.equal(mine.filter((e) => e.name === "messageBroadcast" && e.payload.id === own.id).length, 1, "the own message comes once");
  assert.equal(mine.filter((e) => e.name === "messageBroadcast" && e.payload.id === reply.id).length, 1, "the answer comes once");
  const order = mine.map((e) => e.name).filter((n, i, all) => n !== "messageStreamChunk" || all[i - 1] !== n);
  assert.deepEqual(order, ["messageBroadcast", "messageAck", "messageStreamChunk", "messageBroadcast", "messageComplete"]);
  return { asked: own, reply };
}

async function chat() {
  const agent = await firstAgent();
  const { messageServerId } = await api.messaging.getCurrentMessageServer();
  assert.equal(messageServerId, "00000000-0000-0000-0000-000000000000");
  const { messageServers } = await api.messaging.listMessageServers();
  assert.ok(messageServers.some((s) => s.id === messageServerId));
  const user = randomUUID();
  const channel = await api.messaging.getOrCreateDmChannel({ participantIds: [user, agent.id] });
  assert.equal(channel.type, "DM");

  const said = [];
  for (const transports of [["polling", "websocket"], ["websocket"], ["polling"]]) {
    const connection = await connect(transports, user);
    const authenticated = await connection.until("authenticated");
    assert.equal(authenticated.entityId, user);
    connection.socket.emit("message", { type: 1, payload: { channelId: channel.id, roomId: channel.id, entityId: user } });
    await connection.until("channel_joined", (j) => j.channelId === channel.id);
    await connection.until("room_joined", (j) => j.roomId === channel.id);
    const { asked, reply } = await exchange(connection, channel, user, agent, said.length ? `Hello again, over ${transports}` : "Hello");
    said.push(asked, reply);
    connection.socket.close();
  }

  const { messages } = await api.messaging.getChannelMessages(channel.id, { limit: 50 });
  assert.deepEqual(messages.map((m) => m.id).reverse(), said.map((m) => m.id));
  assert.deepEqual(messages.map((m) => m.content).reverse(), said.map((m) => m.text));
  writeFileSync(stateFile, JSON.stringify({ agent, user, channel, said: said.map((m) => ({ id: m.id, text: m.text })) }));
  return { agent: agent.name, messages: messages.length, reply: said[1].text };
}

async function interrupt() {
  const state = JSON.parse(readFileSync(stateFile, "utf8"));
  const { agent, user, channel } = state;
  const connection = await connect(["websocket"], user);
  connection.socket.emit("1", { channelId: channel.id, entityId: user });
  await connection.until("channel_joined");
  const messageId = sendTo(connection, channel, user, agent, "What can you do? Tell me all of it.");
  const ack = await connection.until("messageAck", (a) => a.clientMessageId === messageId);
  await connection.until("messageStreamChunk");
  assert.ok(!connection.events.some((e) => e.name === "messageComplete"), "the answer is still being written");
  writeFileSync(stateFile, JSON.stringify({ ...state, unanswered: ack.messageId }));
  return { unanswered: ack.messageId };
}

async function after() {
  const { agent, user, channel, said, unanswered } = JSON.parse(readFileSync(stateFile, "utf8"));
  assert.equal((await firstAgent()).id, agent.id, "the agent runs again");
  const again = await api.messaging.getOrCreateDmChannel({ participantIds: [user, agent.id] });
  assert.equal(again.id, channel.id);
  const history = async () => (await api.messaging.getChannelMessages(channel.id, { limit: 100 })).messages.reverse();
  const answers = (messages) => messages.filter((m) => m.inReplyToRootMessageId === unanswered);
  const deadline = Date.now() + PATIENCE_MS;
  let messages = await history();
  while (answers(messages).length === 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    messages = await history();
  }
  assert.deepEqual(messages.slice(0, said.length).map((m) => ({ id: m.id, text: m.content })), said, "nothing acknowledged is lost");
  assert.equal(answers(messages).length, 1, "the message of the kill is answered once");

  const connection = await connect(["polling", "websocket"], user);
  connection.socket.emit("join_channel", { channelId: channel.id, entityId: user });
  await connection.until("channel_joined");
  await exchange(connection, channel, user, agent, "Are you still there?");
  messages = await history();
  assert.equal(answers(messages).length, 1, "and not a second time");
  return { messages: messages.length };
}
