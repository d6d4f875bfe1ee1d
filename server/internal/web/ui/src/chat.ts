// One conversation with one agent: its state, and every change of it as a pure function.

import type { Message } from "./message";

/** An own message that the server has not confirmed yet. */
export interface Pending {
  clientId: string;
  text: string;
  createdAt: number;
  /** Why it was not delivered; null while it is being sent. */
  error: string | null;
}

/** An answer that is being written. */
export interface Stream {
  id: string;
  authorId: string;
  text: string;
  /** The index of the chunk that comes next; null once a chunk is missing. */
  next: number | null;
}

/** A line below the conversation about the last event. */
export interface Note {
  tone: "info" | "error";
  text: string;
}

export interface Chat {
  agentId: string;
  /** Null until the server has named the channel. */
  channelId: string | null;
  /** Whether the history has arrived. */
  loaded: boolean;
  /** Why the conversation could not be opened. */
  error: string | null;
  /** In the order of the channel. */
  messages: Message[];
  pending: Pending[];
  streams: Stream[];
  /** The own messages that the agent has not finished with. */
  waiting: string[];
  /** The server has locked the input. */
  locked: boolean;
  note: Note | null;
  hasMore: boolean;
  loadingOlder: boolean;
  unread: boolean;
}

export type ChatChange =
  | { type: "opening" }
  | { type: "opened"; channelId: string }
  | { type: "openFailed"; error: string }
  | { type: "historyLoaded"; messages: Message[]; hasMore: boolean; known: ReadonlySet<string> }
  | { type: "olderRequested" }
  | { type: "olderLoaded"; messages: Message[]; hasMore: boolean }
  | { type: "olderFailed"; error: string }
  | { type: "submitted"; clientId: string; text: string; createdAt: number }
  | { type: "retried"; clientId: string }
  | { type: "discarded"; clientId: string }
  | { type: "sendFailed"; clientId: string | null; error: string }
  | { type: "received"; message: Message; own: boolean; visible: boolean }
  | { type: "chunk"; messageId: string; authorId: string; index: number; text: string }
  | { type: "streamFailed"; messageId: string; note: Note }
  | { type: "completed"; messageId: string | null; replyId?: string | undefined; note: Note | null }
  | { type: "locked"; locked: boolean }
  | { type: "deleted"; messageId: string }
  | { type: "cleared" }
  | { type: "reconnected" }
  | { type: "noted"; note: Note | null }
  | { type: "seen" };

export function newChat(agentId: string): Chat {
  return {
    agentId,
    channelId: null,
    loaded: false,
    error: null,
    messages: [],
    pending: [],
    streams: [],
    waiting: [],
    locked: false,
    note: null,
    hasMore: false,
    loadingOlder: false,
    unread: false,
  };
}

export function reduceChat(chat: Chat, change: ChatChange): Chat {
  switch (change.type) {
    case "opening":
      return { ...chat, error: null };
    case "opened":
      return { ...chat, channelId: change.channelId };
    case "openFailed":
      return { ...chat, error: change.error };
    case "historyLoaded":
      return historyLoaded(chat, change.messages, change.hasMore, change.known);
    case "olderRequested":
      return { ...chat, loadingOlder: true };
    case "olderLoaded":
      return olderLoaded(chat, change.messages, change.hasMore);
    case "olderFailed":
      return { ...chat, loadingOlder: false, note: { tone: "error", text: change.error } };
    case "submitted": {
      const { clientId, text, createdAt } = change;
      return { ...chat, note: null, pending: [...chat.pending, { clientId, text, createdAt, error: null }] };
    }
    case "retried":
      return { ...chat, pending: mark(chat.pending, change.clientId, null) };
    case "discarded":
      return { ...chat, pending: without(chat.pending, change.clientId) };
    case "sendFailed":
      return sendFailed(chat, change.clientId, change.error);
    case "received":
      return received(chat, change.message, change.own, change.visible);
    case "chunk":
      return chunk(chat, change);
    case "streamFailed":
      return {
        ...chat,
        streams: chat.streams.filter((s) => s.id !== change.messageId),
        note: isKept(chat, change.messageId) ? chat.note : change.note,
      };
    case "completed":
      return {
        ...chat,
        waiting: change.messageId ? chat.waiting.filter((id) => id !== change.messageId) : [],
        locked: false,
        note: (isKept(chat, change.replyId) ? null : change.note) ?? chat.note,
      };
    case "locked":
      return { ...chat, locked: change.locked };
    case "deleted":
      return {
        ...chat,
        messages: chat.messages.filter((m) => m.id !== change.messageId),
        streams: chat.streams.filter((s) => s.id !== change.messageId),
        waiting: chat.waiting.filter((id) => id !== change.messageId),
      };
    case "cleared":
      return { ...chat, messages: [], streams: [], waiting: [], note: null, hasMore: false };
    case "reconnected":
      // Events were missed meanwhile; the history that follows has the current state.
      return { ...chat, streams: [], waiting: [], locked: false };
    case "noted":
      return { ...chat, note: change.note };
    case "seen":
      return { ...chat, unread: false };
  }
}

