// Drives the chat page of a running elizad in Chromium, as a person would on the first visit.
//
//   node browser.mjs --url http://127.0.0.1:3000 --out DIR [--chromium /usr/bin/chromium]
//
// The address may have a path: elizad is then behind a proxy that serves it there.
//
// It sends a message to the agent that the page opens, waits for the streamed answer, reloads, looks at the page on a phone and
// follows its link to the API explorer, where it tries out a request. Any failure on the way counts: errors on the console, requests that fail, requests to
// any other host. Screenshots go to DIR. One line of JSON and exit status 0 mean success; otherwise it prints
// the problems and exits with 1.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { launch, watch } from "./chromium.mjs";

const PATIENCE_MS = 120_000; // spent only where a test fails
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    out: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
if (!options.url || !options.out) {
  console.error("usage: node browser.mjs --url URL --out DIR [--chromium PATH]");
  process.exit(2);
}
const { origin, pathname: root } = new URL(options.url);
await mkdir(options.out, { recursive: true });

const browser = await launch(options.chromium);
try {
  console.log(JSON.stringify({ ok: true, ...(await visit()) }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function visit() {
  const page = await browser.newPage({ viewport: DESKTOP, colorScheme: "light", reducedMotion: "reduce" });
  page.setDefaultTimeout(PATIENCE_MS);
  const record = watch(page, origin);
  const screenshots = [];
  try {
    await opened(page, options.url);
    const agent = await page.getByTestId("chat-title").innerText();
    await screenshot(page, "desktop-empty");

    const conversation = await converse(page, "Hello");
    assert.ok(record.events.messageStreamChunk > 0, "the answer did not arrive in chunks");
    await screenshot(page, "desktop");
    await screenshot(page, "desktop-dark", "dark");

    await agentComesAndGoes(page);

    record.leaving = true;
    await page.reload();
    record.leaving = false;
    await ready(page);
    assert.deepEqual(await messages(page), conversation, "the conversation after a reload");

    await page.setViewportSize(PHONE);
    await fits(page, "the conversation");
    await screenshot(page, "phone");
    await screenshot(page, "phone-dark", "dark");
    await page.getByTestId("menu").click();
    await page.getByTestId("agent-item").first().waitFor();
    await fits(page, "the list of agents");
    await screenshot(page, "phone-agents");
    await page.keyboard.press("Escape");
    await page.getByTestId("agent-item").first().waitFor({ state: "detached" });

    record.leaving = true;
    await page.setViewportSize(DESKTOP);
    await page.getByRole("link", { name: "API explorer" }).click();
    record.leaving = false;
    await page.locator(".opblock-tag").first().waitFor();
    assert.equal(new URL(page.url()).pathname, `${root}docs`, "the address of the explorer");
    await screenshot(page, "docs");
    await tryOut(page);
    await screenshot(page, "docs-tried");
    for (const link of await page.locator("nav a").all()) {
      const href = await link.evaluate((element) => element.href);
      const answer = await page.request.get(href);
      assert.ok(href.startsWith(origin + root) && answer.ok(), `the link to ${href} answers with status ${answer.status()}`);
    }

    assert.deepEqual(record.problems, [], "problems the browser saw");
    return { agent, messages: conversation.length, chunks: record.events.messageStreamChunk, requests: record.requests, screenshots };
  } catch (error) {
    await page.screenshot({ path: path.join(options.out, "failed.png") }).catch(() => {});
    const seen = record.problems.map((problem) => `\n  the browser saw: ${problem}`).join("");
    throw new Error(`${error.message}${seen}`, { cause: error });
  }

  async function screenshot(page, name, colorScheme = "light") {
    await page.emulateMedia({ colorScheme });
    const file = path.join(options.out, `${name}.png`);
    await page.screenshot({ path: file });
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    screenshots.push(file);
  }
}

async function opened(page, url) {
  await page.goto(url);
  await ready(page);
  const { pathname } = new URL(page.url());
  assert.ok(pathname.startsWith(root), `the address is ${pathname}`);
  assert.match(pathname.slice(root.length), /^chat\/[0-9a-f-]{36}$/, "the address names the agent");
}

/** An agent that is created by another client appears in the list, and disappears when it is deleted there. */
async function agentComesAndGoes(page) {
  const agents = new URL("api/agents", options.url).href;
  const item = page.getByTestId("agent-item").filter({ hasText: "Somebody new" });
  const made = await page.request.post(agents, { data: { name: "Somebody new", bio: "Comes and goes." } });
  const { data } = await made.json();
  await item.waitFor();
  await page.request.delete(`${agents}/${data.id}`);
  await item.waitFor({ state: "detached" });
}

/** Asks for the agents in the API explorer. */
async function tryOut(page) {
  await page.locator("#operations-tag-agents button.expand-operation").click();
  await page.locator("#operations-agents-listAgents .opblock-summary-control").click();
  await page.locator("#operations-agents-listAgents button.execute").click();
  const status = page.locator("#operations-agents-listAgents .live-responses-table .response-col_status").first();
  await status.waitFor();
  assert.match(await page.locator("#operations-agents-listAgents .request-url").innerText(), new RegExp(`${origin}${root}api/agents$`));
}

/** Waits for a connected page with an agent to talk to. */
async function ready(page) {
  await page.locator('[data-testid="connection-state"][data-state="connected"]').waitFor();
  await page.locator('[data-testid="composer"]:enabled').waitFor();
}

/** Sends a message, waits until the agent is done, and returns the conversation. */
async function converse(page, text) {
  const before = await messages(page);
  const answers = page.locator('[data-testid="message"][data-author="agent"][data-state="stored"]');
  const answered = before.filter((m) => m.author === "agent").length;
  await page.getByTestId("composer").fill(text);
  await page.getByTestId("send").click();
  await answers.nth(answered).waitFor();
  await page.getByTestId("typing").waitFor({ state: "detached" });

  const after = await messages(page);
  assert.deepEqual(after.slice(0, before.length), before, "what was there before");
  const [said, answer, ...others] = after.slice(before.length);
  assert.deepEqual({ ...said, id: "" }, { id: "", author: "user", state: "stored", text }, "what was said");
  assert.deepEqual({ ...answer, id: "", text: "" }, { id: "", author: "agent", state: "stored", text: "" }, "what was answered");
  assert.notEqual(answer.text, "", "the text of the answer");
  assert.deepEqual(others, [], "messages that should not be there");
  return after;
}

/** The messages on the page. */
function messages(page) {
  return page.getByTestId("message").evaluateAll((elements) =>
    elements.map((element) => ({
      id: element.dataset.messageId,
      author: element.dataset.author,
      state: element.dataset.state,
      text: element.querySelector('[data-testid="message-text"]').textContent,
    })),
  );
}

/** Nothing may overflow the width of the screen. */
async function fits(page, what) {
  const over = await page.evaluate(() => {
    const scrolling = [document.documentElement, document.querySelector('[data-testid="log"]')];
    const wide = scrolling.filter((element) => element.scrollWidth > element.clientWidth).map((element) => element.className || "page");
    const outside = [...document.querySelectorAll('[data-testid="message"], [data-testid="composer"], [data-testid="send"], header')].filter(
      (element) => element.getBoundingClientRect().right > window.innerWidth,
    );
    return [...wide, ...outside.map((element) => element.className || element.tagName)];
  });
  assert.deepEqual(over, [], `${what} is wider than the screen`);
}
