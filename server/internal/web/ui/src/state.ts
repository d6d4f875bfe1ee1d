// The state of the whole page, and every change of it as a pure function.

import { type Chat, type ChatChange, newChat, reduceChat } from "./chat";

export interface Agent {
  id: string;
  name: string;
  /** The first line of its description; may be empty. */
  bio: string;
  active: boolean;
}

/** `refused` lasts until the user acts; the others are temporary. */
export type Connection = "connecting" | "connected" | "reconnecting" | "refused";

export interface State {
  me: string;
  connection: Connection;
  /** What the page may do on the server: enough as far as is known; or it wants an API key or token, refuses the one given, or takes it no more. */
  access: "open" | "wanted" | "refused" | "ended";
  /** Whether the browser keeps a key or token. */
  signedIn: boolean;
  /** Null until the list has arrived. */
  agents: Agent[] | null;
  /** Why the list could not be read. */
  agentsError: string | null;
  /** The agents that are being started or stopped. */
  switching: string[];
  /** The id in the address, whether or not there is such an agent. */
  selected: string | null;
  /** By agent id. */
  chats: Record<string, Chat>;
}

export type Action =
  | { type: "connection"; connection: Connection }
  | { type: "access"; access: State["access"] }
  | { type: "signedIn" }
  | { type: "agentsLoaded"; agents: Agent[] }
  | { type: "agentsFailed"; error: string }
  | { type: "switching"; agentId: string }
  | { type: "switched"; agentId: string; active: boolean | null }
  | { type: "selected"; agentId: string | null }
  | { type: "chat"; agentId: string; change: ChatChange };

export function initialState(me: string, selected: string | null, signedIn = false): State {
  return {
    me,
    connection: "connecting",
    access: "open",
    signedIn,
    agents: null,
    agentsError: null,
    switching: [],
    selected,
    chats: {},
  };
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "connection":
      return { ...state, connection: action.connection };
    case "access":
      return { ...state, access: action.access };
    case "signedIn":
      return { ...state, access: "open", signedIn: true };
    case "agentsLoaded":
      return { ...state, agents: action.agents, agentsError: null };
    case "agentsFailed":
      return { ...state, agentsError: action.error };
    case "switching":
      return { ...state, switching: [...state.switching, action.agentId] };
    case "switched": {
      const { agentId, active } = action;
      return {
        ...state,
        switching: state.switching.filter((id) => id !== agentId),
        agents: state.agents?.map((a) => (a.id === agentId && active !== null ? { ...a, active } : a)) ?? null,
      };
    }
    case "selected":
      return { ...state, selected: action.agentId };
    case "chat": {
      const { agentId, change } = action;
      const chat = state.chats[agentId] ?? newChat(agentId);
      return { ...state, chats: { ...state.chats, [agentId]: reduceChat(chat, change) } };
    }
  }
}

export function selectedAgent(state: State): Agent | null {
  return state.agents?.find((a) => a.id === state.selected) ?? null;
}

export function chatOfChannel(state: State, channelId: string): Chat | null {
  return Object.values(state.chats).find((c) => c.channelId === channelId) ?? null;
}

/** The agent that is opened if the address names none: the first that is running. */
export function defaultAgent(agents: Agent[]): Agent | null {
  return agents.find((a) => a.active) ?? agents[0] ?? null;
}
