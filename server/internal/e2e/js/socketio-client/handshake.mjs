// What a client presents when it connects, and how it is refused.

import assert from "node:assert/strict";

import { ask, check, count, next, pass } from "./support.mjs";

const handshakeOf = (socket) => ask(socket, "getHandshake");
const announced = async (socket) => (await next(socket, "handshake"))[0];

for (const [what, path, query, read, wanted] of [
  ["an object, main namespace", "/", { e: "f" }, handshakeOf, { e: "f" }],
  ["in the URL, main namespace", "/?c=d", undefined, handshakeOf, { c: "d" }],
  ["an object, custom namespace", "/abc", { a: "b" }, announced, { a: "b" }],
  ["in the URL, custom namespace", "/abc?b=c&d=e", undefined, announced, { b: "c", d: "e" }],
  ["special characters", "/abc", { "&a": "&=?a" }, announced, { "&a": "&=?a" }],
]) {
  check(`query: ${what}`, async ({ open }) => {
    const { query: got } = await read(open(path, query && { query }));
    for (const [key, value] of Object.entries(wanted)) assert.equal(got[key], value);
  });
}

for (const [what, auth, wanted] of [
  ["an object", { a: "b", c: "d" }, { a: "b", c: "d" }],
  ["a function", (present) => present({ e: "f" }), { e: "f" }],
]) {
  check(`auth: ${what}`, async ({ open }) => {
    const handshake = await announced(open("/abc", { auth }));
    assert.deepEqual(handshake.auth, wanted);
    for (const key of Object.keys(wanted)) assert.equal(handshake.query[key], undefined);
  });
}

check("a refusal carries its message", async ({ open }) => {
  const [error] = await next(open("/no"), "connect_error");
  assert.ok(error instanceof Error);
  assert.equal(error.message, "Auth failed (custom namespace)");
});

check("a refused client does not come back by itself", async ({ open }) => {
  const socket = open("/no", { reconnectionDelay: 10 });
  const refusals = count(socket, "connect_error");
  socket.on("connect_error", () => socket.io.engine.close());
  await next(socket, "connect_error");
  await pass();
  assert.equal(refusals.times, 1);
}, { since: 4 });
