// Namespaces, and the connections that carry them.

import assert from "node:assert/strict";

import { ask, base, check, next, nowhere, pass, sentBy, count } from "./support.mjs";

check("connects and is answered", async ({ open }) => {
  const socket = open();
  socket.emit("hi");
  await next(socket, "hi");
});

check("opens nothing before it is told to", async ({ open }) => {
  assert.ok(!open("/", { autoConnect: false }).io.engine);
});

// Sockets that are opened without options share a connection only if they can.
for (const [what, first, second, shared] of [
  ["the same namespace twice", ["/"], ["/"], false],
  ["a query and none", ["/?woot"], ["/"], false],
  ["two paths", ["/", { path: "/foo" }], ["/", { path: "/bar" }], false],
  ["two namespaces", ["/foo"], ["/bar"], true],
]) {
  check(`${what}: ${shared ? "one connection" : "two connections"}`, async ({ open }) => {
    const a = open(first[0], { forceNew: false, ...first[1] });
    const b = open(second[0], { forceNew: false, ...second[1] });
    assert.equal(a.io === b.io, shared);
  });
}

check("joins a namespace over a connection that is open", async ({ manage }) => {
  const manager = manage();
  await next(manager.socket("/"), "connect");
  const engine = manager.engine;
  await next(manager.socket("/foo"), "connect");
  assert.equal(manager.engine, engine);
});

check("joins a namespace after the connection was closed", async ({ manage }) => {
  const manager = manage();
  const main = manager.socket("/");
  await next(main, "connect");
  main.disconnect();
  await next(manager.socket("/foo"), "connect");
});

check("joins a namespace while leaving another", async ({ manage }) => {
  const manager = manage();
  const foo = manager.socket("/foo");
  await next(foo, "connect");
  const asd = manager.socket("/asd");
  foo.disconnect();
  await next(asd, "connect");
});

check("leaving one namespace leaves the other alone", async ({ manage }) => {
  const manager = manage({ autoConnect: false });
  const main = manager.socket("/").connect();
  await next(main, "connect");
  const asd = manager.socket("/asd").connect();
  await next(asd, "connect");
  const disconnects = count(main, "disconnect");
  asd.disconnect();
  assert.equal(await ask(main, "echo", "still here"), "still here");
  assert.equal(disconnects.times, 0);
  const closed = next(manager, "close");
  main.disconnect();
  await closed;
});

check("a socket that was left can be joined again", async ({ manage }) => {
  const manager = manage();
  const socket = manager.socket("/");
  await next(socket, "connect");
  socket.disconnect();
  const again = manager.socket("/");
  assert.equal(again, socket);
  assert.ok(again.active);
  await next(again, "connect");
}, { since: 4 });

check("asking twice for a namespace joins it once", async ({ manage }) => {
  const manager = manage();
  const sent = sentBy(manager.engine);
  await next(manager, "open");
  const socket = manager.socket("/");
  assert.equal(manager.socket("/"), socket);
  await next(socket, "connect");
  socket.disconnect();
  assert.deepEqual(sent, ["0", "1"]);
});

check("asking for two namespaces joins each once", async ({ manage }) => {
  const manager = manage();
  const sent = sentBy(manager.engine);
  await next(manager, "open");
  const main = manager.socket("/");
  const foo = manager.socket("/foo");
  await Promise.all([next(main, "connect"), next(foo, "connect")]);
  main.disconnect();
  foo.disconnect();
  assert.deepEqual(sent, ["0", "0/foo,", "1", "1/foo,"]);
});

for (const [where, path] of [["main", "/"], ["custom", "/foo"]]) {
  check(`the id is that of the server in the ${where} namespace`, async ({ open }) => {
    const socket = open(path);
    const id = await ask(socket, "getId");
    assert.ok(id);
    assert.equal(socket.id, id);
    assert.notEqual(socket.id, socket.io.engine.id, "the id of the transport is a secret");
  });
}

check("the id is gone after leaving", async ({ open }) => {
  const socket = open();
  await next(socket, "connect");
  const left = next(socket, "disconnect");
  socket.disconnect();
  await left;
  assert.ok(!socket.id);
});

check("leaving while connecting is no error", async ({ open }) => {
  const socket = open("/", { timeout: 100 });
  const errors = count(socket.io, "error");
  socket.disconnect();
  await pass(300);
  assert.equal(errors.times, 0);
});

check("says that nobody listens", async ({ open }) => {
  const [error] = await next(open(await nowhere(), { timeout: 1000 }), "connect_error");
  assert.ok(error instanceof Error);
});

for (const [transport, since] of [["polling", 3], ["websocket", 4]]) {
  check(`says that connecting takes too long, over ${transport}`, async ({ open }) => {
    const [error] = await next(open("/", { transports: [transport], timeout: 0 }), "connect_error");
    assert.equal(error.message, "timeout");
  }, { since });
}

check("a connection that is lost later is no failure to connect", async ({ open }) => {
  const socket = open("/", { reconnectionDelay: 10 });
  await next(socket, "connect");
  const errors = count(socket, "connect_error");
  const back = next(socket, "connect");
  socket.io.engine.close();
  await back;
  assert.equal(errors.times, 0);
});

check("knows a server of Socket.IO 2 by its answer", async ({ open }) => {
  const socket = open("/", { autoConnect: false });
  const refused = next(socket, "connect_error");
  socket.onpacket({ nsp: "/", type: 0 });
  await refused;
});

check("leaving and joining at once", async ({ open }) => {
  const socket = open("/", { transports: ["websocket"] });
  const disconnects = count(socket, "disconnect");
  await next(socket, "connect");
  const back = next(socket, "connect");
  socket.disconnect().connect();
  await back;
  assert.equal(await ask(socket, "echo", 1), 1);
  assert.equal(disconnects.times, 1);
}, { since: 4 });
