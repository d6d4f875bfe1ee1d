import { Dialog } from "./Dialog";

/** Asks for the API key; the browser keeps it for the next visit. */
export function KeyDialog({ refused, onKey }: { refused: boolean; onKey: (key: string) => void }) {
  return (
    <Dialog label="API key" testId="key-dialog">
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          const key = new FormData(event.currentTarget).get("key");
          if (typeof key === "string" && key.trim()) onKey(key.trim());
        }}
      >
        <h2>This server needs an API key</h2>
        <p id="key-help">It is the value the server was started with in ELIZA_SERVER_AUTH_TOKEN. This browser remembers it.</p>
        <label class="field">
          API key
          <input type="password" name="key" required autoFocus autoComplete="off" aria-describedby="key-help" data-testid="key-input" />
        </label>
        {refused && (
          <p class="error-text" role="alert">
            The server did not accept that key.
          </p>
        )}
        <div class="dialog-buttons">
          <button type="submit" class="button button-primary" data-testid="key-submit">
            Continue
          </button>
        </div>
      </form>
    </Dialog>
  );
}
