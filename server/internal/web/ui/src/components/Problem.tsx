interface Props {
  title: string;
  text: string;
  onRetry?: () => void;
}

/** Shown in place of what could not be loaded. */
export function Problem({ title, text, onRetry }: Props) {
  return (
    <div class="empty problem" role="alert" data-testid="problem">
      <p class="empty-title">{title}</p>
      <p class="hint">{text}</p>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
