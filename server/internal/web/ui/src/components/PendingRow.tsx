import type { Pending } from "../chat";
import { Bubble } from "./Bubble";
import { RichText } from "./RichText";

interface Props {
  message: Pending;
  me: string;
  follows: boolean;
  connected: boolean;
  onRetry: () => void;
  onDiscard: () => void;
}

/** An own message that is being sent, or could not be delivered. */
export function PendingRow({ message, me, follows, connected, onRetry, onDiscard }: Props) {
  return (
    <Bubble
      id={message.clientId}
      own
      author="You"
      authorId={me}
      at={message.createdAt}
      follows={follows}
      state={message.error ? "failed" : "sending"}
      footer={
        message.error ? (
          <p class="message-footer error-text" role="alert" data-testid="send-error">
            Not sent: {message.error}{" "}
            <button type="button" class="link-button" data-testid="retry" onClick={onRetry}>
              Try again
            </button>{" "}
            <button type="button" class="link-button" onClick={onDiscard}>
              Discard
            </button>
          </p>
        ) : (
          !connected && <p class="message-footer">Goes out when the connection is back.</p>
        )
      }
    >
      <RichText text={message.text} />
    </Bubble>
  );
}
