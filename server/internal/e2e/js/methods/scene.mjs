// What the cases share: users, agents and channels, and functions that check the results.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { ApiError } from "./published.mjs";

const PATIENCE_MS = 120_000; // spent only where a test fails
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Names a message server in a new channel, as the client does now and as it did before 1.6.5. */
export const onServer = (id) => ({ messageServerId: id, serverId: id });

/** An unused id. */
export const NOBODY = "deadbeef-dead-4ead-8ead-deadbeefdead";

/** A server under test, its default agent, and clients for it. */
export class Scene {
  static async of(watch) {
    const scene = new Scene();
    scene.url = watch.url;
    scene.as = (user) => watch.client(user);
    scene.api = scene.as();
    scene.agent = (await scene.api.agents.listAgents()).agents[0];
    return scene;
  }

  /** Makes an agent, and starts it. */
  async newAgent(name) {
    const { id } = await this.api.agents.createAgent({ agent: { name, bio: `${name} keeps the minutes.` } });
    await this.api.agents.startAgent(id);
    return id;
  }

  /** Makes a group of a new user and some agents. `me` is a client of that user. */
  async newGroup(...agents) {
    const user = randomUUID();
    const group = await this.api.messaging.createGroupChannel({ name: `Group of ${user}`, participantIds: [user, ...agents] });
    return { ...group, user, me: this.as(user) };
  }

  /** Makes a channel in which all messages of a new user are for the default agent. */
  async newTalk() {
    const user = randomUUID();
    const dm = await this.api.messaging.getOrCreateDmChannel({ participantIds: [user, this.agent.id] });
    return { ...dm, user, me: this.as(user) };
  }

  /** Sends a message and waits for its answer. */
  async exchange(talk, text, agent = this.agent.id) {
    const asked = await talk.me.messaging.postMessage(talk.id, text, {});
    return { asked, reply: await this.replyTo(talk, asked.id, agent) };
  }

  /** Waits for an agent's answer to a message. */
  replyTo(talk, messageId, agent = this.agent.id) {
    return until(`an answer to ${messageId}`, async () => {
      const { messages } = await talk.me.messaging.getChannelMessages(talk.id, { limit: 100 });
      return messages.find((m) => m.inReplyToRootMessageId === messageId && m.authorId === agent);
    });
  }

  /** Waits for the end of the run that a message caused. */
  runOf(messageId) {
    return until(`the end of the run for ${messageId}`, async () => {
      const response = await fetch(new URL(`/api/agents/${this.agent.id}/runs?limit=100`, this.url)); // older clients don't have it
      return (await response.json()).data.runs.find((run) => run.messageId === messageId && run.status !== "started");
    });
  }

  /** Reads a file of this server. */
  async download(path) {
    const response = await fetch(new URL(path, this.url));
    return { status: response.status, type: response.headers.get("content-type"), bytes: Buffer.from(await response.arrayBuffer()) };
  }
}

/** Polls until there is an answer. */
export async function until(what, ask) {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${what} does not come`);
}

/** Checks that a call is refused with a status and a code. */
export async function refused(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ApiError, `refused by ${error}`);
    assert.deepEqual({ status: error.status, code: error.code }, { status, code }, error.message);
    return true;
  });
}

/** Checks that a value is an id. */
export function isId(value) {
  assert.match(value, UUID);
}

/** Checks that a value is a time of this test, in whatever form JavaScript reads. */
export function isNow(value) {
  const time = new Date(value).getTime();
  assert.ok(Math.abs(Date.now() - time) < 10 * 60_000, `${value} is not now`);
}

/** Checks that a value holds its fields and, as the client's types have it, the same again under success and data. */
export function isTwice({ success, data, ...fields }) {
  assert.deepEqual([success, data], [true, fields]);
}

export const ids = (list) => list.map(({ id }) => id);
