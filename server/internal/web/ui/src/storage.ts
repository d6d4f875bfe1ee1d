/** One of the browser's two stores; null where people forbid them. The page then forgets instead of failing. */
export function browserStorage(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return globalThis[kind] ?? null;
  } catch {
    return null;
  }
}
