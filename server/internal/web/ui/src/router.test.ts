import { expect, it } from "vitest";
import { addressOfAgent, agentInAddress } from "./router";

const id = "b850bc30-45f8-0041-a00a-83df46d8555d";

it.each([
  [addressOfAgent(id), id],
  [`/chat/${id.toUpperCase()}/`, id],
  ["/", null],
  ["/chat/", null],
  ["/chat/eliza", null],
  [`/group/${id}`, null],
  [`/eliza/chat/${id}`, null],
])("reads the agent of %s", (address, want) => {
  expect(agentInAddress(address)).toBe(want);
});

it.each([
  [addressOfAgent(id, "/eliza/"), id],
  [`/eliza/chat/${id}/`, id],
  ["/eliza/", null],
  ["/eliza", null],
  [`/chat/${id}`, null],
])("reads the agent of %s below a path", (address, want) => {
  expect(agentInAddress(address, "/eliza/")).toBe(want);
});
