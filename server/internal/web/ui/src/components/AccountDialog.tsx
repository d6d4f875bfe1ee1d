import { useEffect, useState } from "preact/hooks";
import type { User } from "../contract";
import type { Controller } from "../controller";
import { Dialog } from "./Dialog";
import { Field, useSubmit } from "./Form";

/** Who has logged in, and the way to another password. */
export function AccountDialog({ name, controller, onClose }: { name: string; controller: Controller; onClose: () => void }) {
  const [user, setUser] = useState<User | null>(null);
  const [changed, setChanged] = useState(false);
  const { problem, busy, submit, say } = useSubmit({ text: "That is not your present password.", field: "current" });

  useEffect(() => {
    controller.whoAmI().then(setUser, () => null); // the name is known anyway
  }, [controller]);

  const send = async (data: FormData) => {
    const [current, next, again] = ["current", "password", "again"].map((field) => String(data.get(field) ?? ""));
    setChanged(false);
    if (next !== again) {
      say({ text: "The new passwords are different.", field: "again" });
      return;
    }
    await controller.changePassword(current!, next!);
    setChanged(true);
  };

  return (
    <Dialog label="Your account" testId="account-dialog" onClose={onClose}>
      <form class="dialog-body" aria-busy={busy} onSubmit={submit(send)}>
        <h2>{name}</h2>
        <p data-testid="account-email">
          {user?.email ?? " "}
          {user?.admin && ", admin"}
        </p>
        {changed ? (
          <p role="status" data-testid="password-changed">
            Your password is changed. You were signed out everywhere else.
          </p>
        ) : (
          <>
            <input type="text" name="username" autoComplete="username" value={user?.email ?? ""} readOnly hidden />
            {problem && (
              <p class="error-text" role="alert" data-testid="password-problem">
                {problem.text}
              </p>
            )}
            <Field
              label="Present password"
              type="password"
              name="current"
              autoComplete="current-password"
              wrong={problem?.field === "current"}
              testId="password-current"
            />
            <Field
              label="New password"
              type="password"
              name="password"
              autoComplete="new-password"
              hint="8 characters or more. You are signed out everywhere else."
              wrong={problem?.field === "password"}
              testId="password-new"
            />
            <Field label="New password again" type="password" name="again" autoComplete="new-password" wrong={problem?.field === "again"} testId="password-again" />
          </>
        )}
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose} data-testid="account-close">
            Close
          </button>
          {!changed && (
            <button type="submit" class="button button-primary" disabled={busy} data-testid="password-submit">
              Change password
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
