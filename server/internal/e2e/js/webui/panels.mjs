/** The page of a plugin, beside the chat. */
export async function panels(client) {
  const { page } = client;
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  await client.panel("Counter");
  const frame = page.frameLocator('iframe[title="Counter"]');
  await frame.getByRole("button", { name: "0" }).click();
  await frame.getByRole("button", { name: "1" }).waitFor();
  await client.screenshot("panel");
}
