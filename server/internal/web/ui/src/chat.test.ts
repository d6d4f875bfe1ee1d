import { describe, expect, it } from "vitest";
import { answeredByBuiltin, awaited, type Chat, type ChatChange, newChat, reduceChat } from "./chat";
import type { Message } from "./message";

const me = "me";
const agent = "agent";

function message(id: string, seq: number, more: Partial<Message> = {}): Message {
  return {
    id,
    seq,
    authorId: agent,
    authorName: "Eliza",
    text: id,
    createdAt: 1_000 + seq,
    attachments: [],
    builtin: false,
    action: null,
    failure: null,
    clientId: null,
    ...more,
  };
}

function after(...changes: ChatChange[]): Chat {
  return changes.reduce(reduceChat, newChat(agent));
}

const ids = (chat: Chat) => chat.messages.map((m) => m.id);
const none = new Set<string>();
const submitted: ChatChange = { type: "submitted", clientId: "c1", text: "Hello", createdAt: 5 };
const received = (m: Message, own = false): ChatChange => ({ type: "received", message: m, own, visible: true });
const loaded = (messages: Message[], hasMore = false, known: ReadonlySet<string> = none): ChatChange => ({
  type: "historyLoaded",
  messages,
  hasMore,
  known,
});
const chunk = (index: number, text: string): ChatChange => ({ type: "chunk", messageId: "r1", authorId: agent, index, text });

describe("an own message", () => {
  it("is replaced by the broadcast that carries its id", () => {
    const chat = after(submitted, received(message("m1", 9, { authorId: me, clientId: "c1" }), true));
    expect(chat.pending).toEqual([]);
    expect(ids(chat)).toEqual(["m1"]);
  });

  it("is replaced by the history when its broadcast was lost", () => {
    const chat = after(submitted, loaded([message("m1", 9, { authorId: me, clientId: "c1" })]));
    expect(chat.pending).toEqual([]);
    expect(ids(chat)).toEqual(["m1"]);
  });

  it("shows once when the server repeats its broadcast", () => {
    const own = message("m1", 9, { authorId: me, clientId: "c1" });
    const chat = after(submitted, received(own, true), received(own, true));
    expect(ids(chat)).toEqual(["m1"]);
    expect(chat.waiting).toEqual(["m1"]);
  });

  it("keeps the reason it was refused for until it is tried again", () => {
    const failed = after(submitted, { type: "sendFailed", clientId: "c1", error: "Too many requests." });
    expect(failed.pending[0]?.error).toBe("Too many requests.");
    expect(reduceChat(failed, { type: "retried", clientId: "c1" }).pending[0]?.error).toBeNull();
    expect(reduceChat(failed, { type: "discarded", clientId: "c1" }).pending).toEqual([]);
  });

  it("turns a refusal that names no message into a note", () => {
    const chat = after({ type: "sendFailed", clientId: null, error: "Access denied" });
    expect(chat.note).toEqual({ tone: "error", text: "Access denied" });
  });
});

describe("an answer being written", () => {
  it("grows by its chunks and gives way to the whole answer", () => {
    const writing = after(chunk(0, "How "), chunk(1, "are you?"));
    expect(writing.streams).toEqual([{ id: "r1", authorId: agent, text: "How are you?", next: 2 }]);
    const done = reduceChat(writing, received(message("r1", 9)));
    expect(done.streams).toEqual([]);
    expect(ids(done)).toEqual(["r1"]);
  });

  it("shows nothing after a missing chunk", () => {
    expect(after(chunk(0, "How "), chunk(2, "you?"), chunk(3, "!")).streams[0]?.text).toBe("How ");
    expect(after(chunk(4, "you?")).streams[0]?.text).toBe("");
  });

  it("does not start again when a chunk comes after the complete answer", () => {
    expect(after(received(message("r1", 9)), chunk(0, "late")).streams).toEqual([]);
  });

  it("leaves no trace but the note when it fails", () => {
    const note = { tone: "error", text: "Eliza could not answer." } as const;
    const chat = after(chunk(0, "How "), { type: "streamFailed", messageId: "r1", note });
    expect(chat.streams).toEqual([]);
    expect(chat.note).toEqual(note);
  });
});

describe("waiting for an answer", () => {
  const own = (id: string) => received(message(id, 1, { authorId: me }), true);
  const completed = (messageId: string | null, note: Chat["note"] = null): ChatChange => ({ type: "completed", messageId, note });
  const two = after(own("m1"), own("m2"));

  it("ends for each own message when it is dealt with", () => {
    expect(two.waiting).toEqual(["m1", "m2"]);
    expect(reduceChat(two, completed("m2")).waiting).toEqual(["m1"]);
    expect(reduceChat(two, completed("of somebody else")).waiting).toEqual(["m1", "m2"]);
    expect(reduceChat(two, completed(null)).waiting).toEqual([]);
  });

  it("ends with the message itself", () => {
    expect(reduceChat(two, { type: "deleted", messageId: "m1" }).waiting).toEqual(["m2"]);
    expect(reduceChat(two, { type: "cleared" }).waiting).toEqual([]);
  });

  it("gives the input back and says what happened", () => {
    const note = { tone: "info", text: "Eliza chose not to answer." } as const;
    const chat = after({ type: "locked", locked: true }, own("m1"), completed("m1", note));
    expect(chat.locked).toBe(false);
    expect(chat.note).toEqual(note);
  });

  it("keeps the note of a failed stream when the end says nothing more", () => {
    const note = { tone: "error", text: "It broke." } as const;
    expect(after({ type: "streamFailed", messageId: "r1", note }, completed("m1")).note).toEqual(note);
  });

  it("shows no note beside a conversation that shows the failure itself", () => {
    const note = { tone: "error", text: "It broke." } as const;
    const half = message("r1", 2, { failure: { message: "It broke.", partial: true } });
    const chat = after(
      own("m1"), chunk(0, "Ha"), received(half), { type: "streamFailed", messageId: "r1", note }, { type: "completed", messageId: "m1", replyId: "r1", note },
    );
    expect(chat).toMatchObject({ note: null, streams: [], waiting: [], messages: [{ id: "m1" }, { id: "r1", failure: { partial: true } }] });
  });

  it("does not go on over a lost connection", () => {
    const chat = after(own("m1"), chunk(0, "How"), { type: "locked", locked: true }, { type: "reconnected" });
    expect(chat).toMatchObject({ waiting: [], streams: [], locked: false });
  });
});

