import { useState } from "preact/hooks";
import type { Controller } from "../controller";
import type { Agent, Connection } from "../state";
import { Avatar } from "./Avatar";
import { ConfirmDialog } from "./ConfirmDialog";
import { ConnectionState } from "./ConnectionState";
import { ClearIcon, MenuIcon } from "./icons";

interface Props {
  agent: Agent | null;
  connection: Connection;
  /** Whether there is something to clear. */
  clearable: boolean;
  controller: Controller;
  /** Opens the list of agents, where it is not shown already. */
  onMenu: (() => void) | null;
}

export function ChatHeader({ agent, connection, clearable, controller, onMenu }: Props) {
  const [confirming, setConfirming] = useState(false);
  return (
    <header class="chat-header">
      {onMenu && (
        <button type="button" class="icon-button" aria-label="Agents" aria-haspopup="dialog" data-testid="menu" onClick={onMenu}>
          <MenuIcon />
        </button>
      )}
      {agent && <Avatar id={agent.id} name={agent.name} size="small" />}
      <h1 class="chat-title" data-testid="chat-title">
        {agent?.name ?? "elizad"}
      </h1>
      <span class="spacer" />
      <ConnectionState connection={connection} onConnect={() => controller.connect()} />
      {agent && (
        <button
          type="button"
          class="icon-button"
          aria-label="Clear chat"
          title="Clear chat"
          data-testid="clear-chat"
          disabled={!clearable}
          onClick={() => setConfirming(true)}
        >
          <ClearIcon />
        </button>
      )}
      {agent && confirming && (
        <ConfirmDialog
          title="Clear this chat?"
          text={`All messages between you and ${agent.name} are deleted. This can't be undone.`}
          confirm="Clear chat"
          onConfirm={() => void controller.clear(agent.id)}
          onClose={() => setConfirming(false)}
        />
      )}
    </header>
  );
}
