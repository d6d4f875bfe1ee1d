// The messaging service, for messages: 9 of its methods.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { NOBODY, ids, isId, isNow, refused, until } from "./scene.mjs";

export const messages = {
  async postMessage(s) {
    const talk = await s.newTalk();
    const posted = await talk.me.messaging.postMessage(talk.id, "Grüße, Eliza ☕", { mood: "fine", tags: ["a", "b"] });
    isId(posted.id);
    assert.deepEqual([posted.channelId, posted.authorId, posted.content, posted.metadata.mood], [talk.id, talk.user, "Grüße, Eliza ☕", "fine"]);
    isNow(posted.createdAt);
    isNow(posted.updatedAt);
    const reply = await s.replyTo(talk, posted.id);
    assert.ok(reply.content.length > 0);
    isNow(reply.createdAt);
    const anonymous = await s.api.messaging.postMessage((await s.newGroup()).id, "Who am I?", {});
    isId(anonymous.authorId);
    await refused(s.api.messaging.postMessage(talk.id, "", {}), 400, "VALIDATION_ERROR");
    const unheard = await talk.me.messaging.postMessage(randomUUID(), "Is this a new channel?", {});
    assert.equal((await s.api.messaging.getChannelDetails(unheard.channelId)).type, "GROUP", "an unknown channel is made");
  },

  async getChannelMessages(s) {
    const talk = await s.newTalk();
    const first = await s.exchange(talk, "One");
    const second = await s.exchange(talk, "Two");
    const all = [second.reply, second.asked, first.reply, first.asked];
    const read = async (params) => (await s.api.messaging.getChannelMessages(talk.id, params)).messages;
    assert.deepEqual(ids(await read()), ids(all), "newest first");
    assert.deepEqual((await read()).map((m) => m.content), all.map((m) => m.content));
    assert.deepEqual(ids(await read({ limit: 2 })), ids(all.slice(0, 2)));
    assert.deepEqual(await read({ before: new Date(0) }), []);
    assert.deepEqual(ids(await read({ before: new Date(Date.now() + 60_000) })), ids(all));
    assert.deepEqual(await read({ after: new Date(Date.now() + 60_000).toISOString() }), []);
    assert.deepEqual(ids(await read({ after: new Date(first.asked.createdAt).toISOString() })).at(0), second.reply.id);
    assert.deepEqual((await s.api.messaging.getChannelMessages(NOBODY)).messages, []);
    await refused(s.api.messaging.getChannelMessages("x"), 400, "INVALID_ID");
  },

  async getMessage(s) {
    const talk = await s.newTalk();
    const { asked, reply } = await s.exchange(talk, "What is your name?");
    const [mine, theirs] = [await s.api.messaging.getMessage(asked.id), await s.api.messaging.getMessage(reply.id)];
    assert.deepEqual([mine.content, mine.authorId, mine.channelId], ["What is your name?", talk.user, talk.id]);
    assert.deepEqual([theirs.content, theirs.authorId, theirs.inReplyToRootMessageId], [reply.content, s.agent.id, asked.id]);
    isNow(theirs.createdAt);
    await refused(s.api.messaging.getMessage(NOBODY), 404, "NOT_FOUND");
    await refused(s.api.messaging.getMessage("x"), 400, "INVALID_ID");
  },

  async updateMessage(s) {
    const group = await s.newGroup();
    const posted = await group.me.messaging.postMessage(group.id, "helo", {});
    const edited = await group.me.messaging.updateMessage(posted.id, "hello");
    assert.deepEqual([edited.id, edited.content, edited.metadata.edited], [posted.id, "hello", true]);
    assert.equal((await s.api.messaging.getMessage(posted.id)).content, "hello");
    await refused(s.as(randomUUID()).messaging.updateMessage(posted.id, "mine"), 403, "FORBIDDEN");
    await refused(group.me.messaging.updateMessage(posted.id, ""), 400, "INVALID_REQUEST");
    await refused(group.me.messaging.updateMessage(NOBODY, "x"), 404, "NOT_FOUND");
  },

  async deleteMessage(s) {
    const group = await s.newGroup();
    const [kept, gone] = [await group.me.messaging.postMessage(group.id, "stay", {}), await group.me.messaging.postMessage(group.id, "go", {})];
    assert.deepEqual(await group.me.messaging.deleteMessage(group.id, gone.id), { success: true });
    assert.deepEqual(ids((await s.api.messaging.getChannelMessages(group.id)).messages), [kept.id]);
    await refused(s.api.messaging.getMessage(gone.id), 404, "NOT_FOUND");
    const elsewhere = await s.newGroup();
    await group.me.messaging.deleteMessage(elsewhere.id, kept.id);
    assert.equal((await s.api.messaging.getMessage(kept.id)).content, "stay", "it is no message of that channel");
    await refused(group.me.messaging.deleteMessage(group.id, "x"), 400, "INVALID_ID");
  },

  async searchMessages(s) {
    const group = await s.newGroup();
    const word = `zebrafish${Date.now()}`;
    const [first, second] = [await group.me.messaging.postMessage(group.id, `A ${word} swims`, {}), await group.me.messaging.postMessage(group.id, `Another ${word}`, {})];
    await group.me.messaging.postMessage(group.id, "Something else", {});
    const find = async (params) => ids((await s.api.messaging.searchMessages({ query: word, ...params })).messages);
    assert.deepEqual((await find({})).sort(), [first.id, second.id].sort());
    assert.deepEqual((await find({ channelId: group.id, authorId: group.user, from: new Date(0), to: new Date(Date.now() + 60_000) })).length, 2);
    assert.deepEqual(await find({ authorId: NOBODY }), []);
    assert.equal((await find({ limit: 1 })).length, 1);
    assert.equal((await find({ limit: 1, offset: 1 })).length, 1);
    await refused(s.api.messaging.searchMessages({}), 400, "VALIDATION_ERROR");
  },

  async submitMessage(s) {
    const group = await s.newGroup(s.agent.id);
    const asked = await group.me.messaging.postMessage(group.id, "Anybody here?", {});
    const said = await s.api.messaging.submitMessage({
      agentId: s.agent.id, channelId: group.id, content: "An answer from elsewhere", inReplyToMessageId: asked.id, metadata: { thought: "greet" },
    });
    assert.deepEqual([said.authorId, said.channelId, said.content, said.inReplyToRootMessageId], [s.agent.id, group.id, "An answer from elsewhere", asked.id]);
    isNow(said.createdAt);
    assert.equal((await s.api.messaging.getMessage(said.id)).metadata.thought, "greet");
    await refused(s.api.messaging.submitMessage({ agentId: s.agent.id, channelId: NOBODY, content: "x" }), 404, "NOT_FOUND");
    await refused(s.api.messaging.submitMessage({ agentId: s.agent.id, channelId: group.id, content: "" }), 400, "INVALID_REQUEST");
  },

  async completeMessage(s) {
    const group = await s.newGroup();
    const asked = await group.me.messaging.postMessage(group.id, "Are you done?", {});
    assert.equal((await s.api.messaging.completeMessage({ messageId: asked.id, status: "completed" })).success, true);
    assert.equal((await s.api.messaging.completeMessage({ messageId: asked.id, status: "failed", error: "no network" })).success, true);
    await refused(s.api.messaging.completeMessage({ messageId: NOBODY, status: "completed" }), 404, "NOT_FOUND");
  },

  async ingestExternalMessages(s) {
    const talk = await s.newTalk();
    const external = {
      platform: "telegram", channelId: talk.id,
      messages: [1, 2].map((n) => ({ id: `${talk.id}-${n}`, authorId: "u1", content: `From afar ${n}`, timestamp: 1_700_000_000_000 + n, metadata: { n } })),
    };
    assert.equal((await s.api.messaging.ingestExternalMessages(external)).processed, 2);
    assert.equal((await s.api.messaging.ingestExternalMessages(external)).processed, 2, "a repetition is fine");
    const stored = await until("the answers", async () => {
      const { messages } = await s.api.messaging.getChannelMessages(talk.id);
      return messages.length === 4 && messages;
    });
    const heard = stored.filter((m) => m.sourceType === "telegram").toReversed();
    assert.deepEqual(heard.map((m) => [m.content, m.metadata.n]), [["From afar 1", 1], ["From afar 2", 2]]);
    await refused(s.api.messaging.ingestExternalMessages({ ...external, channelId: "-100" }), 404, "NOT_FOUND");
  },
};
