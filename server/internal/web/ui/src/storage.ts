/** One of the browser's two stores; null where they are blocked. The page then keeps nothing instead of failing. */
export function browserStorage(kind: "localStorage" | "sessionStorage"): Storage | null {
  try {
    return globalThis[kind] ?? null;
  } catch {
    return null;
  }
}
