// Lost connections, and reconnecting.

import assert from "node:assert/strict";

import { ask, check, count, next, nowhere, pass } from "./support.mjs";

const soon = { reconnectionDelay: 10 };
const inVain = { ...soon, timeout: 0, reconnectionAttempts: 2 }; // no server answers within no time

check("comes back by itself", async ({ open }) => {
  const socket = open("/", soon);
  await next(socket, "connect");
  const back = next(socket.io, "reconnect");
  socket.io.engine.close();
  await back;
});

check("comes back when told", async ({ open }) => {
  const socket = open();
  await next(socket, "connect");
  socket.disconnect();
  socket.connect();
  await next(socket, "connect");
});

check("comes back by itself after it came back when told", async ({ open }) => {
  const socket = open("/", soon);
  await next(socket, "connect");
  socket.disconnect();
  socket.connect();
  await next(socket, "connect");
  const back = next(socket.io, "reconnect");
  socket.io.engine.close();
  await back;
});

check("has no id until it is back", async ({ open }) => {
  const socket = open("/", soon);
  await next(socket, "connect");
  const ids = [];
  for (const event of ["reconnect_attempt", "reconnect"]) socket.io.on(event, () => ids.push(socket.id));
  const back = next(socket, "connect");
  socket.io.engine.close();
  await back;
  assert.deepEqual(ids, [undefined, undefined]);
  assert.equal(await ask(socket, "getId"), socket.id);
});

check("recovers its id and rooms", async ({ open }) => {
  const socket = open("/", soon);
  assert.equal(socket.recovered, false);
  socket.emit("hi");
  await next(socket, "hi"); // brings the offset to recover from
  const { id } = socket;
  socket.io.engine.close();
  await next(socket, "connect");
  assert.equal(socket.id, id);
  assert.equal(socket.recovered, true);
}, { since: 4 });

check("gives up after so many attempts, and does the same when told to try again", async ({ manage }) => {
  const manager = manage(inVain);
  const socket = manager.socket("/timeout");
  await next(manager, "reconnect_failed");
  const attempts = count(manager, "reconnect_attempt");
  const failed = next(manager, "reconnect_failed");
  socket.connect();
  await failed;
  assert.equal(attempts.times, 2);
});

check("waits longer each time", async ({ manage }) => {
  const manager = manage({ timeout: 0, reconnectionAttempts: 3, reconnectionDelay: 100, randomizationFactor: 0.2 });
  const delays = [];
  let lost = 0;
  manager.on("error", () => (lost = performance.now()));
  manager.on("reconnect_attempt", () => delays.push(performance.now() - lost));
  manager.socket("/timeout");
  await next(manager, "reconnect_failed");
  assert.equal(delays.length, 3);
  assert.ok(delays[0] < delays[1] && delays[1] < delays[2], `delays of ${delays} ms`);
});

for (const path of ["/timeout", "/timeout_socket", "/asd"]) {
  check(`numbers its attempts, for ${path}`, async ({ manage }) => {
    const manager = manage(inVain);
    const attempts = [];
    manager.on("reconnect_attempt", (attempt) => attempts.push(attempt));
    manager.socket(path);
    await next(manager, "reconnect_failed");
    assert.deepEqual(attempts, [1, 2]);
  });
}

check("does not come back when it was told to leave", async ({ open }) => {
  const socket = open("/invalid", { ...soon, timeout: 0 });
  await next(socket.io, "error");
  const attempts = count(socket.io, "reconnect_attempt");
  socket.disconnect();
  await pass();
  assert.equal(attempts.times, 0);
});

check("stops coming back when it is told to leave", async ({ open }) => {
  const socket = open("/invalid", { ...soon, timeout: 0 });
  await next(socket.io, "reconnect_attempt");
  const attempts = count(socket.io, "reconnect_attempt");
  socket.disconnect();
  await pass();
  assert.equal(attempts.times, 0);
});

