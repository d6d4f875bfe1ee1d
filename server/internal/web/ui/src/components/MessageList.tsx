import { Fragment } from "preact";
import type { Chat } from "../chat";
import type { Controller } from "../controller";
import { useToday } from "../hooks";
import type { Message } from "../message";
import { useConversationScroll } from "../scroll";
import type { Agent, State } from "../state";
import { dayLabel, startOfDay } from "../time";
import { Bubble } from "./Bubble";
import { DownIcon } from "./icons";
import { MessageRow } from "./MessageRow";
import { NoteRow } from "./NoteRow";
import { PendingRow } from "./PendingRow";
import { RichText } from "./RichText";

interface Props {
  chat: Chat;
  agent: Agent;
  me: string;
  connection: State["connection"];
  controller: Controller;
}

/** Messages of one author within this time are grouped. */
const groupMs = 5 * 60_000;

/** The conversation: stored messages, those being sent, and answers being written. */
export function MessageList({ chat, agent, me, connection, controller }: Props) {
  const today = useToday();
  const older = () => void controller.loadOlder(agent.id);
  const { ref, away, toBottom, onScroll } = useConversationScroll(chat, older);
  const { messages, pending, streams } = chat;
  const newest = messages.at(-1);
  const thinking = chat.waiting.length > 0 && streams.length === 0;

  return (
    <div class="log-frame">
      <div class="log" ref={ref} onScroll={onScroll} tabIndex={0} role="log" aria-live="polite" aria-label={`Conversation with ${agent.name}`} data-testid="log">
        <div class="log-inner">
          {chat.hasMore && (
            <button type="button" class="button load-older" disabled={chat.loadingOlder} data-testid="load-older" onClick={older}>
              {chat.loadingOlder ? "Loading…" : "Older messages"}
            </button>
          )}
          {chat.loaded && messages.length + pending.length + streams.length === 0 && <Welcome agent={agent} />}
          {messages.map((message, index) => {
            const previous = messages[index - 1];
            const newDay = !previous || startOfDay(previous.createdAt) !== startOfDay(message.createdAt);
            return (
              <Fragment key={message.id}>
                {newDay && (
                  <h2 class="day" data-testid="day">
                    {dayLabel(message.createdAt, today)}
                  </h2>
                )}
                <MessageRow
                  message={message}
                  own={message.authorId === me}
                  author={authorOf(message, me, agent)}
                  follows={!newDay && follows(previous, message)}
                  onDelete={() => void controller.deleteMessage(agent.id, message.id)}
                />
              </Fragment>
            );
          })}
          {pending.map((message, index) => (
            <PendingRow
              key={message.clientId}
              message={message}
              me={me}
              follows={index > 0 || (newest?.authorId === me && message.createdAt - newest.createdAt < groupMs)}
              connected={connection === "connected"}
              onRetry={() => controller.retry(agent.id, message.clientId)}
              onDiscard={() => controller.discard(agent.id, message.clientId)}
            />
          ))}
          {streams.map((stream) => (
            <Bubble
              key={stream.id}
              id={stream.id}
              own={false}
              author={agent.name}
              authorId={stream.authorId}
              at={null}
              follows={false}
              state="streaming"
            >
              {stream.text ? <RichText text={stream.text} /> : <Dots name={agent.name} />}
            </Bubble>
          ))}
          {thinking && (
            <div class="message" data-testid="typing">
              <span class="avatar-space" />
              <Dots name={agent.name} />
            </div>
          )}
          {chat.note && <NoteRow note={chat.note} onDismiss={() => controller.dismissNote(agent.id)} />}
        </div>
      </div>
      {away && (
        <button type="button" class="icon-button to-bottom" aria-label="Newest messages" title="Newest messages" data-testid="to-bottom" onClick={toBottom}>
          <DownIcon />
        </button>
      )}
    </div>
  );
}

function follows(previous: Message | undefined, message: Message): boolean {
  return (
    previous !== undefined &&
    !previous.action &&
    previous.authorId === message.authorId &&
    message.createdAt - previous.createdAt < groupMs
  );
}

function authorOf(message: Message, me: string, agent: Agent): string {
  if (message.authorId === me) return "You";
  if (message.authorId === agent.id) return agent.name;
  return message.authorName || "Somebody";
}

function Welcome({ agent }: { agent: Agent }) {
  return (
    <div class="empty">
      <p class="empty-title">Say hello to {agent.name}</p>
      {agent.bio && <p class="hint">{agent.bio}</p>}
    </div>
  );
}

function Dots({ name }: { name: string }) {
  return (
    <span class="dots" role="img" aria-label={`${name} is typing`}>
      <span />
      <span />
      <span />
    </span>
  );
}
