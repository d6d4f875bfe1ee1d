import type { Note } from "./chat";
import type { CompleteEvent } from "./events";

/** What to say when an agent is done with a message and there is no answer; null when there is one. */
export function answeredNote(name: string, event: Pick<CompleteEvent, "status" | "reason" | "detail" | "error">): Note | null {
  const why = reasonOf(event);
  switch (event.status) {
    case undefined:
    case "replied":
      return null;
    case "ignored":
      return { tone: "info", text: `${name} chose not to answer${why}` };
    case "superseded":
      return { tone: "info", text: `A newer message took the place of this one${why}` };
    case "cancelled":
      return { tone: "info", text: `${name} was stopped before the answer was ready${why}` };
    case "timed_out":
      return { tone: "error", text: `${name} took too long to answer${why}` };
    default:
      return { tone: "error", text: `${name} could not answer${why}` };
  }
}

/** The most telling text of the event as the end of a sentence. */
function reasonOf({ error, detail, reason }: Pick<CompleteEvent, "error" | "detail" | "reason">): string {
  const text = (typeof error === "string" ? error : error?.message) || detail || reason;
  return text ? `: ${text.replace(/[.\s]+$/, "")}.` : ".";
}