describe("the history", () => {
  it("stands in the order of the channel, whatever arrives first", () => {
    const chat = after(received(message("c", 3)), received(message("b", 2)), loaded([message("a", 1), message("d", 4)]));
    expect(ids(chat)).toEqual(["a", "b", "c", "d"]);
  });

  it("keeps what arrived while it was loading", () => {
    const chat = after(received(message("new", 9)), loaded([message("old", 1)]));
    expect(ids(chat)).toEqual(["old", "new"]);
  });

  it("drops what was deleted while the page was disconnected", () => {
    const before = after(loaded([message("a", 1), message("b", 2), message("c", 3)]));
    expect(ids(reduceChat(before, loaded([message("a", 1), message("c", 3)], false, new Set(ids(before)))))).toEqual(["a", "c"]);
    expect(ids(reduceChat(before, loaded([], false, new Set(ids(before)))))).toEqual([]);
  });

  it("keeps the older pages that are there already", () => {
    const before = after(loaded([message("a", 1), message("b", 2), message("c", 3)], true));
    const chat = reduceChat(before, loaded([message("c", 3), message("d", 4)], true, new Set(ids(before))));
    expect(ids(chat)).toEqual(["a", "b", "c", "d"]);
    expect(chat.hasMore).toBe(true);
  });

  it("starts over when too much was missed to close the gap", () => {
    const before = after(loaded([message("a", 1), message("b", 2)], false));
    const chat = reduceChat(before, loaded([message("y", 8), message("z", 9)], true, new Set(ids(before))));
    expect(ids(chat)).toEqual(["y", "z"]);
    expect(chat.hasMore).toBe(true);
  });

  it("grows upwards, and ends with a page that has nothing new", () => {
    const first = after(loaded([message("c", 3)], true), { type: "olderRequested" });
    const grown = reduceChat(first, { type: "olderLoaded", messages: [message("b", 2), message("c", 3)], hasMore: true });
    expect(ids(grown)).toEqual(["b", "c"]);
    expect(grown).toMatchObject({ hasMore: true, loadingOlder: false });
    expect(reduceChat(grown, { type: "olderLoaded", messages: [message("b", 2)], hasMore: true }).hasMore).toBe(false);
  });

  it("loses a deleted message, and all when it is cleared", () => {
    const chat = after(loaded([message("a", 1), message("b", 2)], true));
    expect(ids(reduceChat(chat, { type: "deleted", messageId: "a" }))).toEqual(["b"]);
    expect(reduceChat(chat, { type: "cleared" })).toMatchObject({ messages: [], hasMore: false });
  });

  it("takes a later state of an action in place of the earlier one", () => {
    const step = (status: string) => message("x", 1, { action: { status } });
    const chat = after(received(step("executing")), received(step("completed")));
    expect(chat.messages).toEqual([step("completed")]);
  });
});

it("is unread when an answer arrives out of sight", () => {
  const chat = after({ type: "received", message: message("a", 1), own: false, visible: false });
  expect(chat.unread).toBe(true);
  expect(reduceChat(chat, { type: "seen" }).unread).toBe(false);
});

it("is known to be answered by the built-in responder from the newest answer", () => {
  const builtin = loaded([message("a", 1, { builtin: true }), message("b", 2, { authorId: me })]);
  expect(answeredByBuiltin(after(builtin))).toBe(true);
  expect(answeredByBuiltin(after(builtin, received(message("c", 3))))).toBe(false);
  expect(answeredByBuiltin(after())).toBe(false);
});

describe("what can be stopped", () => {
  const own = received(message("m1", 9, { authorId: me }), true);
  const completed: ChatChange = { type: "completed", messageId: "m1", note: null };

  it("is the answer to an own message, until that is dealt with", () => {
    expect(awaited(after())).toEqual([]);
    expect(awaited(after(own, chunk(0, "One")))).toEqual(["m1"]);
    expect(awaited(after(own, chunk(0, "One"), received(message("r1", 10)), completed))).toEqual([]);
  });

  it("is what is being written, after a reconnection", () => {
    expect(awaited(after(own, { type: "reconnected" }))).toEqual([]);
    expect(awaited(after(own, { type: "reconnected" }, chunk(3, "ree")))).toEqual(["r1"]);
  });
});
