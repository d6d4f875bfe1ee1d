// Sends more than a thousand messages from one address to a server with default limits, over REST, a bridge and a socket, and
// counts the results: accepted messages are answered, refusals say when to try again, and the agent's own messages don't
// count against the limits.
//
//   node limits.mjs --url URL
//
// It prints one line of JSON and exits with 0, or says what went wrong and exits with 1.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

import { ApiError, ElizaClient } from "@elizaos/api-client";
import { io } from "socket.io-client";

const PATIENCE_MS = 120_000;
const REQUESTS = 1000; // that one address may make in a quarter of an hour
const CHANNELS = 10;
const BRIDGED = 40; // messages of each of two requests
const OVER_SOCKET = 45; // of 60 events in a minute, less those that join the channels

const { url } = parseArgs({ options: { url: { type: "string" } } }).values;
const api = ElizaClient.create({ baseUrl: url });

/** The result of each message, by its id: the ends that were announced, and the answers that were received. */
const ends = new Map();
const answers = new Map();
const note = (map, id, what) => map.set(id, [...(map.get(id) ?? []), what]);

const agent = (await api.agents.listAgents()).agents[0];
const talks = [];
for (let i = 0; i < CHANNELS; i++) {
  const user = randomUUID();
  const { id } = await api.messaging.getOrCreateDmChannel({ participantIds: [user, agent.id] });
  talks.push({ id, user, me: ElizaClient.create({ baseUrl: url, headers: { "X-Entity-Id": user } }).messaging });
}
let requests = 1 + CHANNELS;

const socket = io(url, { transports: ["websocket"], auth: { entityId: talks[0].user }, reconnection: false });
socket.on("messageComplete", (e) => note(ends, e.messageId, e.status));
socket.on("messageBroadcast", (m) => m.senderId === agent.id && note(answers, m.inReplyToMessageId, m.text));
await event("connection_established");
for (const { id } of talks) {
  const joined = event("channel_joined", (j) => j.channelId === id);
  socket.emit("1", { channelId: id, entityId: talks[0].user });
  await joined;
}

const accepted = await overBridge();
accepted.push(...(await overREST()));
await limitIsTold();
const { heard, wait } = await overSocket();
accepted.push(...heard);
assert.ok(accepted.length >= 1100, `${accepted.length} messages were accepted`);
assert.equal(new Set(accepted).size, accepted.length);
await allAnswered();

await new Promise((resolve) => setTimeout(resolve, wait));
const last = await say(talks[0], "Are you still there?");
assert.ok(last.messageId, `the last message is refused: ${JSON.stringify(last)}`);
accepted.push(last.messageId);
await allAnswered();
socket.close();
console.log(JSON.stringify({ ok: true, accepted: accepted.length, answered: answers.size, requests }));
process.exit(0);

/** Messages from another platform, many to a request. */
async function overBridge() {
  const ids = [];
  for (const { id } of talks.slice(0, 2)) {
    const messages = Array.from({ length: BRIDGED }, (_, i) => ({ id: `${id}-${i}`, authorId: "visitor", content: `Message ${i} from afar`, timestamp: Date.now() }));
    const { messageIds } = await api.messaging.ingestExternalMessages({ platform: "telegram", channelId: id, messages });
    ids.push(...messageIds);
    requests++;
  }
  assert.equal(ids.length, 2 * BRIDGED);
  return ids;
}

/** Eight users send until the limit of the address is reached, and some more. */
async function overREST() {
  const [ids, refusals] = [[], []];
  const visitor = async () => {
    while (requests < REQUESTS + 50) {
      const n = requests++;
      const talk = talks[n % CHANNELS];
      await talk.me.postMessage(talk.id, `Message ${n}`, {}).then(({ id }) => ids.push(id), (error) => refusals.push(error));
    }
  };
  await Promise.all(Array.from({ length: 8 }, visitor));
  assert.ok(ids.length >= REQUESTS - 1 - CHANNELS - 2, `only ${ids.length} messages within the limit are accepted`);
  for (const error of refusals) {
    assert.ok(error instanceof ApiError, `refused by ${error}`);
    assert.deepEqual([error.status, error.code], [429, "RATE_LIMIT_EXCEEDED"], error.message);
  }
  assert.ok(refusals.length > 0, "the limit is none");
  return ids;
}

/** A request beyond the limit learns how long to wait. */
async function limitIsTold() {
  const response = await fetch(`${url}/api/agents`);
  const { success, error } = await response.json();
  assert.deepEqual([response.status, success, error.code], [429, false, "RATE_LIMIT_EXCEEDED"]);
  const [after, remaining] = ["retry-after", "ratelimit-remaining"].map((name) => Number(response.headers.get(name)));
  assert.ok(Number.isInteger(after) && after >= 1 && after <= 900, `Retry-After: ${response.headers.get("retry-after")}`);
  assert.equal(remaining, 0);
}

/** The same address continues over a socket, beyond the limit of that. */
async function overSocket() {
  const outcomes = [];
  for (let i = 0; i < 2 * OVER_SOCKET; i++) outcomes.push(await say(talks[i % CHANNELS], `Message ${i} over the socket`));
  const refused = outcomes.filter((o) => !o.messageId);
  assert.ok(outcomes.slice(0, OVER_SOCKET).every((o) => o.messageId), "everything within the limit is accepted");
  assert.ok(refused.length > 0, "the limit is none");
  for (const o of refused) {
    assert.equal(o.code, "RATE_LIMIT_EXCEEDED");
    assert.ok(o.retryAfter > 0, JSON.stringify(o));
  }
  return { heard: outcomes.filter((o) => o.messageId).map((o) => o.messageId), wait: refused.at(-1).retryAfter * 1000 };
}

/** Sends a message over the socket and returns the acknowledgement, or the refusal. */
async function say(talk, text) {
  const messageId = randomUUID();
  const outcome = Promise.race([event("messageAck", (a) => a.clientMessageId === messageId), event("messageError")]);
  socket.emit("message", {
    type: 2,
    payload: { channelId: talk.id, senderId: talk.user, senderName: "Ada", message: text, messageId, source: "client_chat", metadata: { channelType: "DM", isDm: true } },
  });
  return outcome;
}

/** Every message that was accepted has one end and one answer. */
async function allAnswered() {
  const missing = () => accepted.filter((id) => !ends.has(id) || !answers.has(id));
  for (const deadline = Date.now() + PATIENCE_MS; missing().length > 0 && Date.now() < deadline; ) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(missing(), [], `${missing().length} of ${accepted.length} messages are not answered`);
  for (const id of accepted) {
    assert.deepEqual(ends.get(id), ["replied"]);
    assert.equal(answers.get(id).length, 1, `the answers to ${id}`);
  }
}

/** Waits for a matching event. */
function event(name, fits = () => true) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${name}`)), PATIENCE_MS);
    const look = (payload) => {
      if (!fits(payload)) return;
      clearTimeout(timer);
      socket.off(name, look);
      resolve(payload);
    };
    socket.on(name, look);
  });
}
