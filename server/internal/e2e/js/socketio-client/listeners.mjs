// Listeners of all inbound and outbound events.

import assert from "node:assert/strict";

import { check, next } from "./support.mjs";

/** Waits until all listeners of an event have run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const incoming = { on: "onAny", prepend: "prependAny", off: "offAny", list: "listenersAny" };
const outgoing = { on: "onAnyOutgoing", prepend: "prependAnyOutgoing", off: "offAnyOutgoing", list: "listenersAnyOutgoing" };

check("any event that comes is seen", async ({ open }) => {
  const socket = open("/abc");
  const seen = new Promise((resolve) => socket.onAny((...event) => resolve(event)));
  const [name, handshake] = await seen;
  assert.equal(name, "handshake");
  assert.equal(typeof handshake, "object");
});

for (const [what, data] of [["text", "123"], ["bytes", Uint8Array.of(1, 2, 3)]]) {
  check(`any event that goes is seen: ${what}`, async ({ open }) => {
    const socket = open("/abc");
    await next(socket, "connect");
    const seen = new Promise((resolve) => socket.onAnyOutgoing((...event) => resolve(event)));
    socket.emit("my-event", data);
    assert.deepEqual(await seen, ["my-event", data]);
  }, { since: 4 });
}

for (const [way, verbs, since] of [["comes", incoming, 3], ["goes", outgoing, 4]]) {
  const provoke = (socket) => {
    const event = next(socket, "handshake");
    if (way === "goes") socket.emit("my-event", "123");
    return event.then(settled);
  };

  check(`listeners to what ${way} can be put in front`, async ({ open }) => {
    const socket = open("/abc");
    const order = [];
    socket[verbs.on](() => order.push("last"));
    socket[verbs.prepend](() => order.push("middle"));
    socket[verbs.prepend](() => order.push("first"));
    await provoke(socket);
    assert.deepEqual(order, ["first", "middle", "last"]);
  }, { since });

  check(`listeners to what ${way} can be removed`, async ({ open }) => {
    const socket = open("/abc");
    const order = [];
    const removed = () => order.push("removed");
    socket[verbs.on](removed);
    socket[verbs.off](removed);
    assert.equal(socket[verbs.list]().length, 0);
    socket[verbs.on](() => order.push("kept"));
    await provoke(socket);
    assert.deepEqual(order, ["kept"]);
  }, { since });
}
