// A message as the page keeps it, made of either of its two forms on the wire.

import type { StoredMessage } from "./contract";
import type { BroadcastEvent } from "./events";

export interface Attachment {
  url: string;
  title: string;
}

/** The progress of an agent's action; shown as a separate line, not as a message. */
export interface ActionStep {
  status: string;
}

/** Why an answer is cut off, or missing. */
export interface Failure {
  message: string;
  /** The text is the part of the answer that was written; otherwise it only says that there is no answer. */
  partial: boolean;
}

export interface Message {
  id: string;
  /** Its number in the channel, which is the order for all readers. */
  seq: number;
  authorId: string;
  authorName: string;
  text: string;
  /** Epoch milliseconds. */
  createdAt: number;
  attachments: Attachment[];
  /** The answer of the server's own responder, not of a language model. */
  builtin: boolean;
  action: ActionStep | null;
  failure: Failure | null;
  /** The sender's own id of the message, if it is known. */
  clientId: string | null;
}

export function fromHistory(stored: StoredMessage): Message {
  const metadata = record(stored.metadata);
  return {
    id: stored.id,
    seq: stored.seq,
    authorId: stored.authorId,
    authorName: stored.authorDisplayName ?? "",
    text: stored.content,
    createdAt: Date.parse(stored.createdAt),
    attachments: attachmentsOf(metadata["attachments"]),
    builtin: metadata["provider"] === "builtin",
    action: actionOf(stored.sourceType, stored.rawMessage),
    failure: failureOf(stored.sourceType, metadata),
    clientId: stored.sourceId ?? null,
  };
}

export function fromBroadcast(event: BroadcastEvent): Message {
  const metadata = record(event.metadata);
  return {
    id: event.id,
    seq: event.seq,
    authorId: event.senderId,
    authorName: event.senderName,
    text: event.text,
    createdAt: event.createdAt,
    attachments: attachmentsOf(event.attachments ?? metadata["attachments"]),
    builtin: metadata["provider"] === "builtin",
    action: actionOf(event.source, event.rawMessage),
    failure: failureOf(event.source, metadata),
    clientId: event.clientMessageId ?? null,
  };
}

function actionOf(source: string | undefined, raw: unknown): ActionStep | null {
  return source === "agent_action" ? { status: text(record(raw)["actionStatus"]) } : null;
}

function failureOf(source: string | undefined, metadata: Record<string, unknown>): Failure | null {
  if (source !== "agent_response") return null;
  const failure = record(metadata["failure"]);
  if (failure["message"]) return { message: text(failure["message"]), partial: failure["partial"] === true };
  if (metadata["truncated"] !== true) return null;
  return { message: cuts[text(metadata["truncatedBy"])] ?? "the answer broke off", partial: true };
}

/** What cut off an answer that still counts as one. */
const cuts: Record<string, string> = {
  content_filter: "the provider's filter withheld the rest",
  length: "the answer reached its greatest length",
  cancelled: "the answer was stopped",
};

function attachmentsOf(value: unknown): Attachment[] {
  if (!Array.isArray(value)) return [];
  return value.map(record).flatMap((item) => {
    const url = safeUrl(text(item["url"]));
    return url ? [{ url, title: text(item["title"]) || text(item["name"]) || url }] : [];
  });
}

/** The address if a link may lead to it: http, https or a path of this server; otherwise "". */
function safeUrl(url: string): string {
  return /^(https?:\/\/|\/(?!\/))/i.test(url) ? url : "";
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
