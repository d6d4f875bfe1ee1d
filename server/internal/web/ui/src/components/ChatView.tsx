import { answeredByBuiltin, awaited, type Chat, newChat } from "../chat";
import type { Controller } from "../controller";
import type { Agent, State } from "../state";
import { BuiltinBanner } from "./BuiltinBanner";
import { ChatHeader } from "./ChatHeader";
import { Composer } from "./Composer";
import { MessageList } from "./MessageList";
import { Problem } from "./Problem";

interface Props {
  state: State;
  agent: Agent;
  controller: Controller;
  onMenu: (() => void) | null;
}

/** The conversation with one agent. */
export function ChatView({ state, agent, controller, onMenu }: Props) {
  const chat = state.chats[agent.id] ?? newChat(agent.id);
  return (
    <>
      <ChatHeader agent={agent} connection={state.connection} clearable={chat.messages.length > 0} controller={controller} onMenu={onMenu} />
      {answeredByBuiltin(chat) && <BuiltinBanner name={agent.name} />}
      {chat.error ? (
        <Problem title="This conversation can't be opened" text={chat.error} onRetry={() => void controller.open(agent.id)} />
      ) : (
        <MessageList key={agent.id} chat={chat} agent={agent} me={state.me} connection={state.connection} controller={controller} />
      )}
      <footer class="chat-footer">
        {agent.active ? (
          <Composer
            key={agent.id}
            agentId={agent.id}
            name={agent.name}
            disabled={!canWrite(chat)}
            onSend={(text) => controller.submit(agent.id, text)}
            onStop={awaited(chat).length > 0 ? () => void controller.stopAnswer(agent.id) : null}
          />
        ) : (
          <p class="stopped" data-testid="stopped">
            {agent.name} is stopped.
            <button
              type="button"
              class="button button-primary"
              disabled={state.switching.includes(agent.id)}
              onClick={() => void controller.setActive(agent.id, true)}
            >
              Start
            </button>
          </p>
        )}
      </footer>
    </>
  );
}

function canWrite(chat: Chat): boolean {
  return chat.loaded && !chat.locked;
}
