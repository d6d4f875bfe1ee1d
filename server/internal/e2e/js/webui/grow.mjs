/**
 * Sees an answer grow on the page. The model sends its next word only when the gate is asked for it, so each step must be on
 * the page before there is another.
 */
export async function grow(client) {
  const { page, options } = client;
  const steps = ["One", "One two", "One two three", "One two three four"];
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  await client.input.fill("Count");
  await page.getByTestId("send-button").click();
  const last = async () => (await client.messages()).at(-1);
  for (const [i, text] of steps.entries()) {
    if (i > 0) await fetch(options.gate, { method: "POST" });
    await client.until(async () => {
      const { by, text: shown } = (await last()) ?? {};
      return by === "agent" && shown === text;
    }, `"${text}" on the page`);
  }
  await client.ready();
}
