// Fills the contract in with values that work on this server: its own ids in place of the examples', and nothing
// where nothing is needed. The published contract stays as it is.

/** The ids in the examples of the contract, and the kind of each. */
const cast = {
  "b850bc30-45f8-0041-a00a-83df46d8555d": "agentId",
  "17dcb1c8-cf1f-438a-b8c7-dc93995e78be": "userId",
  "a754cd35-323b-449b-a989-4846a5be30ab": "channelId",
  "00000000-0000-0000-0000-000000000000": "messageServerId",
  "2c63e6a2-a833-40bf-965f-256c9b3a5716": "messageId",
};

/** The names of the two in the query for a direct channel; it needs both, or a header. */
const people = { targetUserId: "agentId", currentUserId: "userId" };

/** An unused id: for kinds that the server has none of yet, and for what an operation would delete when it is tried out. */
export const missing = "ffffffff-ffff-4fff-8fff-ffffffffffff";

const methods = ["get", "put", "post", "patch", "delete"];

/** Reads ids of the server: one of each kind that it has. `fetchJSON` returns the server's response at a path, or null. */
export async function readFacts(fetchJSON, userId) {
  const get = async (path) => {
    const body = await fetchJSON(path);
    return body?.data ?? body;
  };
  const facts = { userId };
  const note = (name, item, key = name) => {
    if (item?.[key]) facts[name] = item[key];
  };
  const agents = (await get("api/agents"))?.agents;
  if (!agents) return facts;
  note("agentId", agents.find((agent) => agent.status === "active") ?? agents[0], "id");

  const messaging = async () => {
    note("messageServerId", await get("api/messaging/message-server/current"));
    const { channels = [] } = (await get(`api/messaging/message-servers/${facts.messageServerId}/channels?limit=10`)) ?? {};
    note("channelId", channels[0], "id");
    for (const { id } of channels) {
      const message = (await get(`api/messaging/channels/${id}/messages?limit=1`))?.messages[0];
      if (!message) continue;
      Object.assign(facts, { channelId: id, messageId: message.id });
      return;
    }
  };
  const ofAgent = async () => {
    if (!facts.agentId) return;
    const read = (path) => get(`api/agents/${facts.agentId}/${path}?limit=1`);
    const [rooms, runs, memories, logs] = await Promise.all(["rooms", "runs", "memories", "logs"].map(read));
    note("roomId", rooms?.rooms?.[0], "id");
    note("runId", runs?.runs?.[0]);
    note("memoryId", memories?.memories?.[0], "id");
    note("logId", logs?.[0], "id");
  };
  const others = async () => {
    const [worlds, sessions, jobs] = await Promise.all(
      ["api/agents/worlds", "api/messaging/sessions?limit=1", "api/messaging/jobs?limit=1"].map(get),
    );
    note("worldId", worlds?.worlds?.[0], "id");
    note("sessionId", sessions?.sessions?.[0]);
    note("jobId", jobs?.jobs?.[0]);
  };
  await Promise.all([messaging(), ofAgent(), others()]);
  return facts;
}

/** Returns the contract as the page shows it: for the server at `root`, with its ids. */
export function fill(contract, facts, root) {
  const filled = structuredClone(contract);
  filled.servers = [{ url: root }];
  for (const item of Object.values(filled.paths)) {
    const shared = item.parameters ?? [];
    delete item.parameters;
    for (const method of methods) {
      const operation = item[method];
      if (!operation) continue;
      operation.description += needs(operation["x-access"].scope);
      operation.parameters = [...shared, ...(operation.parameters ?? [])].map((p) => parameter(filled, resolve(filled, p), facts));
      if (method === "delete") nothingToDelete(operation.parameters);
      if (operation.requestBody) operation.requestBody = body(filled, resolve(filled, operation.requestBody), facts);
    }
  }
  return filled;
}

/** Says which scope the reader's key must have. */
function needs(scope) {
  return scope === "none" ? "" : `\n\nNeeds the scope \`${scope}\`.`;
}

/** A required parameter has a value, an optional one has none. */
function parameter(contract, source, facts) {
  const { example, examples, ...rest } = structuredClone(source);
  const { example: ofSchema, default: _, ...schema } = resolve(contract, rest.schema ?? {});
  if (!rest.required && !people[rest.name]) return { ...rest, schema };
  const fact = facts[people[rest.name] ?? rest.name];
  return { ...rest, schema, example: fact ?? (schema.format === "uuid" ? missing : (example ?? ofSchema)) };
}

/** Puts the unused id at the end of the path of an operation that deletes. */
function nothingToDelete(parameters) {
  const last = parameters.findLast((p) => p.in === "path");
  if (last) last.example = missing;
}

/** A JSON body has its example. A form is sent as it is, because the page would not report a missing file. */
function body(contract, source, facts) {
  const filled = structuredClone(source);
  for (const [type, media] of Object.entries(filled.content)) {
    const { required, example: ofSchema, ...schema } = resolve(contract, media.schema ?? {});
    if (type.includes("json")) media.example = own(media.example ?? ofSchema, facts);
    else {
      media.schema = schema;
      filled.required = false;
    }
  }
  return filled;
}

/** An example with this server's ids in it. */
function own(example, facts) {
  if (Array.isArray(example)) return example.map((item) => own(item, facts));
  if (example !== null && typeof example === "object") {
    return Object.fromEntries(Object.entries(example).map(([key, value]) => [key, own(value, facts)]));
  }
  return facts[cast[example]] ?? example;
}

function resolve(contract, value) {
  if (typeof value?.$ref !== "string") return value;
  return value.$ref
    .split("/")
    .slice(1)
    .reduce((at, name) => at[name.replaceAll("~1", "/").replaceAll("~0", "~")], contract);
}
