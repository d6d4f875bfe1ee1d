import { addressOf } from "./base";
import type { AgentListItem, Channel, CurrentMessageServer, Failure, MessagePage } from "./contract";
import type { Identity } from "./identity";
import type { Agent } from "./state";

/** A response that is not a success, or no response at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const timeoutMs = 30_000;

/** The HTTP calls of the page. Each one throws an ApiError with a message for people. */
export class Api {
  constructor(private readonly identity: Identity) {}

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

  async clearChannel(channelId: string): Promise<void> {
    await this.call("DELETE", `/api/messaging/channels/${channelId}/messages`);
  }

  private async call<T>(method: string, path: string): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json", "X-Entity-Id": this.identity.entityId, ...this.identity.headers };
    let response: Response;
    try {
      response = await fetch(addressOf(path), { method, headers, signal: AbortSignal.timeout(timeoutMs) });
    } catch {
      throw new ApiError(0, "UNREACHABLE", "The server can't be reached.");
    }
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) throw errorOf(response.status, body);
    return (body as { data: T } | null)?.data as T;
  }
}

function errorOf(status: number, body: unknown): ApiError {
  const error = (body as Partial<Failure> | null)?.error;
  return new ApiError(status, error?.code ?? "UNKNOWN", error?.message ?? `The server answered with status ${status}.`);
}

function firstLine(text: string): string {
  return text.trim().split("\n", 1)[0] ?? "";
}
