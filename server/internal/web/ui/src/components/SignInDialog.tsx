import { useEffect, useRef, useState } from "preact/hooks";
import type { Controller } from "../controller";
import type { Account, People, State } from "../state";
import { Dialog } from "./Dialog";
import { Field, useSubmit } from "./Form";

type Way = "password" | "register" | "key";

const titles: Record<Way, string> = { password: "Sign in", register: "Create an account", key: "Sign in" };

interface Props {
  access: Exclude<State["access"], "open">;
  account: Account;
  people: People;
  controller: Controller;
}

/** Asks who the user is: by a password where the server has users, by an API key or a token everywhere. The page stays as it is behind it. */
export function SignInDialog({ access, account, people, controller }: Props) {
  const byKey = account.means === "key" || account.means === "token";
  const [way, setWay] = useState<Way>(people.logIn && !byKey ? "password" : "key");
  const { problem, busy, submit, reset } = useSubmit({ text: "That is not the right e-mail and password.", field: "password" });
  const form = useRef<HTMLFormElement>(null);
  const title = access === "ended" && way !== "register" ? "Sign in again" : titles[way];
  const turnTo = (next: Way) => {
    reset();
    setWay(next);
  };

  // The first field that is empty, of a form that has just come.
  useEffect(() => {
    const fields = [...form.current!.querySelectorAll<HTMLInputElement>("input:not([type=checkbox])")];
    (fields.find((field) => field.value === "") ?? fields[0])?.focus();
  }, [way]);

  const send = async (data: FormData) => {
    const text = (name: string) => String(data.get(name) ?? "");
    const remember = data.has("remember");
    if (way === "password") await controller.logIn(text("email").trim(), text("password"), remember);
    else if (way === "register") await controller.register(text("email").trim(), text("username").trim(), text("password"), remember);
    else controller.signIn(text("credential").trim(), remember);
  };

  return (
    <Dialog label={title} testId="key-dialog">
      <form ref={form} key={way} class="dialog-body" aria-busy={busy} data-testid={`form-${way}`} onSubmit={submit(send)}>
        <h2>{title}</h2>
        {access !== "wanted" && !problem && way !== "register" && (
          <p class="error-text" role="alert" data-testid="key-problem">
            {refusal(access, byKey)}
          </p>
        )}
        {problem && (
          <p class="error-text" role="alert" data-testid="key-problem">
            {problem.text}
          </p>
        )}
        {way === "key" && <p id="key-help">This server asks for an API key, or for a token of its identity provider. Its operator has one for you.</p>}
        {way === "password" && !people.register && <p>An admin of this server makes the accounts.</p>}
        {way === "key" ? (
          <Field label="API key or token" type="password" name="credential" autoComplete="off" describedBy="key-help" testId="key-input" />
        ) : (
          <>
            <Field
              label="E-mail"
              type="email"
              name="email"
              autoComplete={way === "password" ? "username" : "email"}
              value={controller.lastEmail}
              wrong={problem?.field === "email"}
              testId="sign-in-email"
            />
            {way === "register" && (
              <Field
                label="Name"
                name="username"
                autoComplete="nickname"
                hint="3 to 50 letters, digits or . _ -"
                wrong={problem?.field === "username"}
                testId="sign-in-username"
              />
            )}
            <Field
              label="Password"
              type="password"
              name="password"
              autoComplete={way === "password" ? "current-password" : "new-password"}
              hint={way === "register" ? "8 characters or more" : undefined}
              wrong={problem?.field === "password"}
              testId="sign-in-password"
            />
          </>
        )}
        <label class="choice">
          <input type="checkbox" name="remember" defaultChecked={controller.remembered} data-testid="key-remember" />
          {way === "key" ? "Remember it on this device" : "Stay signed in on this device"}
        </label>
        <div class="dialog-buttons">
          <button type="submit" class="button button-primary" disabled={busy} data-testid="key-submit">
            {way === "register" ? "Create account" : "Sign in"}
          </button>
        </div>
        {people.logIn && (
          <p class="dialog-ways">
            {way !== "password" && <Turn text="Sign in with a password" onClick={() => turnTo("password")} testId="way-password" />}
            {way !== "register" && people.register && <Turn text="Create an account" onClick={() => turnTo("register")} testId="way-register" />}
            {way !== "key" && <Turn text="Use an API key or a token" onClick={() => turnTo("key")} testId="way-key" />}
          </p>
        )}
      </form>
    </Dialog>
  );
}

function refusal(access: "refused" | "ended", byKey: boolean): string {
  if (access === "refused") return byKey ? "The server did not accept that key or token." : "The server does not accept your login.";
  return `${byKey ? "Your key or token has ended or was revoked." : "You were signed out."} What you have typed is kept.`;
}

function Turn({ text, onClick, testId }: { text: string; onClick: () => void; testId: string }) {
  return (
    <button type="button" class="link-button" onClick={onClick} data-testid={testId}>
      {text}
    </button>
  );
}
