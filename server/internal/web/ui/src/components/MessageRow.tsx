import { addressOf } from "../base";
import type { Message } from "../message";
import { fullTime, timeOfDay } from "../time";
import { Bubble } from "./Bubble";
import { TrashIcon } from "./icons";
import { RichText } from "./RichText";

interface Props {
  message: Message;
  own: boolean;
  author: string;
  /** Whether it continues the message above: same author, shortly after. */
  follows: boolean;
  onDelete: () => void;
}

/** A stored message. */
export function MessageRow({ message, own, author, follows, onDelete }: Props) {
  if (message.action) return <ActionRow message={message} author={author} />;
  return (
    <Bubble
      own={own}
      author={author}
      authorId={message.authorId}
      follows={follows}
      at={message.createdAt}
      id={message.id}
      state={message.failure && !message.failure.partial ? "failed" : "stored"}
      footer={
        message.failure?.partial && (
          <p class="message-footer error-text" data-testid="cut-off">
            Cut off: {message.failure.message}
          </p>
        )
      }
      actions={
        <>
          <time class="hover-time" dateTime={new Date(message.createdAt).toISOString()} title={fullTime(message.createdAt)}>
            {timeOfDay(message.createdAt)}
          </time>
          <button type="button" class="icon-button icon-button-small" aria-label="Delete message" title="Delete message" data-testid="delete-message" onClick={onDelete}>
            <TrashIcon />
          </button>
        </>
      }
    >
      <RichText text={message.text} />
      {message.attachments.map((attachment) => (
        <p key={attachment.url}>
          <a href={addressOf(attachment.url)} target="_blank" rel="noopener noreferrer">
            {attachment.title}
          </a>
        </p>
      ))}
    </Bubble>
  );
}

/** An action of an agent before its answer. */
function ActionRow({ message, author }: { message: Message; author: string }) {
  return (
    <p class="action-row" data-testid="action" data-message-id={message.id} data-status={message.action?.status}>
      {author}: {message.text}
      {message.action?.status && <span class="action-status"> · {message.action.status}</span>}
    </p>
  );
}
