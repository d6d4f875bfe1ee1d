// What the browser stores between visits: the user's identity, and the API key.

import { browserStorage } from "./storage";

const entityKey = "elizad.entityId";
const apiKeyKey = "elizad.apiKey";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class Identity {
  private entity: string;
  private key: string | null;

  constructor(private readonly storage: Storage | null = browserStorage("localStorage")) {
    const stored = storage?.getItem(entityKey) ?? "";
    this.entity = uuid.test(stored) ? stored : newId();
    this.key = storage?.getItem(apiKeyKey) ?? null;
    if (this.entity !== stored) this.adopt(this.entity);
  }

  get entityId(): string {
    return this.entity;
  }

  get apiKey(): string | null {
    return this.key;
  }

  /** Stores the id that the server has for the user. */
  adopt(entityId: string): void {
    this.entity = entityId;
    this.storage?.setItem(entityKey, entityId);
  }

  useKey(apiKey: string): void {
    this.key = apiKey;
    this.storage?.setItem(apiKeyKey, apiKey);
  }
}

/**
 * A random UUID. `crypto.randomUUID` exists on secure origins only, and a server in the local network is
 * usually reached over plain http.
 */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
