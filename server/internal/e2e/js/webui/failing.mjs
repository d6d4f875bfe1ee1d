import assert from "node:assert/strict";

/** An agent whose model refuses: nothing is said for it, the input is free again, and the agent's log tells why. */
export async function failing(client) {
  const { page } = client;
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  for (const text of ["Hello", "Are you there?"]) {
    await client.input.fill(text);
    assert.deepEqual(await client.send(), [{ by: "user", text }]);
  }
  const panel = await client.panel("Logs");
  await panel.getByText("model failed").first().waitFor();
  await client.screenshot("failing");
  await page.getByRole("tab", { name: "Timeline", exact: true }).click();
  await page.getByText(/^Run [0-9a-f]{8}$/).first().waitFor();
}
