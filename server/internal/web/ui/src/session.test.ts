import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Identity, type Stores } from "./identity";
import { ApiError, type Send } from "./request";
import { type Browser, Session } from "./session";
import { fakeStorage } from "./storage.fake";

const accessMs = 15 * 60_000;
const graceMs = 10_000;

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

/** A server with one user, whose refresh tokens are good once. Its clock may differ from the browser's. */
class FakeServer {
  generation = 0;
  refreshes = 0;
  ended = false;
  reachable = true;
  ahead = 0;
  private exchanged = 0;

  send: Send = async (_method, path, headers, body) => {
    await Promise.resolve();
    if (!this.reachable) throw new ApiError(0, "UNREACHABLE", "The server can't be reached.");
    const said = body as { password?: string; refreshToken?: string } | undefined;
    switch (path) {
      case "/api/auth/login":
        if (said?.password !== "right") throw new ApiError(401, "INVALID_CREDENTIALS", "Invalid credentials");
        this.ended = false;
        return this.tokens();
      case "/api/auth/refresh": {
        this.refreshes++;
        if (this.ended) throw new ApiError(401, "INVALID_TOKEN", "Invalid or expired token");
        if (said?.refreshToken === `r${this.generation}`) return this.tokens();
        if (said?.refreshToken === `r${this.generation - 1}` && Date.now() - this.exchanged < graceMs) {
          throw new ApiError(409, "CONFLICT", "The refresh token was exchanged a moment ago");
        }
        this.ended = true;
        throw new ApiError(401, "INVALID_TOKEN", "Invalid or expired token");
      }
      case "/api/auth/logout":
        if (headers.Authorization === `Bearer a.b.${this.generation}`) this.ended = true;
        return { data: undefined, at: null };
      default:
        throw new Error(path);
    }
  };

  private tokens() {
    this.generation++;
    this.exchanged = Date.now();
    const at = Date.now() + this.ahead;
    const data = { token: `a.b.${this.generation}`, refreshToken: `r${this.generation}`, entityId: "e1", username: "ada", expiresAt: at + accessMs };
    return { data, at };
  }
}

/** Tabs of one browser. Words between them arrive later, in order. */
class FakeBrowser {
  private readonly channels: { onmessage: ((event: MessageEvent) => void) | null }[] = [];
  private readonly locks = new Map<string, Promise<unknown>>();
  readonly lasting = fakeStorage();

  constructor(
    private readonly server: FakeServer,
    private readonly locking = true,
  ) {}

  tab(stores: Partial<Stores> = {}) {
    const happened: string[] = [];
    const channel: Browser["channel"] & { onmessage: ((event: MessageEvent) => void) | null } = {
      onmessage: null,
      postMessage: (data: unknown) => {
        const word = structuredClone(data);
        for (const other of this.channels) if (other !== channel) setTimeout(() => other.onmessage?.({ data: word } as MessageEvent), 1);
      },
    };
    this.channels.push(channel);
    const alone: Browser["alone"] = async (name, task) => {
      if (!this.locking) return task();
      const turn = (this.locks.get(name) ?? Promise.resolve()).then(task, task);
      this.locks.set(name, turn.catch(() => null));
      return turn;
    };
    const tab = stores.tab ?? fakeStorage();
    const session = new Session(new Identity({ lasting: stores.lasting ?? this.lasting, tab }), { send: this.server.send, alone, channel });
    const note = (what: string) => () => void happened.push(what);
    session.start({ renewed: note("renewed"), ended: note("ended"), signedIn: note("signedIn"), signedOut: note("signedOut") });
    return { session, happened, tab, close: () => void this.channels.splice(this.channels.indexOf(channel), 1) };
  }
}

/** A copy of a tab's store, as the browser makes one for a duplicated tab. */
function copyOf(store: Storage): Storage {
  const copy = fakeStorage();
  for (let i = 0; i < store.length; i++) copy.setItem(store.key(i)!, store.getItem(store.key(i)!)!);
  return copy;
}

it("refuses a wrong password, and stores nothing", async () => {
  const { session, tab } = new FakeBrowser(new FakeServer()).tab();
  await expect(session.logIn("ada@example.com", "wrong", true)).rejects.toThrow("Invalid credentials");
  expect([session.identity.signedIn, tab.length]).toEqual([false, 0]);
});

it("exchanges the tokens before they end, by the server's clock", async () => {
  const server = new FakeServer();
  server.ahead = 5 * 3600_000;
  const { session, happened } = new FakeBrowser(server).tab();
  await session.logIn("ada@example.com", "right", false);
  await vi.advanceTimersByTimeAsync(accessMs - 61_000);
  expect(server.refreshes).toBe(0);
  await vi.advanceTimersByTimeAsync(2_000);
  expect([server.refreshes, happened, session.identity.login?.token]).toEqual([1, ["renewed"], "a.b.2"]);
  await vi.advanceTimersByTimeAsync(accessMs);
  expect([server.refreshes, server.ended]).toEqual([2, false]);
});

