import { expect, it } from "vitest";
import { Identity, newId } from "./identity";

function storage(): Storage {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  } as Storage;
}

it("makes random UUIDs of version 4", () => {
  expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(newId()).not.toBe(newId());
});

it("stays the same visitor over visits, with the key and under the id that the server gave", () => {
  const store = storage();
  const first = new Identity(store);
  expect(new Identity(store).entityId).toBe(first.entityId);
  first.adopt("b850bc30-45f8-0041-a00a-83df46d8555d");
  first.useKey("secret");
  const second = new Identity(store);
  expect([second.entityId, second.apiKey]).toEqual(["b850bc30-45f8-0041-a00a-83df46d8555d", "secret"]);
});

it("does not keep an id that no server would take", () => {
  const store = storage();
  store.setItem("elizad.entityId", "nobody");
  const { entityId } = new Identity(store);
  expect(entityId).not.toBe("nobody");
  expect(new Identity(store).entityId).toBe(entityId);
});

it("works for one visit where nothing may be stored", () => {
  const identity = new Identity(null);
  identity.useKey("secret");
  expect([identity.entityId, identity.apiKey]).toEqual([expect.any(String), "secret"]);
});
