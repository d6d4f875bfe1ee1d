import { useEffect, useState } from "preact/hooks";
import type { Controller } from "../controller";
import { useMedia, useStore } from "../hooks";
import { selectedAgent, type State } from "../state";
import type { Store } from "../store";
import { AccountDialog } from "./AccountDialog";
import { ChatHeader } from "./ChatHeader";
import { ChatView } from "./ChatView";
import { Dialog } from "./Dialog";
import { CloseIcon } from "./icons";
import { Problem } from "./Problem";
import { Sidebar } from "./Sidebar";
import { SignInDialog } from "./SignInDialog";

/** The page: the agents beside the conversation, or behind a button on narrow screens. */
export function App({ store, controller }: { store: Store; controller: Controller }) {
  const state = useStore(store);
  const narrow = useMedia("(max-width: 47.99rem)");
  const [drawer, setDrawer] = useState(false);
  const [account, setAccount] = useState(false);
  const agent = selectedAgent(state);
  const onMenu = narrow ? () => setDrawer(true) : null;
  const showAccount = () => {
    setDrawer(false);
    setAccount(true);
  };
  const sidebar = <Sidebar state={state} controller={controller} onChosen={() => setDrawer(false)} onAccount={showAccount} />;

  useEffect(() => {
    document.title = agent ? `${agent.name} · elizad` : "elizad";
  }, [agent?.name]);

  return (
    <div class="app">
      {!narrow && <aside class="sidebar">{sidebar}</aside>}
      {narrow && drawer && (
        <Dialog label="Agents" class="drawer" onClose={() => setDrawer(false)}>
          <div class="sidebar">
            <button type="button" class="icon-button drawer-close" aria-label="Close" onClick={() => setDrawer(false)}>
              <CloseIcon />
            </button>
            {sidebar}
          </div>
        </Dialog>
      )}
      <main class="chat">
        {agent ? (
          <ChatView state={state} agent={agent} controller={controller} onMenu={onMenu} />
        ) : (
          <>
            <ChatHeader agent={null} connection={state.connection} clearable={false} controller={controller} onMenu={onMenu} />
            <NoAgent state={state} controller={controller} />
          </>
        )}
      </main>
      {account && <AccountDialog name={state.account.name} controller={controller} onClose={() => setAccount(false)} />}
      {state.access !== "open" && state.people && <SignInDialog access={state.access} account={state.account} people={state.people} controller={controller} />}
    </div>
  );
}

/** Why there is no conversation to show. */
function NoAgent({ state, controller }: { state: State; controller: Controller }) {
  if (state.agentsError) {
    return <Problem title="The agents can't be loaded" text={state.agentsError} onRetry={() => void controller.loadAgents()} />;
  }
  if (!state.agents) return null;
  if (state.agents.length === 0) {
    return <Problem title="No agents yet" text="Create one with POST /api/agents, or start the server with a character file." />;
  }
  return <Problem title="No such agent" text="The address names an agent that this server does not have. Choose one from the list." />;
}
