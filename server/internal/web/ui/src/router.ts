// The agent in the address: /chat/<agent id> below the root of the server.

import { addressOf, basePath } from "./base";

export function agentInAddress(address: string, base = basePath): string | null {
  if (!address.startsWith(base)) return null;
  const match = /^chat\/([0-9a-f-]{36})\/?$/i.exec(address.slice(base.length));
  return match ? match[1]!.toLowerCase() : null;
}

export function addressOfAgent(agentId: string, base = basePath): string {
  return addressOf(`/chat/${agentId}`, base);
}
