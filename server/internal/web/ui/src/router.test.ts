import { expect, it } from "vitest";
import { agentInPath, pathOf } from "./router";

const id = "b850bc30-45f8-0041-a00a-83df46d8555d";

it.each([
  [pathOf(id), id],
  [`/chat/${id.toUpperCase()}/`, id],
  ["/", null],
  ["/chat/", null],
  ["/chat/eliza", null],
  [`/group/${id}`, null],
])("reads the agent of %s", (path, want) => {
  expect(agentInPath(path)).toBe(want);
});
