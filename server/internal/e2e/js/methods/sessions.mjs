// The sessions service: 8 methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { NOBODY, ids, isId, isNow, refused, until } from "./scene.mjs";

async function newSession(s, params) {
  const userId = randomUUID();
  const session = await s.as(userId).sessions.createSession({ agentId: s.agent.id, userId, ...params });
  return { ...session, id: session.sessionId, userId, me: s.as(userId).sessions };
}

/** Waits until a session has a number of messages. */
const history = (session, count) =>
  until(`message ${count} of the session`, async () => {
    const { messages } = await session.me.getMessages(session.id);
    return messages.length >= count && messages;
  });

export const sessions = {
  async checkHealth(s) {
    const session = await newSession(s);
    const health = await s.api.sessions.checkHealth();
    assert.equal(health.status, "healthy");
    isNow(health.timestamp);
    assert.ok(health.activeSessions >= 1 && health.uptime >= 0 && health.expiringSoon >= 0, JSON.stringify(health));
    await session.me.deleteSession(session.id);
    assert.equal((await s.api.sessions.checkHealth()).activeSessions, health.activeSessions - 1);
  },

  async createSession(s) {
    const userId = randomUUID();
    const made = await s.api.sessions.createSession({
      agentId: s.agent.id, userId, metadata: { platform: "web", username: "Ada" }, timeoutConfig: { timeoutMinutes: 45, autoRenew: false },
    });
    isId(made.sessionId);
    isNow(made.createdAt);
    assert.deepEqual([made.agentId, made.userId, made.metadata.username], [s.agent.id, userId, "Ada"]);
    assert.deepEqual([made.timeoutConfig.timeoutMinutes, made.timeoutConfig.autoRenew], [45, false]);
    const minutes = (new Date(made.expiresAt) - new Date(made.createdAt)) / 60_000;
    assert.ok(Math.abs(minutes - 45) < 0.1, `it lives for ${minutes} minutes`);
    await refused(s.api.sessions.createSession({ agentId: NOBODY, userId }), 404, "AGENT_NOT_FOUND");
    await refused(s.api.sessions.createSession({ agentId: s.agent.id }), 400, "INVALID_REQUEST");
    await refused(s.api.sessions.createSession({ agentId: s.agent.id, userId: "me" }), 400, "INVALID_REQUEST");
  },

  async getSession(s) {
    const session = await newSession(s, { metadata: { page: "help" } });
    const got = await session.me.getSession(session.id);
    assert.deepEqual([got.sessionId, got.agentId, got.userId, got.metadata.page, got.renewalCount], [session.id, s.agent.id, session.userId, "help", 0]);
    for (const time of [got.createdAt, got.lastActivity]) isNow(time);
    assert.ok(got.timeRemaining > 29 * 60_000 && got.isNearExpiration === false);
    await refused(session.me.getSession(NOBODY), 404, "SESSION_NOT_FOUND");
    await assert.rejects(session.me.getSession(" "), { message: "sessionId is required and cannot be empty" });
  },

  async sendMessage(s) {
    const session = await newSession(s);
    const sent = await session.me.sendMessage(session.id, { content: "Hello", metadata: { mood: "fine" }, attachments: [{ type: "image", url: "https://example.com/cat.png", name: "cat" }] });
    isId(sent.id);
    isNow(sent.createdAt);
    assert.deepEqual([sent.success, sent.content, sent.authorId, sent.userMessage.id], [true, "Hello", session.userId, sent.id]);
    assert.equal(sent.sessionStatus.renewalCount, 1);
    const [reply, mine] = await history(session, 2);
    assert.deepEqual([mine.id, mine.metadata.attachments[0].url, reply.isAgent, reply.authorId], [sent.id, "https://example.com/cat.png", true, s.agent.id]);

    // The client doesn't read streams; it waits for the end of one, when the answer is stored.
    assert.deepEqual(await session.me.sendMessage(session.id, { content: "And as a stream?", transport: "sse" }), { success: true });
    const [answer, question] = (await session.me.getMessages(session.id)).messages;
    assert.deepEqual([question.content, answer.isAgent], ["And as a stream?", true]);
    await session.me.sendMessage(session.id, { content: "x".repeat(200_000) });
    await refused(session.me.sendMessage(session.id, { content: "x".repeat(200_001) }), 400, "VALIDATION_ERROR");
    await refused(session.me.sendMessage(session.id, { content: "x", transport: "pigeon" }), 400, "INVALID_REQUEST");
    await refused(session.me.sendMessage(NOBODY, { content: "x" }), 404, "SESSION_NOT_FOUND");
  },

  async sendMessageSync(s) {
    const session = await newSession(s);
    const sent = await session.me.sendMessageSync(session.id, { content: "What can you do?" });
    assert.deepEqual([sent.content, sent.authorId, sent.userMessage.content], ["What can you do?", session.userId, "What can you do?"]);
    assert.ok(sent.agentResponse.text.length > 0);
    const { messages } = await session.me.getMessages(session.id);
    assert.deepEqual(messages.map((m) => [m.content, m.isAgent]), [[sent.agentResponse.text, true], ["What can you do?", false]]);
    await refused(session.me.sendMessageSync(NOBODY, { content: "x" }), 404, "SESSION_NOT_FOUND");
  },

  async getMessages(s) {
    const session = await newSession(s);
    for (const content of ["One", "Two", "Three"]) await session.me.sendMessage(session.id, { content, transport: "http" });
    const all = await session.me.getMessages(session.id);
    assert.deepEqual([all.messages.length, all.hasMore], [6, false]);
    for (const m of all.messages) {
      isId(m.id);
      isNow(m.createdAt);
    }
    const page = await session.me.getMessages(session.id, { limit: 2 });
    assert.deepEqual([ids(page.messages), page.hasMore], [ids(all.messages.slice(0, 2)), true]);
    const rest = await session.me.getMessages(session.id, { before: new Date(page.cursors.before) });
    assert.equal(rest.messages.at(-1).id, all.messages.at(-1).id);
    assert.ok(!ids(rest.messages).includes(all.messages[0].id));
    assert.deepEqual((await session.me.getMessages(session.id, { after: new Date(Date.now() + 60_000) })).messages, []);
    assert.deepEqual(ids((await session.me.getMessages(session.id, { after: new Date(all.messages[2].createdAt), limit: 100 })).messages).slice(0, 2), ids(all.messages.slice(0, 2)));
    await refused(session.me.getMessages(NOBODY), 404, "SESSION_NOT_FOUND");
  },

  async deleteSession(s) {
    const session = await newSession(s);
    assert.equal((await session.me.deleteSession(session.id)).success, true);
    await refused(session.me.getSession(session.id), 404, "SESSION_NOT_FOUND");
    await refused(session.me.sendMessage(session.id, { content: "Hello?" }), 404, "SESSION_NOT_FOUND");
    await refused(session.me.deleteSession(session.id), 404, "SESSION_NOT_FOUND");
  },

  async listSessions(s) {
    const session = await newSession(s);
    const own = await session.me.listSessions();
    assert.deepEqual([own.total, own.sessions.length, own.stats.activeSessions, own.sessions[0].sessionId], [1, 1, 1, session.id]);
    isNow(own.sessions[0].lastActivity);
    assert.ok((await s.api.sessions.listSessions()).sessions.some((x) => x.sessionId === session.id));
    assert.equal((await s.as(randomUUID()).sessions.listSessions()).total, 0);
  },
};
