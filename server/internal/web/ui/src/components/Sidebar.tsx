import { addressOf } from "../base";
import type { Controller } from "../controller";
import type { State } from "../state";
import { AgentItem } from "./AgentItem";

interface Props {
  state: State;
  controller: Controller;
  /** Called after an agent has been chosen. */
  onChosen: () => void;
  /** Shows who has logged in. */
  onAccount: () => void;
}

/** The agents of the server, and below them who the user is. */
export function Sidebar({ state, controller, onChosen, onAccount }: Props) {
  const { account } = state;
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
      <footer class="sidebar-foot">
        {account.means !== "nothing" && (
          <p class="who" data-testid="who">
            {account.means === "login" ? (
              <>
                <span class="who-name">{account.name}</span>
                <button type="button" class="link-button" onClick={onAccount} data-testid="account">
                  Account
                </button>
              </>
            ) : (
              <span class="who-name">{account.means === "key" ? "With an API key" : "With a token"}</span>
            )}
            <button type="button" class="link-button" onClick={() => void controller.signOut()} data-testid="sign-out">
              Sign out
            </button>
          </p>
        )}
        <a class="sidebar-link" href={addressOf("/docs")}>
          API explorer
        </a>
      </footer>
    </>
  );
}
