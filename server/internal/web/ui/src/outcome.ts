import type { Note } from "./chat";
import type { CompleteEvent } from "./events";

type Outcome = Pick<CompleteEvent, "status" | "reason" | "detail" | "error">;

/** The note for the end of a turn; null if none is needed. */
export function outcomeNote(name: string, outcome: Outcome): Note | null {
  switch (outcome.status) {
    case "replied":
    case "completed":
      return null;
    case "ignored":
      return { tone: "info", text: sentences(`${name} chose not to answer`, outcome) };
    case "cancelled":
      // The user who deleted the message knows.
      if (/deleted|cleared/.test(outcome.reason ?? "")) return null;
      if (outcome.reason === "cancel_requested") return { tone: "info", text: "The answer was stopped." };
      return { tone: "info", text: sentences(`${name} was stopped before the answer was ready`, outcome) };
    case "superseded":
      return { tone: "info", text: sentences(outcome.detail || "A newer message took its place") };
    case "unhandled":
      return { tone: "info", text: sentences(outcome.detail || "No agent was given this message") };
    case "timed_out":
      return { tone: "error", text: sentences(`${name} took too long to answer`, outcome) };
    default:
      return { tone: "error", text: sentences(`${name} could not answer`, outcome) };
  }
}

/** A sentence, followed by the most specific text of the outcome. */
function sentences(first: string, { error, detail, reason }: Partial<Outcome> = {}): string {
  const second = error || detail;
  if (second) return `${ended(first)} ${ended(second)}`;
  return ended(reason ? `${first} (${reason})` : first);
}

function ended(sentence: string): string {
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}
