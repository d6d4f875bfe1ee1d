import assert from "node:assert/strict";

/** An agent whose model refuses: the conversation says why there is no answer, the input is enabled again, and the agent's log has more. */
export async function failing(client) {
  const { page } = client;
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  for (const text of ["Hello", "Are you there?"]) {
    await client.input.fill(text);
    const [asked, answer, ...more] = await client.send();
    assert.deepEqual(asked, { by: "user", text });
    assert.match(answer.text, /^No answer: The model refuses the key; check OPENAI_API_KEY/);
    assert.deepEqual(more, []);
  }
  const panel = await client.panel("Logs");
  await panel.getByText("model failed").first().waitFor();
  await client.screenshot("failing");
  await page.getByRole("tab", { name: "Timeline", exact: true }).click();
  await page.getByText(/^Run [0-9a-f]{8}$/).first().waitFor();
}
