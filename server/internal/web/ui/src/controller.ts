import { Api } from "./api";
import { awaited, type Chat, type ChatChange, type Note } from "./chat";
import type { StoredMessage, User } from "./contract";
import type { ChannelEvent, MessageErrorEvent, ServerEvents } from "./events";
import { newId } from "./identity";
import { fromBroadcast, fromHistory, type Message } from "./message";
import { outcomeNote } from "./outcome";
import { ApiError } from "./request";
import { addressOfAgent, agentInAddress } from "./router";
import type { Session } from "./session";
import { Realtime } from "./socket";
import { type Account, chatOfChannel, defaultAgent } from "./state";
import type { Store } from "./store";

const pageSize = 50;

/** How long the server has to confirm a message before the page reports that it was not delivered. */
const confirmMs = 20_000;

/** How long to wait for further changes of the agents before they are read. */
const settleMs = 200;

/** How long a new access token waits for an answer that is being written; the one before is good for longer. */
const patienceMs = 30_000;

/** Carries out user actions: calls the server and puts the results into the store. */
export class Controller {
  private readonly api: Api;
  private readonly realtime: Realtime;
  private server: Promise<string> | null = null;
  /** Whether the server has accepted what the user signed in with. */
  private accepted = false;
  /** Whether another access token was asked for since the server accepted one. */
  private triedAgain = false;
  private reconnecting: ReturnType<typeof setTimeout> | undefined;
  /** The agents whose channel is being looked up. */
  private readonly opening = new Set<string>();
  private agentsTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly store: Store,
    private readonly session: Session,
  ) {
    this.api = new Api(session);
    this.realtime = new Realtime(
      session,
      {
        lost: () => this.connectionLost(),
        refused: (reason) => this.refused(reason),
      },
      this.events(),
    );
  }

  start(): void {
    this.session.start({
      renewed: () => this.renewed(),
      ended: () => this.store.dispatch({ type: "access", access: "ended" }),
      signedIn: () => this.signedIn(),
      signedOut: () => location.replace(location.pathname),
    });
    void this.loadPeople();
    this.realtime.connect();
    void this.loadAgents();
    window.addEventListener("popstate", () => this.select(agentInAddress(location.pathname)));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.loadAgents();
    });
  }

  /** Shows an API key or a token from now on, and retries everything that was refused without it. */
  signIn(credential: string, remember: boolean): void {
    this.session.signIn(credential, remember);
    this.signedIn();
  }

  /** Logs a user in. Throws an ApiError. */
  async logIn(email: string, password: string, remember: boolean): Promise<void> {
    await this.session.logIn(email, password, remember);
    this.signedIn();
  }

  /** Makes a user, and logs in. Throws an ApiError. */
  async register(email: string, username: string, password: string, remember: boolean): Promise<void> {
    await this.session.register(email, username, password, remember);
    this.signedIn();
  }

  /** The address with which the user logged in last, in this tab. */
  get lastEmail(): string {
    return this.session.lastEmail;
  }

  /** Whether the user wanted to stay signed in, the last time. */
  get remembered(): boolean {
    return this.session.identity.remembered;
  }

  /** The user who has logged in. Throws an ApiError. */
  whoAmI(): Promise<User> {
    return this.api.me();
  }

  /** Throws an ApiError. */
  changePassword(current: string, next: string): Promise<void> {
    return this.session.changePassword(current, next);
  }

  /** Ends the login, and forgets the user and everything that the page has stored. */
  async signOut(): Promise<void> {
    await this.session.signOut();
    location.replace(location.pathname);
  }

  /** Somebody has signed in, here or in another tab: retries what was refused before. */
  private signedIn(): void {
    const { login, entityId } = this.session.identity;
    if (login && login.entityId !== entityId) {
      // What was typed before without a name is this user's; what another user typed is not.
      if (this.accepted) this.session.identity.dropDrafts();
      this.session.identity.adopt(login.entityId);
      location.reload();
      return;
    }
    this.accepted = this.triedAgain = false;
    this.store.dispatch({ type: "account", account: accountOf(this.session) });
    this.connect();
    void this.loadAgents();
  }

  /** There is another access token: connects with it before the one before ends, but not in the middle of an answer. */
  private renewed(since = Date.now()): void {
    clearTimeout(this.reconnecting);
    const busy = Object.values(this.store.state.chats).some((chat) => chat.streams.length > 0 || chat.waiting.length > 0);
    if (busy && this.realtime.connected && Date.now() - since < patienceMs) {
      this.reconnecting = setTimeout(() => this.renewed(since), settleMs);
      return;
    }
    if (this.store.state.access !== "open") this.store.dispatch({ type: "account", account: accountOf(this.session) });
    if (this.realtime.shows !== this.session.identity.login?.token) this.realtime.connect();
  }

  /** Asks whether people log in with a password. A server that doesn't say has keys and tokens only. */
  private async loadPeople(): Promise<void> {
    const { users } = await this.api.config().catch(() => ({ users: undefined }));
    this.store.dispatch({ type: "people", people: { logIn: users !== undefined, register: users?.registration === "open" } });
  }

  connect(): void {
    this.store.dispatch({ type: "connection", connection: "connecting" });
    this.realtime.connect();
  }

  /** Reads the agents again, once for several changes at a time. */
  private agentsChanged(): void {
    this.agentsTimer ??= setTimeout(() => {
      this.agentsTimer = null;
      void this.loadAgents();
    }, settleMs);
  }

  async loadAgents(): Promise<void> {
    try {
      const agents = await this.api.agents();
      this.store.dispatch({ type: "agentsLoaded", agents });
    } catch (error) {
      this.store.dispatch({ type: "agentsFailed", error: this.explain(error) });
      return;
    }
    const { agents, selected } = this.store.state;
    const agentId = selected ?? defaultAgent(agents ?? [])?.id;
    if (!agentId) return;
    if (!selected) history.replaceState(null, "", addressOfAgent(agentId));
    this.select(agentId);
  }

  async setActive(agentId: string, active: boolean): Promise<void> {
    this.store.dispatch({ type: "switching", agentId });
    try {
      await (active ? this.api.startAgent(agentId) : this.api.stopAgent(agentId));
      this.store.dispatch({ type: "switched", agentId, active });
    } catch (error) {
      this.store.dispatch({ type: "switched", agentId, active: null });
      this.note(agentId, { tone: "error", text: this.explain(error) });
    }
  }

  /** Shows an agent and puts it into the address. */
  choose(agentId: string): void {
    if (agentId !== this.store.state.selected) history.pushState(null, "", addressOfAgent(agentId));
    this.select(agentId);
  }

  private select(agentId: string | null): void {
    this.store.dispatch({ type: "selected", agentId });
    if (!agentId || !this.store.state.agents?.some((a) => a.id === agentId)) return;
    const chat = this.store.state.chats[agentId];
    if (!chat?.channelId) void this.open(agentId);
    else this.change(agentId, { type: "seen" });
  }

  /** Finds the channel of an agent and reads its newest messages. */
  async open(agentId: string): Promise<void> {
    if (this.opening.has(agentId)) return;
    this.opening.add(agentId);
    this.change(agentId, { type: "opening" });
    try {
      const channel = await this.api.directChannel(agentId, this.store.state.me, await this.serverId());
      this.change(agentId, { type: "opened", channelId: channel.id });
      // Joining first: messages that are posted while the history loads arrive as events.
      if (this.realtime.connected) this.realtime.join(channel.id);
      await this.loadHistory(agentId, channel.id);
    } catch (error) {
      this.change(agentId, { type: "openFailed", error: this.explain(error) });
    } finally {
      this.opening.delete(agentId);
    }
  }

  private async loadHistory(agentId: string, channelId: string): Promise<void> {
    const known = new Set(this.store.state.chats[agentId]?.messages.map((m) => m.id));
    const page = await this.api.messages(channelId, pageSize);
    this.change(agentId, { type: "historyLoaded", messages: oldestFirst(page.messages), hasMore: page.hasMore, known });
  }

  async loadOlder(agentId: string): Promise<void> {
    const chat = this.store.state.chats[agentId];
    const oldest = chat?.messages[0];
    if (!chat?.channelId || !oldest || !chat.hasMore || chat.loadingOlder) return;
    this.change(agentId, { type: "olderRequested" });
    try {
      // One millisecond later, so that messages of the same millisecond are not skipped; known ones are recognised by id.
      const page = await this.api.messages(chat.channelId, pageSize, oldest.createdAt + 1);
      this.change(agentId, { type: "olderLoaded", messages: oldestFirst(page.messages), hasMore: page.hasMore });
    } catch (error) {
      this.change(agentId, { type: "olderFailed", error: this.explain(error) });
    }
  }

  submit(agentId: string, text: string): void {
    const clientId = newId();
    this.change(agentId, { type: "submitted", clientId, text, createdAt: Date.now() });
    void this.send(agentId, clientId);
  }

  retry(agentId: string, clientId: string): void {
    this.change(agentId, { type: "retried", clientId });
    void this.send(agentId, clientId);
  }

  discard(agentId: string, clientId: string): void {
    this.change(agentId, { type: "discarded", clientId });
  }

  /** Ends the answers that the user waits for; what was written of them stays. How they end comes as events. */
  async stopAnswer(agentId: string): Promise<void> {
    const chat = this.store.state.chats[agentId];
    if (!chat?.channelId) return;
    try {
      for (const id of awaited(chat)) await this.api.cancelAnswer(chat.channelId, id);
    } catch (error) {
      this.note(agentId, { tone: "error", text: this.explain(error) });
    }
  }

  async deleteMessage(agentId: string, messageId: string): Promise<void> {
    const channelId = this.store.state.chats[agentId]?.channelId;
    if (!channelId) return;
    try {
      await this.api.deleteMessage(channelId, messageId);
      this.change(agentId, { type: "deleted", messageId });
    } catch (error) {
      this.note(agentId, { tone: "error", text: this.explain(error) });
    }
  }

  async clear(agentId: string): Promise<void> {
    const channelId = this.store.state.chats[agentId]?.channelId;
    if (!channelId) return;
    try {
      await this.api.clearChannel(channelId);
      this.change(agentId, { type: "cleared" });
    } catch (error) {
      this.note(agentId, { tone: "error", text: this.explain(error) });
    }
  }

  dismissNote(agentId: string): void {
    this.change(agentId, { type: "noted", note: null });
  }

  /**
   * Sends a message that is waiting in the chat. Without a connection it stays there and is sent when the next
   * one is established. The id is the same at every attempt, so the server stores it once.
   */
  private async send(agentId: string, clientId: string): Promise<void> {
    let messageServerId: string;
    try {
      messageServerId = await this.serverId();
    } catch (error) {
      this.change(agentId, { type: "sendFailed", clientId, error: this.explain(error) });
      return;
    }
    const chat = this.store.state.chats[agentId];
    const message = chat?.pending.find((p) => p.clientId === clientId);
    if (!chat?.channelId || !message || !this.realtime.connected) return;
    this.realtime.send({
      channelId: chat.channelId,
      roomId: chat.channelId,
      senderId: this.store.state.me,
      senderName: "User",
      message: message.text,
      messageServerId,
      messageId: clientId,
      source: "client_chat",
      metadata: { channelType: "DM", isDm: true, targetUserId: agentId },
    });
    setTimeout(() => this.unconfirmed(agentId, clientId), confirmMs);
  }

  private unconfirmed(agentId: string, clientId: string): void {
    const waits = this.store.state.chats[agentId]?.pending.some((p) => p.clientId === clientId && !p.error);
    if (waits && this.realtime.connected) {
      this.change(agentId, { type: "sendFailed", clientId, error: "The server did not confirm this message." });
    }
  }

  private events(): Partial<ServerEvents> {
    return {
      authenticated: ({ entityId }) => this.connected(entityId),
      unauthorized: () => this.accessRefused(),
      agentsChanged: () => this.agentsChanged(),
      messageBroadcast: (event) =>
        this.inChat(event, (chat) => {
          const own = event.senderId === this.store.state.me;
          const visible = chat.agentId === this.store.state.selected;
          return { type: "received", message: fromBroadcast(event), own, visible };
        }),
      messageStreamChunk: (event) =>
        this.inChat(event, () => ({
          type: "chunk",
          messageId: event.messageId,
          authorId: event.agentId,
          index: event.index,
          text: event.chunk,
        })),
      messageStreamError: (event) =>
        this.inChat(event, (chat) => ({
          type: "streamFailed",
          messageId: event.messageId,
          note: outcomeNote(this.nameOf(chat.agentId), { status: "failed", error: event.error })!,
        })),
      messageComplete: (event) =>
        this.inChat(event, (chat) => ({
          type: "completed",
          messageId: event.messageId ?? null,
          replyId: event.replyId,
          note: outcomeNote(this.nameOf(chat.agentId), event),
        })),
      messageError: (event) => this.messageRefused(event),
      controlMessage: (event) => this.inChat(event, () => ({ type: "locked", locked: event.action === "disable_input" })),
      messageDeleted: (event) => this.inChat(event, () => ({ type: "deleted", messageId: event.messageId })),
      channelCleared: (event) => this.inChat(event, () => ({ type: "cleared" })),
      channelDeleted: (event) => this.inChat(event, () => ({ type: "cleared" })),
    };
  }

  private inChat(event: ChannelEvent, change: (chat: Chat) => ChatChange): void {
    const chat = chatOfChannel(this.store.state, event.channelId ?? event.roomId ?? "");
    if (chat) this.change(chat.agentId, change(chat));
  }

  /** A refusal may not name its channel; it is then shown in the open conversation. */
  private messageRefused(event: MessageErrorEvent): void {
    // That the connection may not stay is told apart, and perhaps mended with another token.
    if (event.code === "UNAUTHORIZED" && !event.clientMessageId) return;
    const { state } = this.store;
    const agentId = chatOfChannel(state, event.channelId ?? event.roomId ?? "")?.agentId ?? state.selected;
    if (agentId) this.change(agentId, { type: "sendFailed", clientId: event.clientMessageId ?? null, error: event.error });
  }

  /** The server has accepted the connection: loads everything that may have been missed. */
  private connected(entityId: string): void {
    this.accepted = true;
    this.triedAgain = false;
    if (entityId !== this.session.identity.entityId) {
      // The conversations on the page belong to another user.
      this.session.identity.adopt(entityId);
      location.reload();
      return;
    }
    const again = this.store.state.connection === "reconnecting";
    this.store.dispatch({ type: "connection", connection: "connected" });
    if (again || this.store.state.agentsError) void this.loadAgents();
    for (const chat of Object.values(this.store.state.chats)) {
      if (chat.channelId) void this.catchUp(chat.agentId, chat.channelId);
    }
  }

  private async catchUp(agentId: string, channelId: string): Promise<void> {
    this.realtime.join(channelId);
    this.change(agentId, { type: "reconnected" });
    try {
      await this.loadHistory(agentId, channelId);
    } catch (error) {
      this.note(agentId, { tone: "error", text: this.explain(error) });
    }
    for (const message of this.store.state.chats[agentId]?.pending ?? []) {
      if (!message.error) void this.send(agentId, message.clientId);
    }
  }

  private connectionLost(): void {
    const { connection } = this.store.state;
    if (connection !== "connecting") this.store.dispatch({ type: "connection", connection: "reconnecting" });
  }

  private refused(reason: string): void {
    this.store.dispatch({ type: "connection", connection: "refused" });
    if (/api key|token|authentication/i.test(reason)) this.accessRefused();
  }

  private accessRefused(): void {
    const { login, signedIn } = this.session.identity;
    if (login && !this.triedAgain) {
      // Its token may have ended while nothing was asked for; the session tells what comes of it.
      this.triedAgain = true;
      void this.session.renew(login.token);
      return;
    }
    if (this.store.state.access === "ended") return;
    const access = !signedIn ? "wanted" : this.accepted ? "ended" : "refused";
    this.store.dispatch({ type: "access", access });
  }

  private serverId(): Promise<string> {
    this.server ??= this.api.currentServer().catch((error: unknown) => {
      this.server = null;
      throw error;
    });
    return this.server;
  }

  private change(agentId: string, change: ChatChange): void {
    this.store.dispatch({ type: "chat", agentId, change });
  }

  private note(agentId: string, note: Note): void {
    this.change(agentId, { type: "noted", note });
  }

  private nameOf(agentId: string): string {
    return this.store.state.agents?.find((a) => a.id === agentId)?.name ?? "The agent";
  }

  /** The text for people; a refusal of the credentials also asks for others. */
  private explain(error: unknown): string {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) this.accessRefused();
    return error.message;
  }
}

/** What the user has signed in with, as the page shows it. */
export function accountOf({ identity }: Session): Account {
  return { means: identity.means, name: identity.login?.username ?? "" };
}

function oldestFirst(page: StoredMessage[]): Message[] {
  return page.map(fromHistory).reverse();
}
