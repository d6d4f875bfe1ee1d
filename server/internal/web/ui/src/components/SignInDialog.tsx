import type { State } from "../state";
import { Dialog } from "./Dialog";

const words: Record<Exclude<State["access"], "open">, { title: string; alert: string | null }> = {
  wanted: { title: "Sign in", alert: null },
  refused: { title: "Sign in", alert: "The server did not accept that key or token." },
  ended: { title: "Sign in again", alert: "Your key or token has ended or was revoked. What you have typed is kept." },
};

/** Asks for an API key or a token. What is on the page stays as it is behind it. */
export function SignInDialog({ access, onSignIn }: { access: Exclude<State["access"], "open">; onSignIn: (credential: string, remember: boolean) => void }) {
  const { title, alert } = words[access];
  return (
    <Dialog label={title} testId="key-dialog">
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const credential = form.get("credential");
          if (typeof credential === "string" && credential.trim()) onSignIn(credential.trim(), form.has("remember"));
        }}
      >
        <h2>{title}</h2>
        {alert && (
          <p class="error-text" role="alert" data-testid="key-problem">
            {alert}
          </p>
        )}
        <p id="key-help">This server asks for an API key, or for a token of its identity provider. Its operator has one for you.</p>
        <label class="field">
          API key or token
          <input type="password" name="credential" required autoFocus autoComplete="off" aria-describedby="key-help" data-testid="key-input" />
        </label>
        <label class="choice">
          <input type="checkbox" name="remember" data-testid="key-remember" />
          Remember it on this device
        </label>
        <div class="dialog-buttons">
          <button type="submit" class="button button-primary" data-testid="key-submit">
            Sign in
          </button>
        </div>
      </form>
    </Dialog>
  );
}
