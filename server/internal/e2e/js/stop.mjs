// Stops an answer on the chat page of a running elizad, in Chromium, and looks at what is left of it.
//
//   node stop.mjs --url http://127.0.0.1:3000 --out DIR [--chromium /usr/bin/chromium]
//
// The agent's model must begin each answer with "One", and never end it.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { launch, watch } from "./chromium.mjs";

const PATIENCE_MS = 120_000; // spent only where a test fails

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    out: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
await mkdir(options.out, { recursive: true });

const browser = await launch(options.chromium);
try {
  const page = await browser.newPage({ reducedMotion: "reduce" });
  page.setDefaultTimeout(PATIENCE_MS);
  const record = watch(page, new URL(options.url).origin);
  await page.goto(options.url);
  await page.locator('[data-testid="composer"]:enabled').waitFor();

  await page.getByTestId("composer").fill("count");
  await page.getByTestId("send").click();
  await page.locator('[data-testid="message"][data-state="streaming"]').filter({ hasText: "One" }).waitFor();
  await page.screenshot({ path: path.join(options.out, "answering.png") });
  await page.getByTestId("stop").click();
  await left(page);
  await page.screenshot({ path: path.join(options.out, "answer-stopped.png") });
  await page.getByTestId("send").waitFor();

  record.leaving = true;
  await page.reload();
  record.leaving = false;
  await left(page);
  assert.deepEqual(record.problems, [], "problems the browser saw");
  console.log(JSON.stringify({ ok: true }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** Waits for what people read of the answer, which says that it was stopped. */
async function left(page) {
  const answer = page.locator('[data-testid="message"][data-author="agent"][data-state="stored"]');
  await answer.filter({ hasText: "the answer was stopped" }).waitFor();
  assert.equal(await answer.getByTestId("message-text").innerText(), "One");
}
