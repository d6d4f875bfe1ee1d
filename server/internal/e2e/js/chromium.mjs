// What the browser tests share: how Chromium is started, and how all problems of a page are recorded.

import { chromium } from "playwright-core";

/** Starts Chromium with an empty profile, which playwright removes afterwards. It can reach this machine only. */
export function launch(executablePath) {
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ],
  });
}

/**
 * Records all requests and all problems of the page: console errors, uncaught errors, failed requests,
 * statuses from 400, requests to other hosts. `tolerates(problem)` exempts some; while `leaving` is set,
 * requests may end with the page that made them. Events of the socket are counted by name, over either transport.
 */
export function watch(page, origin, tolerates = () => false) {
  const record = { problems: [], requests: 0, events: {}, leaving: false };
  const note = (problem) => {
    if (!tolerates(problem)) record.problems.push(problem.text);
  };
  const count = (data) => {
    for (const [, name] of String(data).matchAll(/42(?:\/[^,]*,)?\d*\["([A-Za-z_]+)"/g)) record.events[name] = (record.events[name] ?? 0) + 1;
  };
  const askedFor = (url) => {
    record.requests++;
    const { protocol, host } = new URL(url);
    const own = ["http:", "https:", "ws:", "wss:"].includes(protocol) && host === new URL(origin).host;
    if (!own && protocol !== "data:" && protocol !== "blob:") note({ kind: "request", url, text: `a request to ${url}` });
  };

  page.on("console", (message) => {
    const { url } = message.location();
    if (message.type() === "error") note({ kind: "console", url, text: `on the console: ${message.text()} (${url})` });
  });
  page.on("pageerror", (error) => note({ kind: "uncaught", url: page.url(), text: `an uncaught ${error.stack ?? error}` }));
  page.on("request", (request) => askedFor(request.url()));
  page.on("requestfailed", (request) => {
    // Leaving a page cancels its open requests.
    const reason = request.failure()?.errorText ?? "";
    if (record.leaving && reason === "net::ERR_ABORTED") return;
    note({ kind: "failure", url: request.url(), text: `${request.method()} ${request.url()} failed: ${reason}` });
  });
  page.on("response", async (response) => {
    const asked = `${response.request().method()} ${response.url()}`;
    if (response.status() >= 400) note({ kind: "status", url: response.url(), text: `${asked} answered with status ${response.status()}` });
    if (response.url().includes("transport=polling")) count(await response.text().catch(() => ""));
  });
  page.on("websocket", (socket) => {
    askedFor(socket.url());
    socket.on("framereceived", ({ payload }) => count(payload));
    socket.on("socketerror", (error) => {
      if (!record.leaving) note({ kind: "failure", url: socket.url(), text: `${socket.url()} failed: ${error}` });
    });
  });
  return record;
}
