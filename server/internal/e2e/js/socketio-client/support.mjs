// What the cases of the suite share.

import { createServer } from "node:net";
import { test } from "node:test";

/** URL of the server under test. */
export const base = process.env.SUITE_URL ?? "http://127.0.0.1:3210";

const name = process.env.SUITE_CLIENT ?? "socket.io-client";
const major = name.endsWith("-v3") ? 3 : 4;
const client = await import(name);

const PATIENCE_MS = 120_000; // spent only where a test fails

/**
 * Declares a case. It gets functions that open sockets and managers, all of which are closed at its end.
 * `since` is the first version of the client that can do what the case is about.
 */
export function check(what, run, { since = 3 } = {}) {
  if (major < since) return;
  test(what, { timeout: PATIENCE_MS }, async () => {
    const cleanup = [];
    /** Opens a socket on a separate connection. */
    const open = (path = "/", options = {}) => {
      const socket = client.io(path.includes("://") ? path : base + path, { forceNew: true, ...options });
      cleanup.push(() => socket.io._close());
      return socket;
    };
    /** Makes a manager, for sockets that share a connection. */
    const manage = (options = {}, url = base) => {
      const manager = new client.Manager(url, options);
      cleanup.push(() => manager._close());
      return manager;
    };
    try {
      await run({ open, manage });
    } finally {
      cleanup.forEach((close) => close());
    }
  });
}

/** The arguments of the next event of that name. */
export const next = (emitter, event) => new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));

/** The answer of the server to an event. */
export const ask = (socket, ...event) => new Promise((resolve) => socket.emit(...event, resolve));

/** Counts how often an event happens. */
export function count(emitter, event) {
  const counter = { times: 0 };
  emitter.on(event, () => counter.times++);
  return counter;
}

/** A pause in which something that must not happen would happen. */
export const pass = (ms = 100) => new Promise((resolve) => setTimeout(resolve, ms));

/** URL of a port without a listener. */
export async function nowhere() {
  const server = createServer().listen(0, "127.0.0.1");
  await next(server, "listening");
  const { port } = server.address();
  server.close();
  await next(server, "close");
  return `http://127.0.0.1:${port}`;
}

/** Records the data of the packets that an engine sends. */
export function sentBy(engine) {
  const sent = [];
  engine.on("packetCreate", ({ data }) => sent.push(data));
  return sent;
}
