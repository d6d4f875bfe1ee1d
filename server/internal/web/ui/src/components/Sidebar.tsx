import { addressOf } from "../base";
import type { Controller } from "../controller";
import type { State } from "../state";
import { AgentItem } from "./AgentItem";

interface Props {
  state: State;
  controller: Controller;
  /** Called after an agent has been chosen. */
  onChosen: () => void;
}

/** The agents of the server. */
export function Sidebar({ state, controller, onChosen }: Props) {
  return (
    <>
      <p class="brand">elizad</p>
      <nav class="agents" aria-label="Agents">
        {state.agents ? (
          <ul>
            {state.agents.map((agent) => (
              <AgentItem
                key={agent.id}
                agent={agent}
                selected={agent.id === state.selected}
                unread={state.chats[agent.id]?.unread ?? false}
                switching={state.switching.includes(agent.id)}
                onChoose={() => {
                  controller.choose(agent.id);
                  onChosen();
                }}
                onSwitch={(active) => void controller.setActive(agent.id, active)}
              />
            ))}
          </ul>
        ) : (
          !state.agentsError && <p class="hint">Loading agents…</p>
        )}
      </nav>
      {state.signedIn && (
        <button type="button" class="sidebar-link" onClick={() => controller.signOut()} data-testid="sign-out">
          Sign out
        </button>
      )}
      <a class="sidebar-link" href={addressOf("/docs")}>
        API explorer
      </a>
    </>
  );
}
