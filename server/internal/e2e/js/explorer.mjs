// Tries out operations of the API explorer of a running elizad in Chromium, as its page fills them in: nothing is typed but the
// key, if there is one.
//
//   node explorer.mjs OPERATION... --url http://127.0.0.1:3000 [--key KEY] [--chromium /usr/bin/chromium]
//
// It prints one line of JSON and exits with 0 if all of them succeed; otherwise it says what happened and exits with 1. What they
// would do one by one is for explorer-walk.mjs, which is fast.

import assert from "node:assert/strict";
import { parseArgs } from "node:util";

import { launch, watch } from "./chromium.mjs";

const PATIENCE_MS = 120_000; // spent only where a test fails

const { values: options, positionals: operations } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    key: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
if (!options.url || operations.length === 0) {
  console.error("usage: node explorer.mjs OPERATION... --url URL [--key KEY] [--chromium PATH]");
  process.exit(2);
}

const browser = await launch(options.chromium);
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  page.setDefaultTimeout(PATIENCE_MS);
  // Without the key the page can't read what it would fill in, which the browser notes.
  const record = watch(page, options.url, ({ kind, url }) => options.key && ["status", "console"].includes(kind) && url.endsWith("/api/agents"));
  await page.goto(new URL("docs", options.url).href);
  await page.locator(".opblock-tag").first().waitFor();
  assert.equal(await page.locator(".opblock").count(), 0, "operations that are shown before their group is opened");
  if (options.key) await authorize(page, options.key);
  for (const button of await page.locator(".opblock-tag button.expand-operation").all()) await button.click();
  for (const id of operations) await tryOut(page.locator(`.opblock[id$="-${id}"]`), id);
  await page.setViewportSize({ width: 360, height: 800 });
  for (const id of operations) await page.locator(`.opblock[id$="-${id}"] .opblock-summary-control`).click();
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, "the width of the page on a phone");
  assert.deepEqual(record.problems, [], "problems the browser saw");
  console.log(JSON.stringify({ ok: true, operations: operations.length, requests: record.requests }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function tryOut(operation, id) {
  await operation.locator(".opblock-summary-control").click();
  await operation.locator("button.execute").waitFor();
  // Everything can be named by a screen reader, and reached by the keyboard.
  const unnamed = ":is(.body-param textarea, [data-param-name] :is(input, select), .responses-table):not([aria-label]), pre.microlight:not([tabindex])";
  await operation.locator(unnamed).first().waitFor({ state: "detached" });
  assert.equal(await operation.locator(".opblock-summary-control a").count(), 0, `${id}: a link in a button`);
  await operation.locator("button.execute").click();
  const answer = operation.locator(".live-responses-table tbody tr").first();
  await answer.waitFor();
  const status = await answer.locator(".response-col_status").innerText();
  assert.match(status, /^2\d\d/, `${id}: ${await operation.locator(".request-url").innerText()} is answered with ${await answer.innerText()}`);
  await operation.locator(".opblock-summary-control").click();
}

async function authorize(page, key) {
  await page.locator("button.authorize").first().click();
  const scheme = page.locator(".auth-container:has(#api_key_value)").filter({ hasText: "Name: X-API-KEY" });
  await scheme.locator("input").fill(key);
  // With the key the page reads ids of the server, and fills them in.
  await Promise.all([
    page.waitForResponse((response) => response.url().endsWith("/api/agents") && response.ok()),
    scheme.locator("button.authorize").click(),
  ]);
  await page.locator('#explorer[aria-busy="false"]').waitFor();
  await page.locator(".modal-ux .close-modal").click();
}
