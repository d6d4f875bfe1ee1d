import assert from "node:assert/strict";

import { notes, png } from "./samples.mjs";

/** A first visit: a chat, the same after a reload, files, titles, and deleting it all. */
export async function chat(client) {
  const { page } = client;
  await client.screenshot("home");
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  assert.match(new URL(page.url()).pathname, /^\/chat\/[0-9a-f-]{36}\/[0-9a-f-]{36}$/, "the address names agent and chat");

  await client.say("Hello");
  await client.screenshot("chat");
  const untitled = await title(client);
  await client.say("My mother never listens to me");
  await client.say("She talks all day"); // the client asks for a title when it sees a message and four are stored
  await client.until(async () => (await title(client)) !== untitled, "a title for the chat");
  const before = await client.messages();
  await client.reload();
  await client.ready();
  await client.sees(before, "the conversation after a reload");
  assert.notEqual(await title(client), untitled, "the title after a reload");

  await attach(client);
  await again(client);
  await remove(client);
}

const title = (client) => client.page.locator("button:has(svg.lucide-clock)").innerText();

/** Sends a picture with a text and a text file without, and sees both, even after a reload. */
export async function attach(client) {
  const { page } = client;
  const files = page.locator("input[type=file]").first();
  await files.setInputFiles({ name: "orange.png", mimeType: "image/png", buffer: png });
  await client.say("Look at this");
  await files.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: notes });
  const [said] = await client.send();
  assert.equal(said.text, "Shared 1 file(s).");
  const shown = async () => {
    const picture = client.row("Look at this").locator("img");
    await picture.waitFor();
    await client.until(() => picture.evaluate((image) => image.naturalWidth === 80), "the picture");
    await page.getByText("notes.txt").waitFor();
  };
  await shown();
  await client.screenshot("attachments");
  await client.reload();
  await client.ready();
  await shown();
}

/** Repeats a message, and begins another chat beside the first. */
async function again(client) {
  const { page } = client;
  const count = (await client.messages()).length;
  const row = client.row("Look at this");
  await row.hover();
  await row.locator("button:has(svg.lucide-refresh-ccw)").click();
  await client.until(async () => (await client.messages()).length === count + 2, "the answer to a repeated message");
  await client.ready();

  const first = page.url();
  await page.getByRole("button", { name: "New Chat" }).click();
  await client.until(() => page.url() !== first, "another chat");
  await client.ready();
  await page.getByText("No messages yet").waitFor();
  await client.say("Hello from another chat");
  await page.locator("button:has(svg.lucide-clock)").click();
  await page.getByRole("menuitem").filter({ hasNotText: "Current" }).first().click();
  await client.until(() => page.url() === first, "the first chat");
  await client.row("Look at this").waitFor();
}

/** Deletes a message, then all of them, then the chat. */
async function remove(client) {
  const { page } = client;
  const before = await client.messages();
  const row = client.row("My mother never listens to me");
  await row.hover();
  await row.locator("button:has(svg.lucide-trash-2)").click();
  await row.waitFor({ state: "detached" });
  const left = before.filter(({ text }) => text !== "My mother never listens to me");
  await client.sees(left, "what is left");
  await client.reload();
  await client.ready();
  await client.sees(left, "what is left, after a reload");

  await client.menu("New Chat", "Clear Chat");
  await client.confirm("Clear");
  await page.getByText("No messages yet").waitFor();
  await client.reload();
  await client.ready();
  await page.getByText("No messages yet").waitFor();

  await client.say("Once more");
  const address = page.url();
  await client.menu("New Chat", "Delete Chat");
  await client.confirm("Delete");
  await client.notice("Chat Deleted");
  await client.until(() => page.url() !== address, "another chat");
  await client.ready();
}
