import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

/** Creates an agent, starts it, talks to it, changes it, gives it a secret, stops it; copies an agent and deletes the copy. */
export async function agents(client) {
  const { page } = client;
  await client.choose("Create New");
  await page.getByRole("menuitem", { name: "Create New Agent" }).click();
  await page.locator("#name").fill("Ada");
  await page.locator("#username").fill("ada");
  await page.locator("#system").fill("You are Ada, who counts things.");
  await save(client, "Agent created successfully");

  await toggle(client, "Ada", "unchecked", "Agent Started");
  await client.card("Ada").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  await client.say("Hello Ada");

  await change(client);
  await secret(client);

  await client.goto("/");
  await toggle(client, "Ada", "checked", "Agent Stopped");
  await client.choose("Ada");
  await page.getByText("Ada is not active.").waitFor();
  await client.screenshot("stopped");
  await page.getByRole("button", { name: "Start Agent" }).click();
  await client.ready();
  await client.row("Hello Ada").waitFor();
  await client.say("Hello again");

  await copy(client);
}

/** Flips the switch of an agent's card. */
async function toggle(client, agent, from, notice) {
  const control = client.page.getByRole("switch", { name: `Toggle ${agent}` });
  await client.page.locator(`[role="switch"][data-state="${from}"]`).and(control).click();
  await client.notice(notice);
  const to = from === "checked" ? "unchecked" : "checked";
  await client.page.locator(`[role="switch"][data-state="${to}"]`).and(control).waitFor();
}

/** Saves the form and returns what was sent. The notice of an earlier time may still be there, so the answer counts too. */
async function save(client, notice) {
  const saved = client.page.waitForResponse((r) => ["POST", "PATCH"].includes(r.request().method()) && r.url().includes("/api/agents"));
  await client.page.getByRole("button", { name: "Save", exact: true }).click();
  const sent = (await saved).request().postDataJSON();
  await client.notice(notice);
  return sent;
}

async function settings(client, agent) {
  await client.goto("/");
  await client.card(agent).locator("button:has(svg.lucide-settings)").click();
  await client.page.locator("#system").waitFor();
}

/** Changes an agent's texts and sees them again after a reload. */
async function change(client) {
  const { page } = client;
  await settings(client, "Ada");
  await page.locator("#system").fill("You are Ada. You count twice.");
  await page.getByRole("tab", { name: "Content", exact: true }).click();
  for (const [i, text] of ["Counts what others overlook.", "arithmetic", "exact"].entries()) {
    const field = page.getByPlaceholder("Type and press Enter or click Add...").nth(i);
    await field.fill(text);
    await field.press("Enter");
  }
  await page.getByRole("tab", { name: "Avatar", exact: true }).click();
  await page.locator("main").getByText("Avatar").first().waitFor();
  await save(client, "Agent updated successfully");
  await client.screenshot("settings");

  await client.reload();
  await client.until(async () => (await page.locator("#system").inputValue()) === "You are Ada. You count twice.", "the changed words");
  await page.getByRole("tab", { name: "Content", exact: true }).click();
  for (const text of ["Counts what others overlook.", "arithmetic", "exact"]) {
    await client.until(() => page.locator("main").evaluate((main, text) =>
      main.innerText.includes(text) || [...main.querySelectorAll("input, textarea")].some((field) => field.value === text), text), text);
  }
}

/** Adds a secret, which is never shown again, and removes it. */
async function secret(client) {
  const { page } = client;
  const value = "a value nobody sees again";
  const row = page.locator("main").getByText("COUNTING_TOKEN").first();
  const open = async () => {
    await client.reload();
    await page.locator("#system").waitFor();
    await page.getByRole("tab", { name: "Secret", exact: true }).click();
    // The list is read again while other parts of the page load. A save in between lacks the secrets, which
    // removes them: a person would see the list first.
    await page.waitForLoadState("networkidle");
  };
  // A list that was opened before the agent was loaded stays empty; a person reopens it, as this does.
  const listed = () => row.waitFor({ timeout: 5_000 }).then(() => true, () => false);
  const found = () =>
    client.until(async () => {
      await open();
      return listed();
    }, "the secret in the list");
  // The list may still lose a change, so it is repeated until the client sends it.
  const keep = (change, want) =>
    client.until(async () => {
      await change();
      await page.waitForTimeout(300); // the list hands its changes to the form a moment later
      const { settings } = await save(client, "updated successfully");
      return settings?.secrets?.COUNTING_TOKEN === want;
    }, "the client to send its secrets");

  await settings(client, "Ada");
  await open();
  await keep(async () => {
    await page.locator("#new-secret-name").fill("COUNTING_TOKEN");
    await page.locator("#new-secret-value").fill(value);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await listed();
  }, value);

  const answers = [];
  page.on("response", async (response) => answers.push(await response.text().catch(() => "")));
  await found();
  const [mask] = answers.flatMap((body) => /"COUNTING_TOKEN":"([^"]*)"/.exec(body)?.[1] ?? []);
  await keep(async () => (await listed()) || found(), mask); // the mask leaves the secret unchanged
  await found();
  assert.ok(mask && !answers.some((body) => body.includes(value)), "the client was sent the secret");

  await keep(async () => {
    if (await row.isVisible()) await page.locator("main button:has(svg.lucide-trash), main button:has(svg.lucide-trash-2)").first().click();
  }, null);
  await open();
  await page.getByText("0 Service Variables").waitFor();
}

/** Downloads an agent's character, uploads it under another name, and deletes the copy. */
async function copy(client) {
  const { page } = client;
  await page.locator("main button:has(h2)").first().click();
  const download = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "Export" }).click();
  const { id: _, ...character } = JSON.parse(await readFile(await (await download).path(), "utf8"));
  assert.equal(character.system, "You are Ada. You count twice.");

  await client.goto("/create");
  await page.locator("#system").waitFor();
  await page.locator('input[type="file"][accept=".json"]').setInputFiles({
    name: "bea.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ ...character, name: "Bea" })),
  });
  await client.until(async () => (await page.locator("#name").inputValue()) === "Bea", "the character in the form");
  await save(client, "Agent created successfully");
  await toggle(client, "Bea", "unchecked", "Agent Started");
  await client.card("Bea").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  await client.say("Hello Bea");

  await page.locator("main button:has(h2)").first().click();
  await page.getByRole("menuitem", { name: "Delete Agent" }).click();
  await client.confirm("Delete");
  await client.notice("Agent deleted successfully");
  await client.card("Ada").waitFor();
  await client.card("Bea").waitFor({ state: "detached" });
}
