import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { browserStorage } from "../storage";
import { SendIcon, StopIcon } from "./icons";

const drafts = browserStorage("sessionStorage");

interface Props {
  agentId: string;
  name: string;
  disabled: boolean;
  onSend: (text: string) => void;
  /** Null while there is no answer to stop. */
  onStop: (() => void) | null;
}

/** The field a message is written in; while it is empty and an answer is awaited, a button stops that. Drafts are kept for each agent until the tab is closed. */
export function Composer({ agentId, name, disabled, onSend, onStop }: Props) {
  const draftKey = `elizad.draft.${agentId}`;
  const [text, setText] = useState(() => drafts?.getItem(draftKey) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    if (text) drafts?.setItem(draftKey, text);
    else drafts?.removeItem(draftKey);
  }, [text, draftKey]);

  // The field grows with its text up to the limit the style sheet sets.
  useLayoutEffect(() => {
    const style = field.current!.style;
    style.height = "auto";
    style.height = `${field.current!.scrollHeight}px`;
  }, [text]);

  // On a touch screen the focus would open the keyboard.
  useEffect(() => {
    if (!disabled && matchMedia("(pointer: fine)").matches) field.current!.focus();
  }, [disabled]);

  // Esc moves the focus here from anywhere on the page; an open dialog handles it itself.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) field.current!.focus();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);

  const send = () => {
    if (disabled || text.trim() === "") return;
    onSend(text.trim());
    setText("");
    field.current!.focus();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={text}
        disabled={disabled}
        placeholder={`Message ${name}`}
        aria-label={`Message ${name}`}
        enterkeyhint="send"
        autoComplete="off"
        data-testid="composer"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          // Enter that ends a composed character (Japanese, Chinese, …) does not send.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {onStop && text.trim() === "" ? (
        <button
          key="stop"
          type="button"
          class="send"
          aria-label="Stop the answer"
          title="Stop the answer"
          data-testid="stop"
          onClick={() => {
            onStop();
            field.current!.focus();
          }}
        >
          <StopIcon />
        </button>
      ) : (
        <button key="send" type="submit" class="send" aria-label="Send" title="Send" disabled={disabled || text.trim() === ""} data-testid="send">
          <SendIcon />
        </button>
      )}
    </form>
  );
}
