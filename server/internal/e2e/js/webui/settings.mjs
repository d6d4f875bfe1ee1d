import assert from "node:assert/strict";

/** Stores settings of the server, sees them after a reload without their values, changes one and removes one. */
export async function settings(client) {
  const { page } = client;
  const main = page.locator("main");
  await client.goto("/");
  await client.choose("Settings");
  for (const [name, value] of [["SMALL_MODEL", "tiny"], ["LARGE_MODEL", "huge"]]) {
    await page.locator("#secret-name").fill(name);
    await page.locator("#secret-value").fill(value);
    await main.getByRole("button", { name: "Add", exact: true }).click();
  }
  await save(client);
  await main.getByText("LARGE_MODEL").waitFor();
  await client.screenshot("environment");

  await pick(client, "SMALL_MODEL", "Edit");
  const field = main.locator("div.grid input").last();
  await field.fill("smaller");
  await main.locator("button:has(svg.lucide-check)").click();
  await pick(client, "LARGE_MODEL", "Remove");
  await main.getByText("LARGE_MODEL").waitFor({ state: "detached" });
  await save(client);
  await main.getByText("SMALL_MODEL").waitFor();
  assert.equal(await main.getByText("LARGE_MODEL").count(), 0, "the removed setting is back");

  await pick(client, "SMALL_MODEL", "Remove");
  await save(client);
  await main.getByText("Environment Settings").waitFor();
  assert.equal(await main.getByText("SMALL_MODEL").count(), 0, "the removed setting is back");
}

/** Saves the form and loads it again. */
async function save(client) {
  await client.page.getByRole("button", { name: "Save Changes" }).click();
  await client.notice("Environment variables updated successfully");
  const read = client.page.waitForResponse((response) => response.url().endsWith("/api/system/env/local"));
  await client.reload();
  await read;
  await client.shown();
}

/** Picks an item of the menu beside a setting. */
async function pick(client, setting, item) {
  const row = client.page.locator("main div.grid").filter({ has: client.page.getByText(setting, { exact: true }) });
  await row.locator("button:has(svg.lucide-ellipsis-vertical)").click();
  await row.getByRole("button", { name: item }).click();
}
