import assert from "node:assert/strict";

import { attach } from "./chat.mjs";

/** A server that requires a key: the client says so, takes the key in its settings, and works with it. It shows pictures, for which it sends no key. */
export async function locked(client) {
  const { page, record } = client;
  await page.getByText("Error loading agents: API key required").waitFor();
  await client.screenshot("locked");
  await client.choose("Settings");
  await page.getByRole("button", { name: "Manage API Key" }).click();
  await page.locator("#api-key").fill("something-long");
  await page.getByRole("button", { name: "Save Key" }).click();
  await client.notice("API Key Saved");
  const refused = (problem) => /\b401\b|API key required/.test(problem);
  assert.ok(record.problems.length > 0, "the server answers without a key");
  assert.deepEqual(record.problems.splice(0).filter((problem) => !refused(problem)), [], "problems beside the missing key");

  await client.goto("/");
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  await client.say("Hello");
  await client.reload();
  await client.ready();
  await client.row("Hello").waitFor();
  await attach(client);
  // The client never sends its key when it asks for the version.
  const version = (problem) => refused(problem) && /api\/system\/version|Error fetching server version/.test(problem);
  assert.deepEqual(record.problems.splice(0).filter((problem) => !version(problem)), [], "problems with the key");
}
