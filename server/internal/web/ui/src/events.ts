// The Socket.IO events that the page sends and reads, with their payloads taken from the contract (`npm run types`).

import type { components } from "./openapi";

type Schemas = components["schemas"];

/** A message as the sockets of its channel receive it. `createdAt` is epoch milliseconds. */
export type BroadcastEvent = Pick<
  Schemas["SocketBroadcast"],
  | "id" | "channelId" | "senderId" | "senderName" | "text" | "createdAt" | "seq" | "source"
  | "attachments" | "rawMessage" | "metadata" | "clientMessageId"
>;

/** An agent is done with a message, with or without an answer. */
export type CompleteEvent = Schemas["SocketComplete"];

/** The server refused a message. */
export type MessageErrorEvent = Schemas["SocketError"];

/** The channel of an event, under two names. */
export type ChannelEvent = Partial<Pick<Schemas["SocketChannelGone"], "channelId" | "roomId">>;

export interface ServerEvents {
  authenticated(event: Schemas["SocketAuthenticated"]): void;
  unauthorized(reason: string): void;
  /** An agent was made, changed, started, stopped or deleted. */
  agentsChanged(): void;
  messageBroadcast(event: BroadcastEvent): void;
  /** A piece of an answer that is being written. `messageId` is the id that the complete answer will have. */
  messageStreamChunk(event: Schemas["SocketStreamChunk"]): void;
  messageStreamError(event: Schemas["SocketStreamError"]): void;
  messageComplete(event: CompleteEvent): void;
  messageError(event: MessageErrorEvent): void;
  controlMessage(event: Schemas["SocketControl"]): void;
  messageDeleted(event: Schemas["SocketMessageDeleted"]): void;
  channelCleared(event: Schemas["SocketChannelGone"]): void;
  channelDeleted(event: Schemas["SocketChannelGone"]): void;
}

/** The number that names the intent inside a "message" event. */
export const MessageType = { join: 1, send: 2 } as const;

export type SendPayload = Schemas["SocketSend"];

export interface ClientEvents {
  message(
    event:
      | { type: typeof MessageType.join; payload: Schemas["SocketJoin"] }
      | { type: typeof MessageType.send; payload: SendPayload },
  ): void;
}