for (const locking of [true, false]) {
  const how = locking ? "with locks" : "without locks";

  it(`exchanges once for all tabs that share a login, ${how}`, async () => {
    const server = new FakeServer();
    const browser = new FakeBrowser(server, locking);
    const one = browser.tab();
    await one.session.logIn("ada@example.com", "right", true);
    const others = [browser.tab(), browser.tab({ tab: copyOf(one.tab) })];
    for (let i = 0; i < 5; i++) await vi.advanceTimersByTimeAsync(accessMs);
    const tokens = [one, ...others].map(({ session }) => session.identity.login?.token);
    expect(server.ended).toBe(false);
    expect(new Set(tokens)).toEqual(new Set([`a.b.${server.generation}`]));
    if (locking) expect(server.refreshes).toBe(server.generation - 1);
  });

  it(`lets a copy of a tab live that has a login of its own store, ${how}`, async () => {
    const server = new FakeServer();
    const browser = new FakeBrowser(server, locking);
    const one = browser.tab();
    await one.session.logIn("ada@example.com", "right", false);
    const copy = browser.tab({ tab: copyOf(one.tab) });
    for (let i = 0; i < 5; i++) await vi.advanceTimersByTimeAsync(accessMs);
    expect([server.ended, copy.session.identity.login?.token, one.session.identity.login?.token]).toEqual([
      false, `a.b.${server.generation}`, `a.b.${server.generation}`,
    ]);
    expect(browser.lasting.getItem("elizad.login")).toBeNull();
  });
}

it("tries again when the server can't be reached", async () => {
  const server = new FakeServer();
  const { session, happened } = new FakeBrowser(server).tab();
  await session.logIn("ada@example.com", "right", false);
  server.reachable = false;
  await vi.advanceTimersByTimeAsync(accessMs);
  expect([happened, session.identity.signedIn]).toEqual([[], true]);
  server.reachable = true;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([happened, session.identity.login?.token]).toEqual([["renewed"], "a.b.2"]);
});

it("follows a login of another tab whose storing it sees only later than the word of it", async () => {
  const browser = new FakeBrowser(new FakeServer());
  const late = fakeStorage();
  const other = browser.tab({ lasting: late });
  await browser.tab().session.logIn("ada@example.com", "right", true);
  await vi.advanceTimersByTimeAsync(250);
  expect(other.happened).toEqual([]);
  late.setItem("elizad.login", browser.lasting.getItem("elizad.login")!);
  await vi.advanceTimersByTimeAsync(100);
  expect([other.happened, other.session.identity.login?.username]).toEqual([["signedIn"], "ada"]);
});

it("says once in each tab that a login has ended, keeps the address, and forgets the tokens", async () => {
  const server = new FakeServer();
  const browser = new FakeBrowser(server);
  const one = browser.tab();
  await one.session.logIn("ada@example.com", "right", true);
  const other = browser.tab();
  server.ended = true;
  await vi.advanceTimersByTimeAsync(2 * accessMs);
  expect([one.happened, other.happened]).toEqual([["ended"], ["ended"]]);
  expect([one.session.lastEmail, one.session.identity.signedIn, browser.lasting.getItem("elizad.login")]).toEqual(["ada@example.com", false, null]);
  await other.session.logIn("ada@example.com", "right", true);
  await vi.advanceTimersByTimeAsync(10);
  expect([one.happened, one.session.identity.login?.token]).toEqual([["ended", "signedIn"], "a.b.2"]);
});

it("renews only the token that it is asked about", async () => {
  const server = new FakeServer();
  const { session } = new FakeBrowser(server).tab();
  await session.logIn("ada@example.com", "right", false);
  await Promise.all([session.renew("a.b.1"), session.renew("a.b.1")]);
  await session.renew("a.b.1");
  expect(server.refreshes).toBe(1);
});

it("signs out everywhere in this browser, and at the server", async () => {
  const server = new FakeServer();
  const browser = new FakeBrowser(server);
  const [one, alone] = [browser.tab(), browser.tab()];
  alone.session.signIn("another key", false);
  await one.session.logIn("ada@example.com", "right", true);
  const other = browser.tab();
  await vi.advanceTimersByTimeAsync(accessMs * 1.5); // there are newer tokens since
  await one.session.signOut();
  await vi.advanceTimersByTimeAsync(10);
  expect([server.ended, browser.lasting.length, one.tab.length]).toEqual([true, 0, 0]);
  expect([other.happened.at(-1), other.session.identity.signedIn]).toEqual(["signedOut", false]);
  expect([alone.happened, alone.session.identity.headers]).toEqual([[], { "X-API-KEY": "another key" }]);
  await vi.advanceTimersByTimeAsync(accessMs);
  expect(server.refreshes).toBe(1);
});

it("forgets without the server, too", async () => {
  const server = new FakeServer();
  const { session, tab } = new FakeBrowser(server).tab();
  await session.logIn("ada@example.com", "right", false);
  server.reachable = false;
  await session.signOut();
  expect([session.identity.signedIn, tab.length]).toEqual([false, 0]);
});
