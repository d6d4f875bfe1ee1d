import { Dialog } from "./Dialog";

interface Props {
  title: string;
  text: string;
  confirm: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks for confirmation of what can't be undone. */
export function ConfirmDialog({ title, text, confirm, onConfirm, onClose }: Props) {
  return (
    <Dialog label={title} testId="confirm" onClose={onClose}>
      <div class="dialog-body">
        <h2>{title}</h2>
        <p>{text}</p>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose} autoFocus>
            Cancel
          </button>
          <button
            type="button"
            class="button button-danger"
            data-testid="confirm-yes"
            onClick={() => {
              onConfirm();
              onClose();
            }}
          >
            {confirm}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
