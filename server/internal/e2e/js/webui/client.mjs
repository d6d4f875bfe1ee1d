// The official web client in a browser, used as a person would.

import assert from "node:assert/strict";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";

import { watch } from "../chromium.mjs";

// How long something expected may take. Only a failing test uses it up.
export const PATIENCE_MS = 120_000;

// Hosts that the page requests by itself, with any server: for the newest release and for a list of plugins. The policy
// of the pages lets it reach neither, as on a machine without a network, and the browser and the page say so on the console.
const outside = new Set(["api.github.com", "raw.githubusercontent.com"]);
const complaints = [
  /Failed to fetch from registry, falling back to basic list/,
  /Failed to fetch plugin registry/,
  /https:\/\/(api\.github|raw\.githubusercontent)\.com\/.*Content Security Policy/,
];

// The placeholder for an agent's picture until the agent is loaded. The page stops loading it then.
const standIn = /elizaos-icon\.png failed: net::ERR_ABORTED$/;

function tolerates({ kind, url, text }) {
  return (kind === "failure" && standIn.test(text)) || (URL.canParse(url) && outside.has(new URL(url).host)) || (kind === "console" && complaints.some((c) => c.test(text)));
}

/** One open page of the client. */
export class Client {
  constructor(page, origin, options) {
    Object.assign(this, { page, origin, options, record: watch(page, origin, tolerates) });
    page.setDefaultTimeout(PATIENCE_MS);
  }

