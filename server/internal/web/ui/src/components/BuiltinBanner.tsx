/** Says that no language model is connected, and how to connect one. */
export function BuiltinBanner({ name }: { name: string }) {
  return (
    <p class="banner" role="note" data-testid="notice">
      {name} uses the built-in responder. To connect a language model, set <code>OPENAI_API_KEY</code>,{" "}
      <code>ANTHROPIC_API_KEY</code> or <code>OLLAMA_API_ENDPOINT</code>.
    </p>
  );
}
