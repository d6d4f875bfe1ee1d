import { expect, it } from "vitest";
import type { CompleteEvent } from "./events";
import type { Note } from "./chat";
import { outcomeNote } from "./outcome";

type Outcome = Pick<CompleteEvent, "status" | "reason" | "detail" | "error">;

it.each<[Outcome, Note | null]>([
  [{ status: "replied", detail: "The agent answered" }, null],
  [{ status: "completed" }, null],
  [{ status: "ignored" }, { tone: "info", text: "Eliza chose not to answer." }],
  [{ status: "ignored", reason: "muted" }, { tone: "info", text: "Eliza chose not to answer (muted)." }],
  [
    { status: "ignored", reason: "muted", detail: "It is muted in this room" },
    { tone: "info", text: "Eliza chose not to answer. It is muted in this room." },
  ],
  [
    { status: "failed", reason: "MODEL", detail: "The model is gone.", error: "The model did not answer." },
    { tone: "error", text: "Eliza could not answer. The model did not answer." },
  ],
  [{ status: "timed_out", error: "" }, { tone: "error", text: "Eliza took too long to answer." }],
  [{ status: "superseded", detail: "A newer message took its place" }, { tone: "info", text: "A newer message took its place." }],
  [{ status: "unhandled", reason: "no_agent" }, { tone: "info", text: "No agent was given this message." }],
  [{ status: "cancelled", reason: "message_deleted", detail: "The message was deleted" }, null],
  [{ status: "cancelled", reason: "cancel_requested", detail: "The answer was cancelled" }, { tone: "info", text: "The answer was stopped." }],
  [{ status: "cancelled", reason: "agent_stopped" }, { tone: "info", text: "Eliza was stopped before the answer was ready (agent_stopped)." }],
  [{ status: "something new" as Outcome["status"] }, { tone: "error", text: "Eliza could not answer." }],
])("says of %o", (outcome, want) => {
  expect(outcomeNote("Eliza", outcome)).toEqual(want);
});
