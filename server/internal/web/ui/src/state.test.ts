import { describe, expect, it } from "vitest";
import { type Action, chatOfChannel, defaultAgent, initialState, reduce, selectedAgent, type State } from "./state";
import { Store } from "./store";

const eliza = { id: "a1", name: "Eliza", bio: "", active: true };
const marvin = { id: "a2", name: "Marvin", bio: "", active: false };

function after(...actions: Action[]): State {
  return actions.reduce(reduce, initialState("me", null));
}

const loaded: Action = { type: "agentsLoaded", agents: [marvin, eliza] };

describe("agents", () => {
  it("opens the first that is running", () => {
    expect(defaultAgent([marvin, eliza])).toBe(eliza);
    expect(defaultAgent([marvin])).toBe(marvin);
    expect(defaultAgent([])).toBeNull();
  });

  it("selects only what exists", () => {
    expect(selectedAgent(after(loaded, { type: "selected", agentId: "a1" }))).toEqual(eliza);
    expect(selectedAgent(after(loaded, { type: "selected", agentId: "nobody" }))).toBeNull();
  });

  it("start and stop, and stay as they are when that fails", () => {
    const switching = after(loaded, { type: "switching", agentId: "a2" });
    expect(switching.switching).toEqual(["a2"]);
    const started = reduce(switching, { type: "switched", agentId: "a2", active: true });
    expect(started.agents?.[0]?.active).toBe(true);
    const failed = reduce(switching, { type: "switched", agentId: "a2", active: null });
    expect(failed).toMatchObject({ switching: [], agents: [{ active: false }, { active: true }] });
  });

  it("stay on the page when a later reading of the list fails", () => {
    const state = after(loaded, { type: "agentsFailed", error: "The server can't be reached." });
    expect(state.agents).toHaveLength(2);
    expect(state.agentsError).toBe("The server can't be reached.");
    expect(reduce(state, loaded).agentsError).toBeNull();
  });
});

describe("conversations", () => {
  const opened: Action = { type: "chat", agentId: "a1", change: { type: "opened", channelId: "c1" } };

  it("are found by their channel", () => {
    const state = after(loaded, opened);
    expect(chatOfChannel(state, "c1")?.agentId).toBe("a1");
    expect(chatOfChannel(state, "c2")).toBeNull();
  });
});

it("notifies listeners of changes until they unsubscribe", () => {
  const store = new Store(initialState("me", null));
  let calls = 0;
  const stop = store.subscribe(() => calls++);
  store.dispatch(loaded);
  expect(calls).toBe(1);
  stop();
  store.dispatch({ type: "selected", agentId: "a1" });
  expect(calls).toBe(1);
});
