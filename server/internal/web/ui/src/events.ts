// The Socket.IO events that the page sends and reads.

/** A message as the sockets of its channel receive it. `createdAt` is epoch milliseconds. */
export interface BroadcastEvent extends ChannelEvent {
  id: string;
  senderId: string;
  senderName: string;
  text: string;
  createdAt: number;
  /** Its place in the channel. */
  seq: number;
  source?: string;
  attachments?: unknown;
  rawMessage?: unknown;
  metadata?: Record<string, unknown>;
  /** The sender's own id of the message; only the sending socket receives it. */
  clientMessageId?: string;
}

/** A piece of an answer that is being written. `messageId` is the id that the whole answer will have. */
export interface ChunkEvent extends ChannelEvent {
  messageId: string;
  agentId: string;
  chunk: string;
  /** Counts from 0 in each answer. */
  index: number;
}

export interface StreamErrorEvent extends ChannelEvent {
  messageId: string;
  error: string;
}

/** An agent is done with a message, with or without an answer. */
export interface CompleteEvent extends ChannelEvent {
  /** The message that was dealt with; missing when another program reports the end. */
  messageId?: string;
  /** What stands in the conversation for it: the answer, or a word on why there is none. */
  replyId?: string;
  /** How it ended: replied, ignored, failed, cancelled, superseded, timed_out or unhandled. */
  status?: string;
  reason?: string;
  detail?: string;
  error?: string | { message?: string };
}

export interface ControlEvent extends ChannelEvent {
  action: string;
}

/** The server did not take a message. */
export interface MessageErrorEvent extends ChannelEvent {
  error: string;
  code?: string;
  clientMessageId?: string;
}

export interface DeletedEvent extends ChannelEvent {
  messageId: string;
}

/** What every event about a channel carries; the two names mean the same. */
export interface ChannelEvent {
  channelId?: string;
  roomId?: string;
}

export interface ServerEvents {
  authenticated(event: { entityId: string }): void;
  unauthorized(reason: string): void;
  /** An agent was made, changed, started, stopped or deleted. */
  agentsChanged(): void;
  messageBroadcast(event: BroadcastEvent): void;
  messageStreamChunk(event: ChunkEvent): void;
  messageStreamError(event: StreamErrorEvent): void;
  messageComplete(event: CompleteEvent): void;
  messageError(event: MessageErrorEvent): void;
  controlMessage(event: ControlEvent): void;
  messageDeleted(event: DeletedEvent): void;
  channelCleared(event: ChannelEvent): void;
  channelDeleted(event: ChannelEvent): void;
}

/** The number that names the intent inside a "message" event. */
export const MessageType = { join: 1, send: 2 } as const;

export interface JoinPayload {
  channelId: string;
  roomId: string;
  entityId: string;
}

export interface SendPayload {
  channelId: string;
  roomId: string;
  senderId: string;
  senderName: string;
  message: string;
  messageServerId: string;
  messageId: string;
  source: "client_chat";
  metadata: { channelType: "DM"; isDm: true; targetUserId: string };
}

export interface ClientEvents {
  message(
    event:
      | { type: typeof MessageType.join; payload: JoinPayload }
      | { type: typeof MessageType.send; payload: SendPayload },
  ): void;
}
