// Signs in to the chat page of a running elizad in Chromium: by a key, a token and a password, and does what people do with a login.
//
//   node signin.mjs --url http://127.0.0.1:3000 --key KEY --token JWT --out DIR [--chromium /usr/bin/chromium]
//
// The server has users and lets people register; the key is an admin's. It prints one line of JSON and exits with 0, or says what
// happened and exits with 1. Pictures of the dialogs go to DIR.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { launch, watch } from "./chromium.mjs";

const PATIENCE_MS = 60_000; // spent only where a test fails
const WIDTHS = { phone: { width: 360, height: 740 }, tablet: { width: 768, height: 1024 }, desktop: { width: 1280, height: 800 } };
const PASSWORD = "correct horse battery";

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    key: { type: "string" },
    token: { type: "string" },
    out: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
if (!options.url || !options.key || !options.token || !options.out) {
  console.error("usage: node signin.mjs --url URL --key KEY --token JWT --out DIR [--chromium PATH]");
  process.exit(2);
}
await mkdir(options.out, { recursive: true });

const browser = await launch(options.chromium);
let latest = null;
try {
  const done = [];
  for (const story of [byKey, byToken, byRegistering, byPassword, overARefresh, ofAnEndedLogin, inTheExplorer, withAnotherPassword]) {
    await story();
    done.push(story.name);
  }
  console.log(JSON.stringify({ ok: true, done }));
} catch (error) {
  await latest?.page.screenshot({ path: path.join(options.out, "failed.png") }).catch(() => {});
  const seen = latest?.record.problems.map((problem) => `\n  the browser saw: ${problem}`).join("") ?? "";
  console.error(`${error.stack}${seen}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** A server with users asks for a password first; a key is a turn away. A wrong one is refused, and none stays after signing out. */
async function byKey() {
  const { open, close } = await visitor();
  const tab = await open();
  await tab.get("sign-in-password").waitFor();
  await tab.get("way-key").click();
  await tab.show("not the key");
  await tab.says("key-problem", /did not accept/);
  await tab.show(options.key);
  await tab.ready();
  assert.equal(await tab.get("who").locator(".who-name").innerText(), "With an API key");
  await tab.signsOut();
  await close();
}

async function byToken() {
  const { open, close } = await visitor();
  const tab = await open();
  await tab.get("way-key").click();
  await tab.show(options.token);
  await tab.ready();
  assert.equal(await tab.get("who").locator(".who-name").innerText(), "With a token");
  await tab.page.reload();
  await tab.ready();
  await tab.signsOut();
  await close();
}

/** Makes the users of the stories that follow, by hand and by the keyboard alone, at all widths. */
async function byRegistering() {
  const { open, close } = await visitor();
  const tab = await open();
  await pictures(tab.page, "sign-in");
  await tab.get("way-register").focus();
  await tab.page.keyboard.press("Enter");
  await tab.get("form-register").waitFor();
  await tab.focused("sign-in-email");
  for (const text of ["ada@example.com", "ada", "short"]) {
    await tab.page.keyboard.type(text);
    await tab.page.keyboard.press("Tab");
  }
  await tab.page.keyboard.press("Enter"); // on the box, which sends the form
  await tab.says("key-problem", /at least 8 characters/);
  await tab.focused("sign-in-password");
  assert.equal(await tab.get("sign-in-password").getAttribute("aria-invalid"), "true");
  await pictures(tab.page, "register");
  await tab.page.keyboard.press("Control+A");
  await tab.page.keyboard.type(PASSWORD);
  await tab.page.keyboard.press("Enter");
  await tab.ready();
  assert.equal(await tab.get("who").locator(".who-name").innerText(), "ada");
  await pictures(tab.page, "signed-in");
  await tab.get("account").click();
  assert.match(await tab.get("account-email").filter({ hasText: "@" }).innerText(), /ada@example\.com/);
  await pictures(tab.page, "account");
  await close();
}

/** A login lives as long as its tab, in that tab alone, and its tokens are in no address. */
async function byPassword() {
  const { open, close } = await visitor();
  const tab = await open();
  await tab.logIn("wrong password");
  await tab.says("key-problem", /not the right/);
  await tab.focused("sign-in-password");
  await tab.logIn(PASSWORD);
  await tab.ready();
  await tab.talk("Hello");
  const { token, refreshToken } = await tab.login();
  await tab.page.reload();
  await tab.ready();
  assert.deepEqual(await stored(tab.page, "localStorage", "elizad.login"), null, "a login that was not to be remembered");
  const second = await open();
  await second.get("sign-in-password").waitFor();
  await tab.signsOut();
  for (const address of tab.addresses) for (const secret of [token, refreshToken, PASSWORD]) assert.ok(!address.includes(encodeURIComponent(secret)), address);
  await ended(token, refreshToken);
  await close();
}

/** Two tabs share a login: one of them exchanges its tokens, both go on with them, and signing out is for both. */
async function overARefresh() {
  const { context, open, close } = await visitor();
  await context.clock.install();
  const tab = await open();
  await tab.logIn(PASSWORD, true);
  await tab.ready();
  const second = await open();
  await second.ready();
  const tabs = [tab, second];
  const refreshes = () => tabs.flatMap(({ addresses }) => addresses).filter((address) => address.endsWith("/api/auth/refresh")).length;
  for (let round = 1; round <= 3; round++) {
    const before = await tab.login();
    const connections = tabs.map((t) => t.tokens.size);
    await context.clock.fastForward("14:10");
    for (const [i, t] of tabs.entries()) {
      await until(async () => (await t.login()).token !== before.token, "another access token");
      await until(() => t.tokens.size > connections[i], "a connection with the new access token");
      await t.ready();
    }
    assert.deepEqual([(await tab.login()).token, refreshes()], [(await second.login()).token, round], "the tokens, and how often they were exchanged");
    for (const t of tabs) assert.ok(t.tokens.has((await t.login()).token), "the token of the socket");
  }
  await tab.talk("Still here");
  await second.get("message").filter({ hasText: "Still here" }).waitFor();
  const { token, refreshToken } = await tab.login();
  await tab.signsOut();
  await second.get("sign-in-password").waitFor();
  assert.deepEqual(await kept(second.page), [], "what the other tab keeps");
  await ended(token, refreshToken);
  await close();
}

/** An admin ends the login: the page asks again, and what was typed stays, as does the conversation. */
async function ofAnEndedLogin() {
  const { open, close } = await visitor();
  const tab = await open();
  await tab.logIn(PASSWORD, true);
  await tab.ready();
  await tab.talk("Before the end");
  const draft = "Half a thought that";
  await tab.get("composer").fill(draft);
  await revoke((await tab.login()).entityId);
  await tab.says("key-problem", /signed out/);
  await pictures(tab.page, "ended");
  assert.deepEqual([await stored(tab.page, "localStorage", "elizad.login"), await tab.get("sign-in-email").inputValue()], [null, "ada@example.com"]);
  await tab.focused("sign-in-password");
  await tab.page.keyboard.press("Escape");
  await tab.page.keyboard.press("Escape");
  await tab.get("key-dialog").waitFor();
  await tab.get("sign-in-password").fill(PASSWORD);
  await tab.page.keyboard.press("Enter");
  await tab.ready();
  assert.equal(await tab.get("composer").inputValue(), draft, "what was typed");
  await tab.get("message").filter({ hasText: "Before the end" }).waitFor();
  await tab.talk(draft);
  await close();
}

/** Another password ends the other logins, and not this one. */
async function withAnotherPassword() {
  const here = await visitor();
  const there = await visitor();
  const tab = await here.open();
  const other = await there.open();
  for (const t of [other, tab]) {
    await t.logIn(PASSWORD);
    await t.ready();
  }
  await tab.get("account").click();
  const change = async (current, next, again) => {
    await tab.get("password-current").fill(current);
    await tab.get("password-new").fill(next);
    await tab.get("password-again").fill(again);
    await tab.get("password-submit").click();
  };
  await change("wrong password", "staple incorrect cell", "staple incorrect cell");
  await tab.says("password-problem", /present password/);
  await tab.focused("password-current");
  await change(PASSWORD, "staple incorrect cell", "another one");
  await tab.says("password-problem", /different/);
  await change(PASSWORD, "staple incorrect cell", "staple incorrect cell");
  await tab.get("password-changed").waitFor();
  await tab.get("account-close").click();
  await other.says("key-problem", /signed out/);
  await tab.talk("Still here with another password");
  await other.logIn(PASSWORD);
  await other.says("key-problem", /not the right/);
  await other.logIn("staple incorrect cell");
  await other.ready();
  await here.close();
  await there.close();
}

/** The explorer keeps a key as the reader chooses, forgets it on demand, shares the login of the page, and says when it has ended. */
async function inTheExplorer() {
  const { open, close } = await visitor();
  const { page } = await open("docs");
  const bar = page.locator("#session");
  const state = (text) => bar.getByRole("status").filter({ hasText: text }).waitFor();
  const says = (text) => bar.getByRole("alert").filter({ hasText: text }).waitFor();
  const authorize = async (field, value) => {
    const scheme = page.locator(`.auth-container:has(${field})`).filter({ hasText: field === "#api_key_value" ? "Name: X-API-KEY" : /bearer/i });
    await scheme.locator("input").fill(value);
    await scheme.locator("button.authorize").click();
  };
  const execute = async (status) => {
    await page.locator('#explorer[aria-busy="false"]').waitFor();
    const tag = page.locator("#operations-tag-agents");
    const operation = page.locator("#operations-agents-listAgents");
    if ((await tag.getAttribute("data-is-open")) === "false") await tag.locator("button.expand-operation").click();
    await operation.waitFor();
    if (!(await operation.evaluate((element) => element.classList.contains("is-open")))) await operation.locator(".opblock-summary-control").click();
    await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/api/agents") && response.status() === status),
      operation.locator("button.execute").click(),
    ]);
  };
  await state("Not signed in");
  await bar.getByRole("button", { name: "Sign in" }).click();
  await authorize("#api_key_value", "not the key");
  await says("does not accept this API key");
  await page.locator(".modal-ux .close-modal").click();
  await pictures(page, "explorer-refused");
  await bar.getByRole("button", { name: "Forget" }).click();
  await state("Not signed in");
  assert.deepEqual(await kept(page), []);

  await bar.getByRole("button", { name: "Sign in" }).click();
  await authorize("#api_key_value", options.key);
  await state("sent with an API key, until this tab is closed");
  await page.locator(".modal-ux .close-modal").click();
  await execute(200);
  assert.deepEqual(await stored(page, "localStorage", "elizad.apiKey"), null);
  await bar.getByRole("checkbox").check();
  await state("remembered on this device");
  await page.reload();
  await state("sent with an API key, remembered on this device");
  await execute(200);
  await bar.getByRole("button", { name: "Forget" }).click();
  await state("Not signed in");
  await execute(401);
  await page.reload();
  await state("Not signed in");
  assert.deepEqual(await kept(page), []);

  await bar.getByRole("button", { name: "Sign in" }).click();
  await authorize("#auth-bearer-value", options.token);
  await state("sent with a token");
  await page.locator(".modal-ux .close-modal").click();
  await execute(200);
  await bar.getByRole("button", { name: "Forget" }).click();

  const chat = await open();
  await chat.logIn(PASSWORD, true);
  await chat.ready();
  await state("sent as ada, remembered on this device");
  await execute(200);
  await pictures(page, "explorer");
  await chat.page.close();
  await revoke((await stored(page, "localStorage", "elizad.login").then(JSON.parse)).entityId);
  await execute(401);
  await says("Your login has ended");
  await state("Not signed in");
  await close();
}

/** A person with a browser of their own, who opens tabs of the page. What these see of problems is checked when it is closed. */
async function visitor() {
  const context = await browser.newContext({ viewport: WIDTHS.desktop, colorScheme: "light", reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  const tabs = [];
  const open = async (address = "") => {
    const tab = newTab(await context.newPage());
    tabs.push(tab);
    latest = tab;
    await tab.page.goto(new URL(address, options.url).href);
    return tab;
  };
  const close = async () => {
    for (const { record } of tabs) {
      record.leaving = true;
      assert.deepEqual(record.problems, [], "problems the browser saw");
    }
    await context.close();
  };
  return { context, open, close };
}

function newTab(page) {
  // Refusals are what these stories are about; each is told to the person.
  const record = watch(page, options.url, ({ kind, url }) => ["status", "console"].includes(kind) && new URL(url).pathname.startsWith("/api/"));
  record.leaving = true; // signing out and in may load the page again
  const addresses = [];
  const tokens = new Set(); // that sockets have shown
  const sees = (text) => {
    for (const [, token] of String(text ?? "").matchAll(/40\{[^}]*"token":"([^"]+)"/g)) tokens.add(token);
  };
  page.on("request", (request) => {
    addresses.push(request.url());
    if (request.url().includes("/socket.io/")) sees(request.postData());
  });
  page.on("websocket", (socket) => {
    addresses.push(socket.url());
    socket.on("framesent", ({ payload }) => sees(payload));
  });
  const get = (id) => page.getByTestId(id);
  const tab = {
    page, record, addresses, tokens, get,
    async show(credential) {
      await get("key-input").fill(credential);
      await get("key-submit").click();
    },
    async logIn(password, remember = false) {
      await get("sign-in-email").fill("ada@example.com");
      await get("sign-in-password").fill(password);
      await get("key-remember").setChecked(remember);
      await get("key-submit").click();
    },
    /** Waits for a connected page with an agent to talk to, and nothing in front of it. */
    async ready() {
      await get("key-dialog").waitFor({ state: "detached" });
      await page.locator('[data-testid="connection-state"][data-state="connected"]').waitFor();
      await page.locator('[data-testid="composer"]:enabled').waitFor();
    },
    async talk(text) {
      const answers = page.locator('[data-testid="message"][data-author="agent"][data-state="stored"]');
      const before = await answers.count();
      await get("composer").fill(text);
      await get("send").click();
      await answers.nth(before).waitFor();
    },
    async says(id, words) {
      const alert = get(id).filter({ hasText: words });
      await alert.waitFor();
      assert.equal(await alert.getAttribute("role"), "alert");
    },
    focused: (id) => until(() => get(id).evaluate((element) => element === document.activeElement), `the focus in ${id}`),
    async login() {
      return JSON.parse((await stored(page, "localStorage", "elizad.login")) ?? (await stored(page, "sessionStorage", "elizad.login")));
    },
    /** Signs out, after which the page asks again, and has kept nothing but the id of another visitor. */
    async signsOut() {
      const visitor = await stored(page, "localStorage", "elizad.entityId");
      await get("composer").fill("What nobody else should read");
      await get("sign-out").click();
      await get("sign-in-password").waitFor();
      assert.deepEqual(await kept(page), [], "what is kept");
      assert.notEqual(await stored(page, "localStorage", "elizad.entityId"), visitor, "the id of the visitor");
    },
  };
  return tab;
}

function stored(page, store, name) {
  return page.evaluate(([store, name]) => window[store].getItem(name), [store, name]);
}

/** The names of what the page keeps, but for the id of a visitor. */
function kept(page) {
  return page.evaluate(() => [localStorage, sessionStorage].flatMap((store) => Object.keys(store)).filter((name) => name !== "elizad.entityId"));
}

async function ask(operation, body, headers = {}) {
  const init = { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
  return fetch(new URL(`api/auth/${operation}`, options.url), init);
}

async function revoke(entityId) {
  assert.equal((await ask("revocations", { entityId }, { "X-API-KEY": options.key })).status, 201);
}

/** The tokens of a login are good for nothing any more. */
async function ended(token, refreshToken) {
  assert.equal((await ask("logout", {}, { Authorization: `Bearer ${token}` })).status, 401, "the access token");
  assert.equal((await ask("refresh", { refreshToken })).status, 401, "the refresh token");
}

/** Waits until something holds. */
async function until(holds, what) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; ) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} does not come`);
}

/** Looks at a page at all widths, light and dark: nothing is wider than the screen. */
async function pictures(page, name) {
  for (const [width, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(options.out, `${name}-${width}-${colorScheme}.png`) });
    }
    const over = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll("dialog, dialog *, .who, .who *")]
        .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 0.5)
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(over, [], `${name} is wider than the screen of a ${width}`);
  }
  await page.setViewportSize(WIDTHS.desktop);
  await page.emulateMedia({ colorScheme: "light" });
}
