// Events in both directions: their order, their data, and those that may be lost.

import assert from "node:assert/strict";

import { ask, check, next } from "./support.mjs";

check("false arrives as false", async ({ open }) => {
  const socket = open();
  socket.emit("false");
  assert.equal((await next(socket, "false"))[0], false);
});

check("text arrives whole, and in order", async ({ open }) => {
  const socket = open();
  const got = [];
  const all = new Promise((resolve) => socket.on("takeUtf8", (text) => got.push(text) === 5 && resolve()));
  socket.emit("getUtf8");
  await all;
  assert.deepEqual(got, ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]);
});

check("a date arrives as text", async ({ open }) => {
  const socket = open();
  socket.emit("getDate");
  assert.equal(typeof (await next(socket, "takeDate"))[0], "string");
});

check("a date in an object arrives as text", async ({ open }) => {
  const socket = open();
  socket.emit("getDateObj");
  assert.equal(typeof (await next(socket, "takeDateObj"))[0].date, "string");
});

check("bytes arrive", async ({ open }) => {
  const socket = open();
  socket.io.engine.binaryType = "arraybuffer";
  socket.emit("doge");
  const [data] = await next(socket, "doge");
  assert.ok(data instanceof ArrayBuffer);
  assert.equal(Buffer.from(data).toString(), "asdfasdf");
});

const bytes = (text) => Uint8Array.from(Buffer.from(text)).buffer;

for (const [what, events, answer] of [
  ["bytes", [["buffa", bytes("asdfasdf")]], "buffack"],
  ["bytes in an object", [["jsonbuff", { hello: "lol", message: bytes("howdy"), goodbye: "gotcha" }]], "jsonbuff-ack"],
  ["bytes and then text", [["abuff1", bytes("abuff1")], ["abuff2", "please arrive second"]], "abuff2-ack"],
]) {
  check(`sends ${what}`, async ({ open }) => {
    const socket = open();
    const answered = next(socket, answer);
    for (const event of events) socket.emit(...event);
    await answered;
  });
}

check("events from before and after connecting keep their order", async ({ open }) => {
  const socket = open("/", { autoConnect: false });
  const order = [];
  const second = new Promise((resolve) => {
    socket.on("connect", () => socket.emit("echo", "second", (text) => resolve(order.push(text))));
  });
  socket.emit("echo", "first", (text) => order.push(text));
  socket.connect();
  await second;
  assert.deepEqual(order, ["first", "second"]);
}, { since: 4 });

check("names of the library's own events cannot be sent", async ({ open }) => {
  const socket = open("/no");
  assert.throws(() => socket.emit("disconnecting", "goodbye"), /"disconnecting" is a reserved event name/);
});

for (const compress of [true, false]) {
  check(`compression can be ${compress ? "left on" : "switched off"}`, async ({ open }) => {
    const socket = open();
    await next(socket, "connect");
    const packet = next(socket.io.engine, "packetCreate");
    const answered = next(socket, "hi");
    (compress ? socket : socket.compress(false)).emit("hi");
    assert.equal((await packet)[0].options.compress, compress);
    await answered;
  });
}

check("a volatile event is dropped before the connection", async ({ open }) => {
  const socket = open("/", { autoConnect: false });
  let answered = false;
  socket.volatile.emit("getId", () => (answered = true));
  const id = ask(socket, "getId");
  socket.connect();
  await id;
  assert.equal(answered, false);
});

check("a volatile event is dropped behind another", async ({ open }) => {
  const socket = open();
  await next(socket, "connect");
  const id = ask(socket, "getId");
  let answered = false;
  socket.volatile.emit("getId", () => (answered = true));
  await id;
  await ask(socket, "getId");
  assert.equal(answered, false);
});

check("a volatile event is sent when it can be", async ({ open }) => {
  const socket = open();
  let interval;
  await new Promise((resolve) => {
    interval = setInterval(() => socket.volatile.emit("getId", resolve), 200);
  });
  clearInterval(interval);
});
