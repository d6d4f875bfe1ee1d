// What the browser stores: the user's identity, and what proves it or opens the server.

import { browserStorage } from "./storage";

const prefix = "elizad.";
const entityKey = "elizad.entityId";
const credentialKey = "elizad.apiKey";
const loginKey = "elizad.login";

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A JSON Web Token. An API key has no such form. */
const token = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The browser's stores: one that lasts, and one that is gone with the tab. Null where they are blocked. */
export interface Stores {
  lasting: Storage | null;
  tab: Storage | null;
}

/** A login at this server, with its tokens of the moment. */
export interface Login {
  /** Stays when the tokens change. It is known to this browser only. */
  id: string;
  email: string;
  username: string;
  entityId: string;
  token: string;
  refreshToken: string;
  /** When the access token ends, by the clock of this machine. */
  expiresAt: number;
}

/** An API key, a token of an issuer elsewhere, or a login. */
export type Credential = string | Login;

export class Identity {
  private entity: string;
  private shown: Credential | null = null;
  private lasts = false;

  constructor(private readonly stores: Stores = { lasting: browserStorage("localStorage"), tab: browserStorage("sessionStorage") }) {
    const stored = stores.lasting?.getItem(entityKey) ?? "";
    this.entity = uuid.test(stored) ? stored : newId();
    if (this.entity !== stored) this.adopt(this.entity);
    this.read();
  }

  get entityId(): string {
    return this.entity;
  }

  get signedIn(): boolean {
    return this.shown !== null;
  }

  get login(): Login | null {
    return typeof this.shown === "string" ? null : this.shown;
  }

  /** What the user has signed in with. */
  get means(): "nothing" | "key" | "token" | "login" {
    if (this.shown === null) return "nothing";
    if (typeof this.shown !== "string") return "login";
    return token.test(this.shown) ? "token" : "key";
  }

  /** Whether later visits are signed in, too. */
  get remembered(): boolean {
    return this.lasts;
  }

  /** What requests show. */
  get headers(): Record<string, string> {
    if (this.shown === null) return {};
    const { apiKey, token } = this.handshake;
    return apiKey ? { "X-API-KEY": apiKey } : { Authorization: `Bearer ${token}` };
  }

  /** What sockets show. */
  get handshake(): { apiKey?: string; token?: string } {
    if (this.shown === null) return {};
    if (typeof this.shown !== "string") return { token: this.shown.token };
    return token.test(this.shown) ? { token: this.shown } : { apiKey: this.shown };
  }

  /** Takes over what another tab has stored since. */
  read(): void {
    for (const [store, lasts] of [[this.stores.tab, false], [this.stores.lasting, true]] as const) {
      const credential = credentialIn(store);
      if (!credential) continue;
      this.shown = credential;
      this.lasts = lasts;
      return;
    }
    if (this.lasts ? this.stores.lasting : this.stores.tab) this.shown = null;
  }

  /** Stores the id that the server has for the user. */
  adopt(entityId: string): void {
    this.entity = entityId;
    this.stores.lasting?.setItem(entityKey, entityId);
  }

  /** Shows a credential from now on: until the tab is closed, or, remembered, on later visits too. */
  signIn(credential: Credential, remember: boolean): void {
    this.end();
    this.lasts = remember;
    this.renew(credential);
  }

  /** Keeps what the user has signed in with for later visits, too, or with the tab alone. */
  keep(remember: boolean): void {
    if (this.shown !== null) this.signIn(this.shown, remember);
  }

  /** Shows another credential in the place of the one before, and keeps it where that one was. */
  renew(credential: Credential): void {
    this.shown = credential;
    const store = this.lasts ? this.stores.lasting : this.stores.tab;
    if (typeof credential === "string") store?.setItem(credentialKey, credential);
    else store?.setItem(loginKey, JSON.stringify(credential));
  }

  /** Removes what the user has signed in with, and nothing else. */
  end(): void {
    this.shown = null;
    for (const store of [this.stores.tab, this.stores.lasting]) {
      store?.removeItem(credentialKey);
      store?.removeItem(loginKey);
    }
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

  /** Removes what was typed in this tab and not sent. */
  dropDrafts(): void {
    const { tab } = this.stores;
    const names = Array.from({ length: tab?.length ?? 0 }, (_, i) => tab?.key(i) ?? "");
    for (const name of names) if (name.startsWith(`${prefix}draft.`)) tab?.removeItem(name);
  }
}

function credentialIn(store: Storage | null): Credential | null {
  const text = store?.getItem(loginKey);
  if (text) {
    try {
      const login = JSON.parse(text) as Login | null;
      if (login?.id && login.token && login.refreshToken) return login;
    } catch {
      // Not written by this page.
    }
  }
  return store?.getItem(credentialKey) ?? null;
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
