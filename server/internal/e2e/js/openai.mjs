// Chats with a running elizad through OpenAI's own package.
//
//   node openai.mjs --url http://127.0.0.1:3000 [--key KEY]

import assert from "node:assert/strict";
import { parseArgs } from "node:util";

import OpenAI from "openai";

const { values: options } = parseArgs({ options: { url: { type: "string" }, key: { type: "string" } } });
const client = new OpenAI({ baseURL: `${options.url}/v1`, apiKey: options.key ?? "none", maxRetries: 0 });

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.deepEqual(models, ["eliza"]);
assert.equal((await client.models.retrieve("eliza")).owned_by, "elizad");

const messages = [{ role: "user", content: "Hello, I am Ada" }];
const whole = await client.chat.completions.create({ model: "eliza", messages, temperature: 0.7, user: "ada" });
const [choice] = whole.choices;
assert.equal(choice.finish_reason, "stop");
assert.ok(choice.message.content.includes("Ada"), choice.message.content);
assert.ok(whole.usage.total_tokens > 0);

messages.push(choice.message, { role: "user", content: "What is my name?" });
const stream = await client.chat.completions.create({
  model: "eliza",
  messages,
  user: "ada",
  stream: true,
  stream_options: { include_usage: true },
});
let text = "";
let finish, usage;
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}
assert.ok(text.includes("Ada"), text); // it is the same conversation
assert.equal(finish, "stop");
assert.ok(usage.total_tokens > 0);

// The package's own reader of streams puts the pieces together.
const run = client.chat.completions.stream({ model: "eliza", messages: [{ role: "user", content: "Hello" }] });
assert.ok((await run.finalContent()).length > 0);

await assert.rejects(client.chat.completions.create({ model: "gpt-5", messages }), (err) => {
  assert.ok(err instanceof OpenAI.NotFoundError);
  assert.equal(err.code, "model_not_found");
  assert.equal(err.param, "model");
  return true;
});
await assert.rejects(client.chat.completions.create({ model: "eliza", messages, n: 2 }), OpenAI.BadRequestError);
if (options.key) {
  const stranger = new OpenAI({ baseURL: `${options.url}/v1`, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
}
console.log("OpenAI's package: models, an answer, a stream, and failures");
