import { expect, it } from "vitest";
import { Identity, newId, type Stores } from "./identity";

function storage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (i: number) => [...items.keys()][i] ?? null,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  } as Storage;
}

const stores = (): Stores => ({ lasting: storage(), tab: storage() });
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
  const second = new Identity({ lasting: here.lasting, tab: storage() });
  expect([second.entityId, second.headers]).toEqual(["b850bc30-45f8-0041-a00a-83df46d8555d", { "X-API-KEY": "secret" }]);
});

it("forgets a key with the tab unless it is to be remembered", () => {
  const here = stores();
  new Identity(here).signIn("older", true);
  new Identity(here).signIn("secret", false);
  expect(new Identity(here).headers).toEqual({ "X-API-KEY": "secret" });
  expect(new Identity({ lasting: here.lasting, tab: storage() }).signedIn).toBe(false);
});

it("shows a token as one", () => {
  const identity = new Identity(stores());
  identity.signIn(jwt, false);
  expect([identity.headers, identity.handshake]).toEqual([{ Authorization: `Bearer ${jwt}` }, { token: jwt }]);
  identity.signIn("secret", false);
  expect(identity.handshake).toEqual({ apiKey: "secret" });
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
