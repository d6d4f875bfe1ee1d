import assert from "node:assert/strict";

/** What the panel beside a chat and the page of the log show: runs, model calls, memories to change, and the log as it grows. */
export async function insight(client) {
  const { page } = client;
  await client.goto("/");
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  await client.say("I had a quarrel with my uncle");

  const timeline = await client.panel("Timeline");
  await timeline.getByText(/^Run [0-9a-f]{8}$/).first().waitFor();
  await timeline.getByText("TEXT_LARGE").first().waitFor();
  await client.screenshot("timeline");

  await modelCalls(client);
  await memories(client);
  await log(client);
}

async function modelCalls(client) {
  const calls = await client.panel("Model Calls");
  await calls.getByText("TEXT_LARGE").first().waitFor();
  await client.screenshot("model-calls");
  const count = () => calls.getByTitle("Delete log entry").count();
  const before = await count();
  assert.ok(before > 0, "no model calls");
  await calls.getByTitle("Delete log entry").first().click({ force: true });
  await client.confirm("Delete");
  await client.until(async () => (await count()) === before - 1, "the entry to go");
}

/** Edits an agent's memory of a message, sees the change in its next answer, and deletes a memory. */
async function memories(client) {
  const { page } = client;
  const panel = await client.panel("Memories");
  const card = (text) => panel.locator("div.group").filter({ hasText: text }).first();
  const edit = async (text) => {
    await card(text).hover();
    await card(text).getByTitle("Edit memory").click();
    return page.locator("#memory-content");
  };
  const field = await edit("I had a quarrel with my uncle");
  const content = JSON.parse(await field.inputValue());
  assert.equal(content.text, "I had a quarrel with my uncle");
  await field.fill(JSON.stringify({ ...content, text: "My aunt is on my mind" }));
  await page.getByRole("button", { name: "Save Changes" }).click();
  await field.waitFor({ state: "detached" });
  await card("My aunt is on my mind").waitFor();
  await card("I had a quarrel with my uncle").waitFor({ state: "detached" });
  await client.screenshot("memories");

  await panel.getByRole("combobox").click();
  await page.getByRole("option", { name: "Current Chat" }).click();
  await card("My aunt is on my mind").waitFor();
  await edit("My aunt is on my mind");
  await page.getByRole("button", { name: "Delete Memory" }).click();
  await client.confirm("Delete");
  await card("My aunt is on my mind").waitFor({ state: "detached" });
  await client.row("I had a quarrel with my uncle").waitFor(); // the chat keeps the original text
}

/** Sees the log of one agent and of all, and clears it. */
async function log(client) {
  const { page } = client;
  const panel = await client.panel("Logs");
  await panel.getByText("agent started").first().waitFor();

  await client.choose("Logs");
  const main = page.locator("main");
  await main.getByText("Live updates enabled (streaming)").waitFor();
  await main.getByText("agent created").first().waitFor();
  await client.screenshot("logs");
  await page.getByRole("button", { name: "Clear All Logs" }).click();
  await client.confirm("Delete");
  await main.getByText("No Logs Found").waitFor();

  // The page gets new log entries without polling.
  await page.evaluate(async () => {
    const { agents } = (await (await fetch("/api/agents")).json()).data;
    const ada = agents.find(({ name }) => name === "Ada");
    for (const change of ["stop", "start"]) await fetch(`/api/agents/${ada.id}/${change}`, { method: "POST" });
  });
  await main.getByText("agent stopped").waitFor();
  await main.getByText("agent started").waitFor();
}
