/** The functions of every version of the client: chat, find the conversation after a reload, and show settings and logs. */
export async function talk(client) {
  const { page } = client;
  let channel; // which the page reads; before 1.6 its own address doesn't name it
  page.on("request", (request) => (channel = /channels\/([0-9a-f-]{36})\/messages/.exec(request.url())?.[1] ?? channel));
  await client.card("Eliza").getByRole("button", { name: "New Chat" }).click();
  await client.ready();
  for (const text of ["Hello", "How are you?"]) {
    await client.say(text);
    await typed(client, channel);
  }
  const before = await client.messages();
  await client.reload();
  await client.ready();
  await client.sees(before, "the conversation after a reload");
  await client.screenshot("talk");

  await client.goto("/settings");
  await page.locator("main").getByText("Settings").first().waitFor();
  await client.goto("/logs");
  await page.locator("main").getByText("Logs").first().waitFor();
  await client.goto("/");
  await client.card("Eliza").waitFor();
}

// The complete text, however the page lays it out.
const ink = (text) => text.replace(/[\s*_`#]/gu, "");

/** Waits until the page shows the complete newest message: versions before 1.6 type an answer letter by letter. */
async function typed(client, channel) {
  const response = await fetch(new URL(`/api/messaging/channels/${channel}/messages?limit=1`, client.origin));
  const [{ content }] = (await response.json()).data.messages;
  await client.until(async () => ink((await client.messages()).at(-1).text) === ink(content), "the whole answer");
}
