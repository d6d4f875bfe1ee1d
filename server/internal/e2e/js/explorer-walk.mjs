// Tries out every operation of the API explorer of a running elizad as its page fills them in, by the page's own code.
//
//   node explorer-walk.mjs --url http://127.0.0.1:3000
//
// It prints one line of JSON for each operation: its id, and the status and the body of the answer. The one that stops the
// server comes last; the one that stops an agent is followed by one that starts it again.

import { parseArgs } from "node:util";

import { fill, readFacts } from "../../web/explorer/fill.js";

const { values: options } = parseArgs({ options: { url: { type: "string" } } });
if (!options.url) {
  console.error("usage: node explorer-walk.mjs --url URL");
  process.exit(2);
}
const root = options.url.replace(/\/$/, "");

const fetchJSON = async (path) => {
  const response = await fetch(`${root}/${path}`);
  return response.ok ? response.json() : null;
};
const contract = await (await fetch(`${root}/openapi.json`)).json();
const filled = fill(contract, await readFacts(fetchJSON, crypto.randomUUID()), root);

const operations = Object.entries(filled.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
);
const rank = ({ operationId }) => ["stopAgent", "startAgent", "stopServer"].indexOf(operationId);
operations.sort((a, b) => rank(a) - rank(b));

for (const operation of operations) {
  const { status, text } = await tryOut(operation);
  const documented = String(status) in operation.responses;
  console.log(JSON.stringify({ id: operation.operationId, status, documented, body: status < 300 ? "" : text }));
}

/** Sends what Swagger UI would: parameters with an example, and the example of the first type of body. */
async function tryOut({ path, method, parameters, requestBody }) {
  const headers = { Accept: "application/json" };
  const query = new URLSearchParams();
  for (const { name, in: place, example } of parameters) {
    if (example === undefined) continue;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(example));
    if (place === "query") query.set(name, example);
    if (place === "header") headers[name] = example;
  }
  const [type, media] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  let body;
  if (type?.includes("json")) {
    headers["Content-Type"] = type;
    body = JSON.stringify(media.example);
  } else if (type) body = new FormData();
  const response = await fetch(`${root}${path}?${query}`, { method, headers, body });
  return { status: response.status, text: await response.text() };
}
