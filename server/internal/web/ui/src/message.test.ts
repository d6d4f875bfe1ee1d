import { describe, expect, it } from "vitest";
import { fromBroadcast, fromHistory } from "./message";

const stored = { id: "m1", seq: 7, authorId: "a1", content: "Hi", createdAt: "2026-11-20T15:30:00.000Z", metadata: {} };
const broadcast = { id: "m1", seq: 7, channelId: "c1", source: "client_chat", senderId: "a1", senderName: "Eliza", text: "Hi", createdAt: 1_795_188_600_000 };

describe("a stored message", () => {
  it("knows the id that the sender gave it", () => {
    expect(fromHistory({ ...stored, sourceId: "c1" }).clientId).toBe("c1");
    expect(fromHistory(stored).clientId).toBeNull();
  });

  it("is the same message as its broadcast", () => {
    const metadata = { provider: "builtin" };
    expect(fromHistory({ ...stored, authorDisplayName: "Eliza", metadata })).toEqual(fromBroadcast({ ...broadcast, metadata }));
  });
});

it("recognises what an agent does apart from what it says", () => {
  const rawMessage = { actionStatus: "executing" };
  expect(fromBroadcast({ ...broadcast, source: "agent_action", rawMessage }).action).toEqual({ status: "executing" });
  expect(fromHistory({ ...stored, sourceType: "agent_action", rawMessage }).action).toEqual({ status: "executing" });
  expect(fromBroadcast({ ...broadcast, source: "agent_response", rawMessage }).action).toBeNull();
});

it("knows which answers failed, after a reload as before", () => {
  const failure = { reason: "model_unavailable", message: "The connection broke.", partial: true };
  const metadata = { truncated: true, truncatedBy: "interrupted", failure };
  const kept = fromHistory({ ...stored, sourceType: "agent_response", authorDisplayName: "Eliza", metadata });
  expect(kept.failure).toEqual({ message: "The connection broke.", partial: true });
  expect(fromBroadcast({ ...broadcast, source: "agent_response", metadata })).toEqual(kept);
  expect(fromHistory({ ...stored, sourceType: "agent_response", metadata: { failure: { ...failure, partial: false } } }).failure?.partial).toBe(false);
  expect(fromHistory({ ...stored, sourceType: "agent_response", metadata: { truncated: true, truncatedBy: "content_filter" } }).failure?.message).toMatch(/filter/);
  expect(fromHistory({ ...stored, sourceType: "eliza_gui", metadata }).failure).toBeNull();
});

it("takes attachments only where a link may lead", () => {
  const attachments = [
    { url: "/media/uploads/agents/a1/x.png", title: "Picture" },
    { url: "https://a.example/y.pdf", name: "Paper" },
    { url: "javascript:alert(1)" },
    { url: "//a.example/z" },
    null,
  ];
  expect(fromBroadcast({ ...broadcast, attachments }).attachments).toEqual([
    { url: "/media/uploads/agents/a1/x.png", title: "Picture" },
    { url: "https://a.example/y.pdf", title: "Paper" },
  ]);
});
