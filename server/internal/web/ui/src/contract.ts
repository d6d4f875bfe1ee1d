// The shapes of the HTTP API that the page reads, taken from the contract (`npm run types`).

import type { components } from "./openapi";

type Schemas = components["schemas"];

export type AgentListItem = Pick<Schemas["AgentListItem"], "id" | "name" | "bio" | "status">;

export type Channel = Pick<Schemas["Channel"], "id">;

export type CurrentMessageServer = Schemas["CurrentMessageServer"];

export type StoredMessage = Pick<
  Schemas["Message"],
  "id" | "seq" | "authorId" | "authorDisplayName" | "content" | "createdAt" | "rawMessage" | "sourceType" | "sourceId" | "metadata"
>;

/** One page of a channel's messages, newest first. */
export interface MessagePage extends Pick<Schemas["MessageList"], "hasMore"> {
  messages: StoredMessage[];
}

export type PublicConfig = Pick<Schemas["PublicConfig"], "users">;

export type User = Pick<Schemas["User"], "email" | "username" | "admin">;

/** The body of every response that is not a success. */
export type Failure = Schemas["Error"];
