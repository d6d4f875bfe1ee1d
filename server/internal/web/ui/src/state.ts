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

/** What somebody has signed in with; the name is that of a user of the server. */
export interface Account {
  means: "nothing" | "key" | "token" | "login";
  name: string;
}

/** Whether the server has users, and lets people become one. */
export interface People {
  logIn: boolean;
  register: boolean;
}

export interface State {
  me: string;
  connection: Connection;
  /** What the page may do on the server: enough as far as is known; or it wants a credential, refuses the one given, or takes it no more. */
  access: "open" | "wanted" | "refused" | "ended";
  /** What the user has signed in with. */
  account: Account;
  /** Whether people log in with a password, and may register; null until the server has said so. */
  people: People | null;
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
  | { type: "people"; people: People }
  | { type: "account"; account: Account }
  | { type: "agentsLoaded"; agents: Agent[] }
  | { type: "agentsFailed"; error: string }
  | { type: "switching"; agentId: string }
  | { type: "switched"; agentId: string; active: boolean | null }
  | { type: "selected"; agentId: string | null }
  | { type: "chat"; agentId: string; change: ChatChange };

export const nobody: Account = { means: "nothing", name: "" };

export function initialState(me: string, selected: string | null, account = nobody): State {
  return {
    me,
    connection: "connecting",
    access: "open",
    account,
    people: null,
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
    case "people":
      return { ...state, people: action.people };
    case "account":
      // What is wrong with it, the server says again.
      return { ...state, access: "open", account: action.account };
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
