import { expect, it } from "vitest";
import { answeredNote } from "./outcome";

it.each([
  [{}, null],
  [{ status: "replied", detail: "REPLY" }, null],
  [{ status: "ignored" }, { tone: "info", text: "Eliza chose not to answer." }],
  [{ status: "ignored", reason: "muted" }, { tone: "info", text: "Eliza chose not to answer: muted." }],
  [
    { status: "failed", reason: "MODEL", detail: "The model is gone.", error: { message: "The model did not answer." } },
    { tone: "error", text: "Eliza could not answer: The model did not answer." },
  ],
  [{ status: "timed_out", error: "" }, { tone: "error", text: "Eliza took too long to answer." }],
  [{ status: "something new" }, { tone: "error", text: "Eliza could not answer." }],
])("says of %o", (event, want) => {
  expect(answeredNote("Eliza", event)).toEqual(want);
});