check("goes on coming back when told so after it was told to leave", async ({ open }) => {
  const socket = open("/invalid", { ...soon, timeout: 0 });
  await next(socket.io, "reconnect_attempt");
  const again = next(socket.io, "reconnect_attempt");
  socket.disconnect();
  socket.connect();
  await again;
});

check("one socket stays away, the other comes back", async ({ manage }) => {
  const manager = manage(soon);
  const away = manager.socket("/");
  const back = manager.socket("/asd");
  await Promise.all([next(away, "connect"), next(back, "connect")]);
  const connects = count(away, "connect");
  manager.once("reconnect_attempt", () => away.disconnect());
  manager.engine.close();
  await next(back, "connect");
  await pass(50);
  assert.equal(connects.times, 0);
});

check("has no need to come back from a connection that works", async ({ manage }) => {
  const manager = manage(soon);
  const attempts = count(manager, "reconnect_attempt");
  await next(manager.socket("/valid"), "connect");
  await pass();
  assert.equal(attempts.times, 0);
});

check("stops trying when that is switched off", async ({ manage }) => {
  const manager = manage(soon, await nowhere());
  await next(manager, "reconnect_error");
  manager.reconnection(false);
  const attempts = count(manager, "reconnect_attempt");
  await pass();
  assert.equal(attempts.times, 0);
}, { since: 4 });

check("gives up where nobody listens", async ({ manage }) => {
  const manager = manage({ ...soon, reconnectionAttempts: 2 }, await nowhere());
  const attempts = count(manager, "reconnect_attempt");
  manager.socket("/asd");
  await next(manager, "reconnect_failed");
  assert.equal(attempts.times, 2);
});

check("does not try again if it is not to", async ({ manage }) => {
  const manager = manage({ ...soon, reconnection: false }, await nowhere());
  const attempts = count(manager, "reconnect_attempt");
  manager.socket("/invalid");
  await next(manager, "error");
  await pass();
  assert.equal(attempts.times, 0);
});

check("another namespace meanwhile changes nothing about the attempts", async ({ manage }) => {
  const manager = manage({ ...soon, reconnectionAttempts: 2 }, await nowhere());
  const attempts = count(manager, "reconnect_attempt");
  manager.socket("/room1");
  const failed = next(manager, "reconnect_failed");
  setTimeout(() => manager.socket("/room2"), 10);
  await failed;
  assert.equal(attempts.times, 2);
});

// A program may have put its own timers in place of the platform's; the client uses them unless it is configured not to.
for (const [useNativeTimers, whose] of [[false, "the program's"], [true, "the platform's"]]) {
  check(`waits by ${whose} timers`, async ({ manage }) => {
    const platform = globalThis.setTimeout;
    const asked = [];
    globalThis.setTimeout = (run, ms, ...args) => {
      asked.push(ms);
      return platform(run, ms, ...args);
    };
    try {
      const manager = manage({ useNativeTimers, reconnectionDelay: 77, randomizationFactor: 0 });
      const socket = manager.socket("/foo");
      await next(socket, "connect");
      const back = next(manager, "reconnect_attempt");
      manager.engine.close();
      await back;
    } finally {
      globalThis.setTimeout = platform;
    }
    assert.equal(asked.includes(77), !useNativeTimers);
  }, { since: 4 });
}

check("comes back after a packet that it cannot read", async ({ manage }) => {
  const manager = manage({ reconnectionDelay: 50 });
  const { engine } = manager;
  await next(manager, "open");
  const back = next(manager, "reconnect");
  setImmediate(() => manager.engine.emit("data", "bad"));
  await back;
  assert.notEqual(manager.engine, engine);
  assert.equal(engine.readyState, "closed");
}, { since: 4 });

check("an event that meets a silent connection is sent after coming back", async ({ open }) => {
  const socket = open("/", soon);
  await next(socket, "connect");
  let back = false;
  socket.io.once("reconnect", () => (back = true));
  socket.io.engine._pingTimeoutTime = Date.now() - 1; // as if the machine had slept
  assert.equal(await ask(socket, "echo", "123"), "123");
  assert.ok(back);
}, { since: 4 });
