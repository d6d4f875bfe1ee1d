import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat";

/** Closer to the end than this (in CSS pixels) counts as being at the end. */
const endZone = 80;

/** Closer to the beginning than this loads older messages. */
const beginZone = 160;

interface ConversationScroll {
  ref: RefObject<HTMLDivElement | null>;
  /** Whether the newest messages are out of view. */
  away: boolean;
  toBottom: () => void;
  onScroll: () => void;
}

/**
 * Keeps the end of a conversation in view as it grows, unless the reader has scrolled away from it; then
 * the visible messages keep their position, even if older ones are inserted above.
 */
export function useConversationScroll(chat: Chat, loadOlder: () => void): ConversationScroll {
  const ref = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const before = useRef({ first: "", height: 0, pending: 0 });
  const [away, setAway] = useState(false);

  const toBottom = () => {
    const log = ref.current!;
    log.scrollTop = log.scrollHeight;
  };

  useLayoutEffect(() => {
    const log = ref.current!;
    const first = chat.messages[0]?.id ?? "";
    const { first: formerFirst, height, pending } = before.current;
    const prepended = first !== formerFirst && chat.messages.some((m) => m.id === formerFirst);
    if (atEnd.current || chat.pending.length > pending) toBottom();
    else if (prepended) log.scrollTop += log.scrollHeight - height;
    before.current = { first, height: log.scrollHeight, pending: chat.pending.length };
  }, [chat]);

  // A growing composer or an on-screen keyboard takes room from the conversation.
  useLayoutEffect(() => {
    const log = ref.current!;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) log.scrollTop = log.scrollHeight;
    });
    observer.observe(log);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const log = ref.current!;
    atEnd.current = log.scrollHeight - log.scrollTop - log.clientHeight < endZone;
    setAway(!atEnd.current);
    if (!atEnd.current && log.scrollTop < beginZone && chat.hasMore && !chat.loadingOlder) loadOlder();
  };

  return { ref, away, toBottom, onScroll };
}