/** Whether the conversation itself shows the result of a turn, so that no note is needed. */
function isKept(chat: Chat, replyId: string | undefined): boolean {
  return chat.messages.some((m) => m.id === replyId);
}

/**
 * The answers that the user waits for, by the ids of the messages, or by their own: after a reconnection only what
 * is being written tells that there is something to wait for.
 */
export function awaited(chat: Chat): string[] {
  return chat.waiting.length > 0 ? chat.waiting : chat.streams.map((s) => s.id);
}

/** Whether the newest answer came from the server's own responder. */
export function answeredByBuiltin(chat: Chat): boolean {
  return chat.messages.findLast((m) => m.authorId === chat.agentId && !m.action)?.builtin ?? false;
}

/**
 * Merges the newest page. It is authoritative for the range it covers: a message that was `known` when the
 * page was requested, is in that range and not on the page, was deleted. Messages that arrived while the page
 * was being loaded stay. If the page does not overlap the loaded messages, those are dropped: a gap would
 * never be filled.
 */
function historyLoaded(chat: Chat, page: Message[], hasMore: boolean, known: ReadonlySet<string>): Chat {
  const ids = new Set(page.map((m) => m.id));
  const start = hasMore && page[0] ? page[0].seq : -Infinity;
  const gap = hasMore && !chat.messages.some((m) => ids.has(m.id));
  const kept = chat.messages.filter((m) => {
    if (ids.has(m.id)) return false;
    return !known.has(m.id) || (!gap && m.seq < start);
  });
  const reachesBack = kept.some((m) => m.seq < start);
  const stored = new Set(page.map((m) => m.clientId));
  return {
    ...chat,
    loaded: true,
    error: null,
    messages: inOrder([...page, ...kept]),
    hasMore: reachesBack ? chat.hasMore : hasMore,
    pending: chat.pending.filter((p) => !stored.has(p.clientId)),
    streams: chat.streams.filter((s) => !ids.has(s.id)),
  };
}

function olderLoaded(chat: Chat, page: Message[], hasMore: boolean): Chat {
  const ids = new Set(chat.messages.map((m) => m.id));
  const older = page.filter((m) => !ids.has(m.id));
  return {
    ...chat,
    loadingOlder: false,
    messages: inOrder([...older, ...chat.messages]),
    hasMore: hasMore && older.length > 0,
  };
}

function received(chat: Chat, message: Message, own: boolean, visible: boolean): Chat {
  const known = chat.messages.some((m) => m.id === message.id);
  const messages = known ? chat.messages.map((m) => (m.id === message.id ? message : m)) : [...chat.messages, message];
  return {
    ...chat,
    messages: inOrder(messages),
    pending: message.clientId ? without(chat.pending, message.clientId) : chat.pending,
    streams: chat.streams.filter((s) => s.id !== message.id),
    waiting: own && !known ? [...chat.waiting, message.id] : chat.waiting,
    note: own ? chat.note : null,
    unread: chat.unread || (!own && !visible),
  };
}

/** Appends a chunk; after a missing one the rest is ignored, since the complete answer follows anyway. */
function chunk(chat: Chat, change: { messageId: string; authorId: string; index: number; text: string }): Chat {
  const { messageId: id, authorId, index, text } = change;
  if (chat.messages.some((m) => m.id === id)) return chat;
  const stream = chat.streams.find((s) => s.id === id) ?? { id, authorId, text: "", next: 0 };
  const next: Stream = stream.next === index ? { ...stream, text: stream.text + text, next: index + 1 } : { ...stream, next: null };
  const known = chat.streams.some((s) => s.id === id);
  return { ...chat, streams: known ? chat.streams.map((s) => (s.id === id ? next : s)) : [...chat.streams, next] };
}

function sendFailed(chat: Chat, clientId: string | null, error: string): Chat {
  if (clientId && chat.pending.some((p) => p.clientId === clientId)) {
    return { ...chat, locked: false, pending: mark(chat.pending, clientId, error) };
  }
  return { ...chat, locked: false, note: { tone: "error", text: error } };
}

function mark(pending: Pending[], clientId: string, error: string | null): Pending[] {
  return pending.map((p) => (p.clientId === clientId ? { ...p, error } : p));
}

function without(pending: Pending[], clientId: string): Pending[] {
  return pending.filter((p) => p.clientId !== clientId);
}

function inOrder(messages: Message[]): Message[] {
  return messages.toSorted((a, b) => a.seq - b.seq);
}
