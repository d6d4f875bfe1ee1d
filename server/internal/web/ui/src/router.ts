// The agent in the address: /chat/<agent id>.

export function agentInPath(path: string): string | null {
  const match = /^\/chat\/([0-9a-f-]{36})\/?$/i.exec(path);
  return match ? match[1]!.toLowerCase() : null;
}

export function pathOf(agentId: string): string {
  return `/chat/${agentId}`;
}
