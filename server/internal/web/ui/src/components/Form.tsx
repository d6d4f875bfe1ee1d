import type { TargetedEvent } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ApiError } from "../request";

/** Why a form was refused, and which of its fields is to blame. */
export interface FormProblem {
  text: string;
  field: string | null;
}

/** The field that an error code of the server is about. */
const fieldOf: Record<string, string> = {
  INVALID_EMAIL: "email",
  EMAIL_EXISTS: "email",
  INVALID_USERNAME: "username",
  USERNAME_EXISTS: "username",
  INVALID_PASSWORD: "password",
};

/** What people read about a refusal. */
function problemOf(error: ApiError, wrongPassword: FormProblem): FormProblem {
  if (error.code === "INVALID_CREDENTIALS") return wrongPassword;
  const field = fieldOf[error.code] ?? null;
  const text = error.details ? `${error.message.replace(/\.$/, "")}. ${error.details.replace(/\.$/, "")}.` : error.message;
  return { text, field };
}

/** Sends a form once at a time, and keeps what is wrong with it. The field to blame gets the focus. */
export function useSubmit(wrongPassword: FormProblem) {
  const [problem, setProblem] = useState<FormProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const sent = useRef<HTMLFormElement | null>(null);
  useEffect(() => {
    if (problem?.field) sent.current?.querySelector<HTMLInputElement>("[aria-invalid=true]")?.focus();
  }, [problem]);
  const submit = (send: (data: FormData) => Promise<void>) => async (event: TargetedEvent<HTMLFormElement, SubmitEvent>) => {
    event.preventDefault();
    if (busy) return;
    sent.current = event.currentTarget;
    setBusy(true);
    setProblem(null);
    try {
      await send(new FormData(event.currentTarget));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(problemOf(error, wrongPassword));
    } finally {
      setBusy(false);
    }
  };
  return { problem, busy, submit, reset: () => setProblem(null), say: setProblem };
}

interface FieldProps {
  label: string;
  name: string;
  type?: "text" | "email" | "password";
  autoComplete: string;
  value?: string;
  hint?: string | undefined;
  describedBy?: string;
  wrong?: boolean;
  testId: string;
}

/** A field that must be filled in, with its label and, if it has one, a hint. */
export function Field({ label, name, type = "text", autoComplete, value, hint, describedBy, wrong = false, testId }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type={type as "text"} // the types of the element want to know which of them
        name={name}
        required
        defaultValue={value}
        autoComplete={autoComplete}
        autoCapitalize="none"
        spellcheck={false}
        aria-invalid={wrong}
        aria-describedby={hint ? `${id}-hint` : describedBy}
        data-testid={testId}
      />
      {hint && (
        <span id={`${id}-hint`} class="field-hint">
          {hint}
        </span>
      )}
    </div>
  );
}
