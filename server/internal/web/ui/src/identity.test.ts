import { expect, it } from "vitest";
import { Identity, type Login, newId, type Stores } from "./identity";
import { fakeStorage } from "./storage.fake";

const stores = (): Stores => ({ lasting: fakeStorage(), tab: fakeStorage() });
const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

it("makes random UUIDs of version 4", () => {
  expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newId()).not.toBe(newId());
});

it("stays the same visitor over visits, with a key that is to be remembered and under the id that the server gave", () => {
  const here = stores();
  const first = new Identity(here);
  expect(new Identity(here).entityId).toBe(first.entityId);
  first.adopt("b850bc30-45f8-0041-a00a-83df46d8555d");
  first.signIn("secret", true);
  const second = new Identity({ lasting: here.lasting, tab: fakeStorage() });
  expect([second.entityId, second.headers]).toEqual(["b850bc30-45f8-0041-a00a-83df46d8555d", { "X-API-KEY": "secret" }]);
});

it("forgets a key with the tab unless it is to be remembered", () => {
  const here = stores();
  new Identity(here).signIn("older", true);
  new Identity(here).signIn("secret", false);
  expect(new Identity(here).headers).toEqual({ "X-API-KEY": "secret" });
  expect(new Identity({ lasting: here.lasting, tab: fakeStorage() }).signedIn).toBe(false);
});

it("shows a token as one", () => {
  const identity = new Identity(stores());
  identity.signIn(jwt, false);
  expect([identity.headers, identity.handshake]).toEqual([{ Authorization: `Bearer ${jwt}` }, { token: jwt }]);
  identity.signIn("secret", false);
  expect(identity.handshake).toEqual({ apiKey: "secret" });
});

const login: Login = {
  id: "l1", email: "ada@example.com", username: "ada", entityId: "e1", token: jwt, refreshToken: "elr_1", expiresAt: 1000,
};

it("keeps a login and its next tokens where the user wanted it, and never the refresh token elsewhere", () => {
  for (const remember of [true, false]) {
    const here = stores();
    new Identity(here).signIn("older", !remember);
    const identity = new Identity(here);
    identity.signIn(login, remember);
    identity.renew({ ...login, token: `${jwt}2`, refreshToken: "elr_2" });
    expect([identity.means, identity.remembered, identity.handshake]).toEqual(["login", remember, { token: `${jwt}2` }]);
    expect(new Identity(here).login?.refreshToken).toBe("elr_2");
    expect(new Identity({ ...here, tab: fakeStorage() }).login?.refreshToken).toBe(remember ? "elr_2" : undefined);
    expect(new Identity({ ...here, lasting: fakeStorage() }).login?.refreshToken).toBe(remember ? undefined : "elr_2");
    identity.end();
    expect([identity.signedIn, new Identity(here).signedIn]).toEqual([false, false]);
  }
});

it("takes over what another tab stored, and keeps what it has where nothing may be stored", () => {
  const here = stores();
  const [one, other] = [new Identity(here), new Identity({ ...here, tab: fakeStorage() })];
  one.signIn(login, true);
  other.read();
  expect(other.login).toEqual(login);
  one.end();
  other.read();
  expect(other.signedIn).toBe(false);
  const blocked = new Identity({ lasting: null, tab: null });
  blocked.signIn(login, true);
  blocked.read();
  expect(blocked.login).toEqual(login);
});

it("is signed in with nothing where what is stored is not a login", () => {
  for (const text of ["{", "null", "7", '{"token":"x"}']) {
    const here = stores();
    here.lasting!.setItem("elizad.login", text);
    expect(new Identity(here).means).toBe("nothing");
  }
});

it("leaves nothing behind when the user signs out", () => {
  const here = stores();
  const identity = new Identity(here);
  identity.signIn(jwt, true);
  here.tab!.setItem("elizad.draft.x", "a draft");
  here.lasting!.setItem("another.page", "stays");
  identity.signOut();
  expect([here.tab!.length, here.lasting!.length, here.lasting!.key(0)]).toEqual([0, 1, "another.page"]);
  expect([identity.signedIn, identity.headers, identity.handshake]).toEqual([false, {}, {}]);
});

it("does not keep an id that no server would take", () => {
  const here = stores();
  here.lasting!.setItem("elizad.entityId", "nobody");
  const { entityId } = new Identity(here);
  expect(entityId).not.toBe("nobody");
  expect(new Identity(here).entityId).toBe(entityId);
});

it("works for one visit where nothing may be stored", () => {
  const identity = new Identity({ lasting: null, tab: null });
  identity.signIn("secret", true);
  expect([identity.entityId, identity.headers]).toEqual([expect.any(String), { "X-API-KEY": "secret" }]);
});
