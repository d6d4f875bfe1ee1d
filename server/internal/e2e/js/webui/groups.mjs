import assert from "node:assert/strict";

import { png } from "./samples.mjs";

/** A group of two agents: both answer when both are asked, one when one is; its form, a picture, and its end. */
export async function groups(client) {
  const { page } = client;
  await client.choose("Create New");
  await page.getByRole("menuitem", { name: "Create New Group" }).click();
  await page.locator("#chat-name").fill("The round table");
  await page.getByText("Select agents...").click();
  for (const agent of ["Ada", "Eliza"]) await page.locator("div.cursor-pointer:not(.border)").filter({ hasText: new RegExp(`${agent}$`) }).click();
  await page.getByText("Chat Name (Optional)").click();
  await page.getByRole("button", { name: "Create Group" }).click();
  await client.choose("The round table");
  await everyone(client);

  assert.deepEqual(await ask(client, "Ada and Eliza, how are you both?"), ["Ada", "Eliza"]);
  await client.screenshot("group");
  assert.deepEqual(await ask(client, "Ada, what do you count?"), ["Ada"]);
  await page.locator("input[type=file]").first().setInputFiles({ name: "orange.png", mimeType: "image/png", buffer: png });
  assert.deepEqual(await ask(client, "Eliza, what is on the picture?"), ["Eliza"]);
  const before = await client.messages();
  await client.reload();
  await everyone(client);
  // Two answers are in the order in which they began, and after a reload in that in which they ended.
  const sorted = (messages) => messages.map(({ by, text }) => `${by}: ${text}`).sort();
  await client.sees(sorted(before), "the conversation after a reload", sorted);
  const picture = client.row("what is on the picture").locator('img[src*="/media/"]');
  await client.until(() => picture.evaluate((image) => image.naturalWidth === 80), "the picture");

  await page.getByRole("button", { name: "Edit Group" }).click();
  await page.locator("#chat-name").fill("The square table");
  await page.getByRole("button", { name: "Update Group" }).click();
  await page.locator("#chat-name").waitFor({ state: "detached" });
  await client.reload();
  await page.getByRole("heading", { name: "The square table" }).waitFor();
  await everyone(client);
  assert.deepEqual(await ask(client, "Ada, do you like the new name?"), ["Ada"]);

  await client.menu("Edit Group", "Clear Messages");
  await client.confirm("Clear");
  await page.getByText("No messages yet").waitFor();
  await client.menu("Edit Group", "Delete Group");
  await client.leaving(async () => {
    await client.confirm("Delete");
    await page.waitForURL(new URL("/", client.origin).href);
  });
  await client.card("Ada").waitFor();
  assert.equal(await page.getByTestId("app-sidebar").getByText("The square table").count(), 0, "the group is still listed");
}

/** Waits for the group, and shows what all of its agents say: the client hides the others' if it has learnt of one before the rest. */
async function everyone(client) {
  const agents = client.page.getByText("Agents:", { exact: true }).locator("..");
  for (const agent of ["Ada", "Eliza"]) await agents.getByRole("button", { name: agent }).waitFor();
  await agents.getByRole("button", { name: "All", exact: true }).click();
  await client.ready();
}

/** Sends a message to the two agents of the group, and returns which ones answered, once each. */
async function ask(client, text) {
  await client.input.fill(text);
  const [said, ...answers] = await client.send(2);
  assert.deepEqual(said, { by: "user", text });
  for (const { by, text } of answers) assert.ok(text, `${by} answered without words`);
  return answers.map(({ by }) => by).sort();
}
