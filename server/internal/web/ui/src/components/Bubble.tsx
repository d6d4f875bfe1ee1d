import type { ComponentChildren } from "preact";
import { fullTime, timeOfDay } from "../time";
import { Avatar } from "./Avatar";

export type BubbleState = "stored" | "sending" | "failed" | "streaming";

interface Props {
  id: string;
  own: boolean;
  author: string;
  authorId: string;
  /** Epoch milliseconds; null while it is unknown. */
  at: number | null;
  follows: boolean;
  state?: BubbleState;
  /** Buttons beside the text, shown when the pointer is over the message. */
  actions?: ComponentChildren;
  /** A line below the text. */
  footer?: ComponentChildren;
  children: ComponentChildren;
}

/** One message: author, time and text. */
export function Bubble({ id, own, author, authorId, at, follows, state = "stored", actions, footer, children }: Props) {
  return (
    <article
      class={`message${own ? " message-own" : ""}${follows ? " message-follows" : ""} message-${state}`}
      aria-label={`${author}${at ? `, ${timeOfDay(at)}` : ""}`}
      aria-busy={state === "streaming"}
      data-testid="message"
      data-message-id={id}
      data-author={own ? "user" : "agent"}
      data-state={state}
    >
      {!own && (follows ? <span class="avatar-space" /> : <Avatar id={authorId} name={author} size="small" />)}
      <div class="message-column">
        {!follows && (
          <p class="message-meta">
            <span class="message-author">{author}</span>
            {at !== null && (
              <time dateTime={new Date(at).toISOString()} title={fullTime(at)}>
                {timeOfDay(at)}
              </time>
            )}
          </p>
        )}
        <div class="message-line">
          <div class="message-text" data-testid="message-text">
            {children}
          </div>
          {actions && <div class="message-actions">{actions}</div>}
        </div>
        {footer}
      </div>
    </article>
  );
}
