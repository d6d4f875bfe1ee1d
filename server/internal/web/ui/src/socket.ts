import { io, type Socket } from "socket.io-client";
import { addressOf } from "./base";
import { type ClientEvents, MessageType, type SendPayload, type ServerEvents } from "./events";
import type { Session } from "./session";

/** A change of the connection. `refused` has the server's reason and is not retried. */
export interface ConnectionHandlers {
  lost(): void;
  refused(reason: string): void;
}

/** How long to wait before connecting again after the server ended the connection on purpose. */
const retryMs = 3_000;

/** The live connection. socket.io-client reconnects by itself; the caller joins the channels again. */
export class Realtime {
  private readonly socket: Socket<ServerEvents, ClientEvents>;
  /** The access token of the latest attempt to connect. */
  shows: string | null = null;

  constructor(
    private readonly session: Session,
    connection: ConnectionHandlers,
    events: Partial<ServerEvents>,
  ) {
    this.socket = io({
      path: addressOf("/socket.io/"),
      autoConnect: false,
      // Read at every attempt, because the user may sign in later, and tokens end.
      auth: (set) =>
        void session.fresh().then(() => {
          this.shows = session.identity.login?.token ?? null;
          set({ entityId: session.identity.entityId, ...session.identity.handshake });
        }),
    });
    this.socket.on("disconnect", (reason) => {
      if (reason === "io client disconnect") return;
      connection.lost();
      if (!this.socket.active) setTimeout(() => this.socket.connect(), retryMs);
    });
    this.socket.on("connect_error", (error) => {
      if (this.socket.active) connection.lost();
      else connection.refused(error.message);
    });
    for (const [name, handler] of Object.entries(events)) {
      this.socket.on(name as keyof ServerEvents, handler as never);
    }
  }

  get connected(): boolean {
    return this.socket.connected;
  }

  /** Connects with the current identity, replacing an existing connection. */
  connect(): void {
    this.socket.disconnect().connect();
  }

  join(channelId: string): void {
    const payload = { channelId, roomId: channelId, entityId: this.session.identity.entityId };
    this.socket.emit("message", { type: MessageType.join, payload });
  }

  send(payload: SendPayload): void {
    this.socket.emit("message", { type: MessageType.send, payload });
  }
}
