import { addressOf } from "./base";
import type { AgentListItem, Channel, CurrentMessageServer, MessagePage, PublicConfig, User } from "./contract";
import { ApiError, sender } from "./request";
import type { Session } from "./session";
import type { Agent } from "./state";

/** The HTTP calls of the page. Each one throws an ApiError with a message for people. */
export class Api {
  private readonly send = sender(addressOf);

  constructor(private readonly session: Session) {}

  /** What the server tells everybody. */
  async config(): Promise<PublicConfig> {
    return (await this.send("GET", "/api/system/config", {})).data as PublicConfig;
  }

  /** The user who has logged in. */
  me(): Promise<User> {
    return this.call<User>("GET", "/api/auth/me");
  }

  async agents(): Promise<Agent[]> {
    const { agents } = await this.call<{ agents: AgentListItem[] }>("GET", "/api/agents");
    return agents.map((a) => ({ id: a.id, name: a.name, bio: firstLine(a.bio), active: a.status === "active" }));
  }

  async startAgent(agentId: string): Promise<void> {
    await this.call("POST", `/api/agents/${agentId}/start`);
  }

  async stopAgent(agentId: string): Promise<void> {
    await this.call("POST", `/api/agents/${agentId}/stop`);
  }

  async currentServer(): Promise<string> {
    const { messageServerId } = await this.call<CurrentMessageServer>("GET", "/api/messaging/message-server/current");
    return messageServerId;
  }

  /** The channel between the two; the server creates it if there is none. */
  directChannel(agentId: string, entityId: string, serverId: string): Promise<Channel> {
    const query = new URLSearchParams({ targetUserId: agentId, currentUserId: entityId, dmServerId: serverId });
    return this.call<Channel>("GET", `/api/messaging/dm-channel?${query}`);
  }

  /** A page of messages, newest first; `before` (epoch milliseconds) selects strictly older ones. */
  messages(channelId: string, limit: number, before?: number): Promise<MessagePage> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (before !== undefined) query.set("before", String(before));
    return this.call<MessagePage>("GET", `/api/messaging/channels/${channelId}/messages?${query}`);
  }

  async deleteMessage(channelId: string, messageId: string): Promise<void> {
    await this.call("DELETE", `/api/messaging/channels/${channelId}/messages/${messageId}`);
  }

  async cancelAnswer(channelId: string, messageId: string): Promise<void> {
    await this.call("POST", `/api/messaging/channels/${channelId}/messages/${messageId}/cancel`);
  }

  async clearChannel(channelId: string): Promise<void> {
    await this.call("DELETE", `/api/messaging/channels/${channelId}/messages`);
  }

  /** Sends a request as the user. A token that the server takes no more is exchanged, once. */
  private async call<T>(method: string, path: string): Promise<T> {
    const { identity } = this.session;
    await this.session.fresh();
    const shown = identity.login?.token;
    const send = async () => (await this.send(method, path, { "X-Entity-Id": identity.entityId, ...identity.headers })).data as T;
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401 && shown)) throw error;
      await this.session.renew(shown);
      if (!identity.login || identity.login.token === shown) throw error;
      return send();
    }
  }
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
