// Drives the official web client, unmodified, as an elizad serves it with --ui-dir.
//
//   node webui/main.mjs FLOW... --url http://127.0.0.1:3000 --out DIR [--gate URL] [--owner TOKEN] [--chromium /usr/bin/chromium]
//
// The flows run one after the other in one window, which begins at the home page. Any problem in the page counts, even if nothing looks wrong: errors on the console, uncaught errors, statuses from 400, requests that
// fail. Screenshots go to DIR. One line of JSON and exit status 0 mean that all is well; otherwise it prints what is not and
// exits with 1.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";

import { launch } from "../chromium.mjs";
import { agents } from "./agents.mjs";
import { chat } from "./chat.mjs";
import { failing } from "./failing.mjs";
import { Client } from "./client.mjs";
import { groups } from "./groups.mjs";
import { grow } from "./grow.mjs";
import { insight } from "./insight.mjs";
import { locked } from "./locked.mjs";
import { panels } from "./panels.mjs";
import { settings } from "./settings.mjs";
import { talk } from "./talk.mjs";

const flows = { chat, grow, talk, agents, groups, insight, settings, failing, locked, panels };

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    out: { type: "string" },
    gate: { type: "string" }, // where the model is asked for its next word
    owner: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
if (!options.url || !options.out || names.length === 0 || names.some((name) => !flows[name])) {
  console.error(`usage: node webui/main.mjs FLOW... --url URL --out DIR [--chromium PATH]\nflows: ${Object.keys(flows).join(", ")}`);
  process.exit(2);
}
await mkdir(options.out, { recursive: true });
const browser = await launch(options.chromium);
try {
  console.log(JSON.stringify({ ok: true, ...(await run()) }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function run() {
  const client = await Client.open(browser, new URL(options.url).origin, options);
  const seconds = {};
  await client.visit();
  for (const name of names) {
    const begin = Date.now();
    try {
      await flows[name](client);
      assert.deepEqual(client.record.problems, [], "problems the browser saw");
    } catch (error) {
      await client.screenshot(`failed-${name}`).catch(() => {});
      const seen = client.record.problems.map((problem) => `\n  the browser saw: ${problem}`).join("");
      throw new Error(`${name}: ${error.stack ?? error.message}${seen}`, { cause: error });
    }
    seconds[name] = (Date.now() - begin) / 1000;
  }
  return { seconds, requests: client.record.requests, events: client.record.events };
}
