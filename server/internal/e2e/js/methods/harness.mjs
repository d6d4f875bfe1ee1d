// Runs one case for each method of the published TypeScript API client, and checks all results.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { ApiError, ElizaClient, clientFile, isOlder } from "./published.mjs";

/** Codes by which the client reports that it could not read the response. */
const UNREADABLE = ["HTTP_ERROR", "NETWORK_ERROR", "PARSE_ERROR", "TIMEOUT", "UNKNOWN_ERROR"];

/**
 * Names the methods of each service: those of its prototype, as built. The six that its type declarations call private are
 * no part of what the client offers.
 */
export function methodsOf(client) {
  const hidden = privateNames();
  return Object.fromEntries(
    Object.entries(client).map(([service, { constructor: type }]) => [
      service,
      Object.getOwnPropertyNames(type.prototype)
        .filter((name) => name !== "constructor" && !hidden.has(`${type.name}.${name}`))
        .map((name) => (service === "server" ? name : nameToday(name))),
    ]),
  );
}

/** Methods about message servers, which were called servers before 1.6.5. */
const nameBefore = (name) => name.replace("MessageServer", "Server");
const nameToday = (name) => (isOlder ? name.replace(/(?<!Message)Server(?=$|s$|sForAgent|Channels)/, "MessageServer") : name);

function privateNames() {
  const dist = dirname(clientFile);
  const folder = join(dist, "api-client/src/services");
  const files = existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [join(dist, "index.d.ts")];
  const names = new Set();
  for (const file of files.filter((f) => f.endsWith(".d.ts"))) {
    let type;
    for (const line of readFileSync(file, "utf8").split("\n")) {
      type = line.match(/^(?:export )?declare (?:abstract )?class (\w+)/)?.[1] ?? type;
      const [, name] = line.match(/^\s*private (\w+)/) ?? [];
      if (name) names.add(`${type}.${name}`);
    }
  }
  return names;
}

/** Returns the cases of the methods that an older client has. */
export function casesFor(methods, cases) {
  const has = (service, name) => methods[service]?.includes(name);
  return Object.fromEntries(
    Object.entries(cases).map(([service, module]) => [service, Object.fromEntries(Object.entries(module).filter(([name]) => has(service, name)))]),
  );
}

/** Fails unless the cases are exactly the methods. */
export function compare(methods, cases) {
  const names = (of) => Object.entries(of).flatMap(([service, list]) => list.map((name) => `${service}.${name}`)).sort();
  const listed = Object.fromEntries(Object.entries(cases).map(([service, module]) => [service, Object.keys(module)]));
  assert.deepEqual(names(listed), names(methods), "every method of the client has a case, and every case a method");
}

/**
 * Makes clients whose calls are all checked: no result may contain an undefined, and every refusal must have a code and a
 * message. `calls` counts the calls that returned something, and `refusals` those that were refused.
 */
export class Watch {
  calls = new Map();
  refusals = new Map();

  constructor(url, key) {
    this.url = url;
    this.key = key;
    this.methods = methodsOf(ElizaClient.create({ baseUrl: url }));
  }

  /** Returns a client of a user, or an anonymous one. */
  client(user) {
    const client = ElizaClient.create({ baseUrl: this.url, apiKey: this.key, headers: user ? { "X-Entity-Id": user } : {} });
    return Object.fromEntries(Object.entries(client).map(([name, service]) => [name, this.#watched(name, service)]));
  }

  #watched(name, service) {
    return Object.fromEntries(
      this.methods[name].map((method) => {
        const full = `${name}.${method}`;
        const count = (map) => map.set(full, (map.get(full) ?? 0) + 1);
        const call = async (...args) => {
          try {
            const result = await (service[method] ?? service[nameBefore(method)]).apply(service, args);
            whole(result, `${full} returns`);
            count(this.calls);
            return result;
          } catch (error) {
            if (error instanceof ApiError) readable(error, full);
            count(this.refusals);
            throw error;
          }
        };
        return [method, call];
      }),
    );
  }
}

/** Fails if something is missing from a value. */
function whole(value, where) {
  assert.notEqual(value, undefined, `${where} undefined`);
  if (typeof value === "string") assert.doesNotMatch(value, /^undefined\b|\[object Object\]|Unknown error/, where);
  if (value === null || typeof value !== "object") return;
  for (const [key, inner] of Object.entries(value)) whole(inner, `${where} .${key}`);
}

/** Fails if a refusal doesn't say what is wrong. */
function readable(error, where) {
  assert.equal(typeof error.code, "string", `${where}: the code of ${error.message}`);
  assert.ok(!UNREADABLE.includes(error.code), `${where} is refused with ${error.code}: ${error.message}`);
  assert.ok(error.message && error.message !== "Unknown error", `${where} is refused with ${error.code} and no message`);
  assert.ok(error.status >= 400 && error.status <= 599, `${where} is refused with status ${error.status}`);
}

/**
 * Runs the cases one after the other and reports each. A case that got no result from its method has not checked it,
 * unless the method never returns anything.
 */
export async function run(cases, scene, watch, { givesNothing = [], tell }) {
  let failed = 0;
  for (const [service, module] of Object.entries(cases)) {
    for (const [method, check] of Object.entries(module)) {
      const name = `${service}.${method}`;
      const begin = performance.now();
      let problem;
      try {
        await check(scene);
        const count = (givesNothing.includes(name) ? watch.refusals : watch.calls).get(name) ?? 0;
        assert.ok(count > 0, "the case doesn't call its method");
      } catch (error) {
        problem = error.stack;
        if (error instanceof ApiError) problem += `\n${error.code}, status ${error.status}, ${error.details ?? "no details"}`;
        failed++;
      }
      tell({ name, ms: Math.round(performance.now() - begin), problem });
    }
  }
  return failed;
}