  /** Opens a browser window with an empty profile, which can reach this machine only. */
  static async open(browser, origin, options) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce" });
    await context.route((url) => url.origin !== origin && /^https?:$/.test(url.protocol), (route) => route.abort());
    await context.addInitScript(keepNotices);
    return new Client(await context.newPage(), origin, options);
  }

  /** The first visit, with a welcome that a person skips. */
  async visit() {
    await this.goto("/");
    await this.page.getByRole("button", { name: "Skip" }).click();
    await this.page.getByText("Welcome to ElizaOS").first().waitFor({ state: "detached" });
    if (this.options.owner) await this.own();
  }

  /** Takes the owner's token, as its owner does by the address that the server prints. */
  async own() {
    await this.goto(`/owner#${this.options.owner}`);
    await this.page.waitForURL(new URL("/", this.origin).href);
  }

  async goto(address) {
    await this.leaving(() => this.page.goto(new URL(address, this.origin).href));
  }

  async reload() {
    await this.leaving(() => this.page.reload());
  }

  /** Does something that makes the client reload itself, which cancels open requests. */
  async leaving(go) {
    this.record.leaving = true;
    await go();
    this.record.leaving = false;
  }

  screenshot(name) {
    return this.page.screenshot({ path: path.join(this.options.out, `webui-${name}.png`) });
  }

  /** Waits for a notice in the corner, where the next may replace it at once. */
  async notice(text) {
    await this.until(
      () =>
        this.page.evaluate((text) => {
          const at = window.notices.findIndex((notice) => notice.includes(text));
          return at >= 0 && window.notices.splice(at, 1).length > 0;
        }, text),
      `the notice "${text}"`,
    );
  }

  /** Chooses from the menu that a button has at its side; the panel of an agent may have a menu of the same name. */
  async menu(button, item) {
    await this.page.getByRole("button", { name: button }).locator("..").getByRole("button", { name: "More options" }).click();
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  /** Answers the confirmation dialog. */
  async confirm(button) {
    const dialog = this.page.getByRole("alertdialog");
    await dialog.getByRole("button", { name: button, exact: true }).click();
    await dialog.waitFor({ state: "detached" });
  }

  /** The card of an agent on the home page. */
  card(agent) {
    return this.page.getByTestId("agent-card").filter({ has: this.page.getByRole("heading", { name: agent, exact: true }) });
  }

  /** Opens an entry of the list on the left. */
  async choose(name) {
    await this.page.getByTestId("app-sidebar").getByRole("button", { name }).first().click();
  }

  get input() {
    return this.page.getByTestId("chat-input");
  }

  /** Waits for a chat with an enabled input. */
  async ready() {
    await this.page.locator('[data-testid="chat-input"]:enabled').waitFor();
    await this.page.getByTestId("connection-status").filter({ hasText: "Connected" }).waitFor();
  }

  /** The messages on the page: who wrote them and what they say. In a group, an agent's have its name over them. */
  messages() {
    return this.page.getByTestId("chat-messages").locator(".justify-end:has(.group), .justify-start:has(.group)").evaluateAll((rows) =>
      rows
        .filter((row) => row.querySelector(":scope > .group"))
        .map((row) => ({
          by: row.classList.contains("justify-end") ? "user" : (row.querySelector(".text-muted-foreground > div:last-child")?.textContent || "agent"),
          text: row.querySelector(".space-y-3")?.innerText.trim() ?? "",
        })),
    );
  }

  /** The row of the message with a text. */
  row(text) {
    return this.page.getByTestId("chat-messages").locator(".group").filter({ hasText: text }).first();
  }

  /** Sends the text in the input and waits for the outcomes of a number of agents. Returns the messages that were added. */
  async send(agents = 1) {
    const before = await this.messages();
    const done = (this.record.events.messageComplete ?? 0) + agents;
    await this.page.getByTestId("send-button").click();
    await this.until(() => (this.record.events.messageComplete ?? 0) >= done, `${agents} outcomes`);
    await this.ready();
    const after = await this.settled();
    assert.deepEqual(after.slice(0, before.length), before, "what stood there before");
    return after.slice(before.length);
  }

  /** Sends a message to one agent, and returns its answer, which must be the only one. */
  async say(text) {
    await this.input.fill(text);
    const added = await this.send();
    assert.equal(added.length, 2, `"${text}" added ${JSON.stringify(added)}`);
    const [said, answer] = added;
    assert.deepEqual(said, { by: "user", text });
    assert.notEqual(answer.by, "user");
    assert.ok(answer.text, "an answer without words");
    return answer.text;
  }

  /** The messages, once the page has shown everything that has arrived. */
  async settled() {
    await this.shown();
    return this.messages();
  }

  /** Waits until the messages are these; view selects what is compared. */
  async sees(expected, what, view = (messages) => messages) {
    let messages;
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await this.page.waitForTimeout(20)) {
      messages = view(await this.settled());
      if (isDeepStrictEqual(messages, expected)) return;
    }
    assert.deepEqual(messages, expected, what);
  }

  /** Waits until the page has shown everything that has arrived. */
  async shown() {
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }

  /** Waits until a condition holds that no locator can wait for. */
  async until(check, what) {
    for (const deadline = Date.now() + PATIENCE_MS; !(await check()); ) {
      assert.ok(Date.now() < deadline, `timed out waiting for ${what}`);
      await this.page.waitForTimeout(20);
    }
  }

  /** Opens the panel on the right, if it is not open, at a tab. */
  async panel(tab) {
    const open = this.page.locator("button:has(svg.lucide-panel-right)");
    const tabs = this.page.getByRole("tab", { name: tab, exact: true });
    await open.or(tabs).first().waitFor();
    if (!(await tabs.first().isVisible())) await open.click();
    await tabs.first().click();
    return this.page.locator('[role="tabpanel"][data-state="active"]').first();
  }
}

/** Runs in the page before everything else: keeps the texts of the notices that were shown. */
function keepNotices() {
  window.notices = [];
  new MutationObserver((changes) => {
    for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (!(node instanceof Element)) continue;
      for (const notice of [node, ...node.querySelectorAll("li")]) {
        if (notice.matches("li[data-state=open]")) window.notices.push(notice.textContent);
      }
    }
  }).observe(document, { childList: true, subtree: true });
}
