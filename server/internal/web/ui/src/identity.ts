// What the browser stores: the user's identity, and what proves it or opens the server.

import { browserStorage } from "./storage";

const prefix = "elizad.";
const entityKey = "elizad.entityId";
const credentialKey = "elizad.apiKey";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A JSON Web Token. An API key has no such form. */
const token = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The browser's stores: one that lasts, and one that is gone with the tab. Null where they are blocked. */
export interface Stores {
  lasting: Storage | null;
  tab: Storage | null;
}

export class Identity {
  private entity: string;
  private shown: string | null;

  constructor(private readonly stores: Stores = { lasting: browserStorage("localStorage"), tab: browserStorage("sessionStorage") }) {
    const stored = stores.lasting?.getItem(entityKey) ?? "";
    this.entity = uuid.test(stored) ? stored : newId();
    this.shown = stores.tab?.getItem(credentialKey) ?? stores.lasting?.getItem(credentialKey) ?? null;
    if (this.entity !== stored) this.adopt(this.entity);
  }

  get entityId(): string {
    return this.entity;
  }

  get signedIn(): boolean {
    return this.shown !== null;
  }

  /** What requests show. */
  get headers(): Record<string, string> {
    if (this.shown === null) return {};
    return token.test(this.shown) ? { Authorization: `Bearer ${this.shown}` } : { "X-API-KEY": this.shown };
  }

  /** What sockets show. */
  get handshake(): { apiKey?: string; token?: string } {
    if (this.shown === null) return {};
    return token.test(this.shown) ? { token: this.shown } : { apiKey: this.shown };
  }

  /** Stores the id that the server has for the user. */
  adopt(entityId: string): void {
    this.entity = entityId;
    this.stores.lasting?.setItem(entityKey, entityId);
  }

  /** Shows an API key or a token from now on: until the tab is closed, or, remembered, on later visits too. */
  signIn(credential: string, remember: boolean): void {
    this.shown = credential;
    this.stores.tab?.removeItem(credentialKey);
    this.stores.lasting?.removeItem(credentialKey);
    (remember ? this.stores.lasting : this.stores.tab)?.setItem(credentialKey, credential);
  }

  /** Removes everything that the page has stored in this browser. */
  signOut(): void {
    this.shown = null;
    for (const store of [this.stores.tab, this.stores.lasting]) {
      if (!store) continue;
      const names = Array.from({ length: store.length }, (_, i) => store.key(i) ?? "");
      // The owner's page stores its token under the other name, too.
      for (const name of names) if (name.startsWith(prefix) || name === `eliza-api-key-${globalThis.location?.origin}`) store.removeItem(name);
    }
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
