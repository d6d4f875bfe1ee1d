import type { Connection } from "../state";

const labels: Record<Connection, string> = {
  connecting: "Connecting…",
  connected: "Connected",
  reconnecting: "Reconnecting…",
  refused: "Not connected",
};

export function ConnectionState({ connection, onConnect }: { connection: Connection; onConnect: () => void }) {
  return (
    <span class={`connection connection-${connection}`}>
      <span class="connection-label" role="status" data-testid="connection-state" data-state={connection}>
        {labels[connection]}
      </span>
      {connection === "refused" && (
        <button type="button" class="link-button" onClick={onConnect}>
          Try again
        </button>
      )}
    </span>
  );
}
