// One request to the server, and what became of it.

import type { Failure } from "./contract";

/** An answer that is not a success, or no answer at all (status 0). Its message is for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details = "",
  ) {
    super(message);
  }
}

/** The data of an answer, and when the server wrote it; null if it doesn't say. */
export interface Answer {
  data: unknown;
  at: number | null;
}

/** Sends a request for a path of the server; throws an ApiError. */
export type Send = (method: string, path: string, headers: Record<string, string>, body?: unknown) => Promise<Answer>;

const timeoutMs = 30_000;

/** Sends requests to the server whose paths have these addresses. */
export function sender(addressOf: (path: string) => string): Send {
  return async (method, path, headers, body) => {
    const init: RequestInit = { method, headers: { Accept: "application/json", ...headers }, signal: AbortSignal.timeout(timeoutMs) };
    if (body !== undefined) Object.assign(init, { body: JSON.stringify(body), headers: { ...init.headers, "Content-Type": "application/json" } });
    let response: Response;
    try {
      response = await fetch(addressOf(path), init);
    } catch {
      throw new ApiError(0, "UNREACHABLE", "The server can't be reached.");
    }
    const answer: unknown = await response.json().catch(() => null);
    if (!response.ok) throw errorOf(response.status, answer);
    return { data: (answer as { data?: unknown } | null)?.data, at: Date.parse(response.headers.get("Date") ?? "") || null };
  };
}

function errorOf(status: number, body: unknown): ApiError {
  const error = (body as Partial<Failure> | null)?.error;
  return new ApiError(status, error?.code ?? "UNKNOWN", error?.message ?? `The server answered with status ${status}.`, error?.details);
}
