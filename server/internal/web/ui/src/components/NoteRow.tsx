import type { Note } from "../chat";
import { CloseIcon } from "./icons";

/** What became of the last thing somebody did, where that is not plain to see. */
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
