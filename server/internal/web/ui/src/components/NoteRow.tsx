import type { Note } from "../chat";
import { CloseIcon } from "./icons";

/** The result of the last action, where it is not visible otherwise. */
export function NoteRow({ note, onDismiss }: { note: Note; onDismiss: () => void }) {
  return (
    <div class={`note note-${note.tone}`} role={note.tone === "error" ? "alert" : "status"} data-testid="outcome">
      <span>{note.text}</span>
      <button type="button" class="icon-button icon-button-small" aria-label="Dismiss" onClick={onDismiss}>
        <CloseIcon />
      </button>
    </div>
  );
}
