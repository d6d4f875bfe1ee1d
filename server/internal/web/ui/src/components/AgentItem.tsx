import { addressOfAgent } from "../router";
import type { Agent } from "../state";
import { Avatar } from "./Avatar";

interface Props {
  agent: Agent;
  selected: boolean;
  unread: boolean;
  switching: boolean;
  onChoose: () => void;
  onSwitch: (active: boolean) => void;
}

export function AgentItem({ agent, selected, unread, switching, onChoose, onSwitch }: Props) {
  return (
    <li class={`agent${selected ? " agent-selected" : ""}`} data-testid="agent-item" data-agent-id={agent.id} data-active={agent.active}>
      <a
        class="agent-link"
        href={addressOfAgent(agent.id)}
        aria-current={selected ? "page" : undefined}
        onClick={(event) => {
          // A click that opens another tab or window is left to the browser.
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          onChoose();
        }}
      >
        <Avatar id={agent.id} name={agent.name} />
        <span class="agent-text">
          <span class="agent-name">{agent.name}</span>
          <span class="agent-bio">{agent.active ? agent.bio : "Stopped"}</span>
        </span>
        {unread && <span class="unread" role="img" aria-label="new messages" data-testid="unread" />}
      </a>
      <button
        type="button"
        class="switch"
        role="switch"
        aria-checked={agent.active}
        aria-label={`${agent.name} is running`}
        aria-busy={switching}
        disabled={switching}
        title={agent.active ? `Stop ${agent.name}` : `Start ${agent.name}`}
        data-testid="start-stop"
        onClick={() => onSwitch(!agent.active)}
      />
    </li>
  );
}
