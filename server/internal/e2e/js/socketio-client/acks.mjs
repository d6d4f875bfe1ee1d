// Acknowledgements of both sides, their timeouts, and events that are resent until they are acknowledged.

import assert from "node:assert/strict";

import { ask, check, count, next, pass, sentBy } from "./support.mjs";

const AMPLE_MS = 10_000; // for an answer that must arrive

check("the client acknowledges", async ({ open }) => {
  const socket = open();
  socket.on("ack", (answer) => answer(5, { test: true }));
  socket.emit("ack");
  await next(socket, "got it");
});

check("the server acknowledges with a date", async ({ open }) => {
  assert.equal(typeof (await ask(open(), "getAckDate", { test: true })), "string");
});

check("the server acknowledges, as a promise", async ({ open }) => {
  assert.equal(await open().emitWithAck("echo", 123), 123);
}, { since: 4 });

/** Emits with a callback and returns its arguments. */
const reply = (emitter, ...event) => new Promise((resolve) => emitter.emit(...event, (...args) => resolve(args)));

check("timeout: without a connection", async ({ open }) => {
  const socket = open("/", { autoConnect: false });
  const [error] = await reply(socket.timeout(50), "event");
  assert.ok(error instanceof Error);
  assert.deepEqual(socket.sendBuffer, []);
}, { since: 4 });

check("timeout: the server does not answer", async ({ open }) => {
  const [error] = await reply(open().timeout(50), "unknown");
  assert.ok(error instanceof Error);
}, { since: 4 });

check("timeout: the answer comes too late, and is ignored", async ({ open }) => {
  const socket = open();
  const answers = [];
  socket.timeout(0).emit("echo", 42, (error) => answers.push(error));
  assert.equal(await ask(socket, "echo", 1), 1);
  assert.equal(answers.length, 1);
  assert.ok(answers[0] instanceof Error);
}, { since: 4 });

check("timeout: the answer comes in time", async ({ open }) => {
  assert.deepEqual(await reply(open().timeout(AMPLE_MS), "echo", 42), [null, 42]);
}, { since: 4 });

check("timeout: the server does not answer a promise", async ({ open }) => {
  await assert.rejects(open().timeout(50).emitWithAck("unknown"));
}, { since: 4 });

check("timeout: the answer comes in time for a promise", async ({ open }) => {
  assert.equal(await open().timeout(AMPLE_MS).emitWithAck("echo", 42), 42);
}, { since: 4 });

check("timeout: of every event by default", async ({ open }) => {
  const [error] = await reply(open("/", { ackTimeout: 50 }), "unknown");
  assert.ok(error instanceof Error);
}, { since: 4 });

check("leaving: a plain acknowledgement never comes", async ({ open }) => {
  const socket = open();
  await next(socket, "connect");
  let answered = false;
  socket.emit("echo", "a", () => (answered = true));
  socket.disconnect();
  await pass();
  assert.equal(answered, false);
});

for (const [how, options, emit] of [
  ["with a timeout", {}, (socket) => reply(socket.timeout(AMPLE_MS), "echo", "a")],
  ["with a default timeout", { ackTimeout: AMPLE_MS }, (socket) => reply(socket, "echo", "a")],
  ["as a promise", {}, (socket) => socket.emitWithAck("echo", "a").catch((error) => [error])],
  ["as a promise with a timeout", {}, (socket) => socket.timeout(AMPLE_MS).emitWithAck("echo", "a").catch((error) => [error])],
]) {
  check(`leaving: an acknowledgement ${how} fails`, async ({ open }) => {
    const socket = open("/", options);
    await next(socket, "connect");
    const answer = emit(socket);
    socket.disconnect();
    const [error] = await answer;
    assert.ok(error instanceof Error);
    assert.deepEqual(Object.keys(socket.acks), []);
  }, { since: 4 });
}

check("leaving: an event that was not sent is sent later, and acknowledged", async ({ open }) => {
  const socket = open();
  await next(socket, "connect");
  socket.disconnect();
  const answer = ask(socket, "echo", "a");
  setTimeout(() => socket.connect(), 100);
  assert.equal(await answer, "a");
});

check("retries: one event at a time, in order", async ({ open }) => {
  const socket = open("/", { retries: 1, ackTimeout: AMPLE_MS });
  const sent = sentBy(socket.io.engine);
  const answers = await Promise.all([1, 2, 3].map((n) => reply(socket, "echo", n)));
  assert.deepEqual(answers, [[null, 1], [null, 2], [null, 3]]);
  assert.deepEqual(sent, ["0", '20["echo",1]', '21["echo",2]', '22["echo",3]']);
}, { since: 4 });

check("retries: gives up an event that is never acknowledged", async ({ open }) => {
  const socket = open("/", { retries: 3, ackTimeout: 200 });
  const sent = sentBy(socket.io.engine);
  const received = count(socket, "ack");
  const [error] = await reply(socket, "ack");
  assert.ok(error instanceof Error);
  assert.equal(received.times, 4);
  assert.deepEqual(sent, ["0", '20["ack"]', '21["ack"]', '22["ack"]', '23["ack"]']);
}, { since: 4 });

check("retries: none while there is no connection", async ({ open }) => {
  const socket = open("/", { autoConnect: false, retries: 3, ackTimeout: 1000 });
  const answer = reply(socket, "echo", 1);
  setTimeout(() => socket.connect(), 100);
  assert.deepEqual(await answer, [null, 1]);
}, { since: 4 });

check("retries: an event sent on connecting is sent once", async ({ open }) => {
  const socket = open("/", { retries: 3 });
  const sent = sentBy(socket.io.engine);
  const received = [];
  socket.io.engine.on("packet", ({ data }) => received.push(data));
  socket.on("connect", () => socket.emit("echo", null));
  await next(socket, "connect");
  await pass();
  assert.deepEqual(sent, ["0", '20["echo",null]']);
  assert.equal(received.length, 3, "an open packet, the CONNECT packet and the acknowledgement");
  assert.equal(received[2], "30[null]");
}, { since: 4 });
