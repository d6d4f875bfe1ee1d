// As whom the page calls the server, over all tabs: how a login begins, stays alive and ends. The API explorer uses this, too.
//
// A refresh token is good once, and one that is used again ends the login. So of the tabs that share a login one at a time exchanges it,
// looks first whether another one has, and tells the others. Where the browser has no locks, the server refuses the slower tab, which
// then asks the others for what they got.

import { type Credential, type Identity, type Login, newId } from "./identity";
import { ApiError, type Answer, type Send } from "./request";

/** How long before its end an access token is exchanged. */
const earlyMs = 60_000;

/** How long to wait after a failure that says nothing about the login. */
const againMs = 5_000;

/** How long other tabs have to hand over the tokens that they got. */
const handOverMs = 3_000;

/** What tabs tell one another. Only pages of this origin hear it. */
type Word =
  | { type: "renewed"; login: Login }
  | { type: "wanted"; login: string; instead: string }
  | { type: "signedIn" }
  | { type: "signedOut"; login: string | null };

/** What a session needs of the browser. */
export interface Browser {
  send: Send;
  /** Runs one task of a name at a time, over all tabs if the browser can. */
  alone<T>(name: string, task: () => Promise<T>): Promise<T>;
  /** Carries words to the other tabs; null if there is none. */
  channel: Pick<BroadcastChannel, "postMessage" | "onmessage"> | null;
}

/** What happens to a session without the user's doing in this tab. */
export interface SessionHandlers {
  /** There is another access token. */
  renewed(): void;
  /** The login has ended: the user has to sign in again. */
  ended(): void;
  /** The user has signed in or out in another tab. */
  signedIn(): void;
  signedOut(): void;
}

export class Session {
  private handlers: SessionHandlers | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private renewing: Promise<void> | null = null;
  private handOver: ((login: Login) => void) | null = null;

  /** The address with which somebody logged in last. */
  lastEmail: string;

  constructor(
    readonly identity: Identity,
    private readonly browser: Browser,
  ) {
    this.lastEmail = identity.login?.email ?? "";
    if (browser.channel) browser.channel.onmessage = (event: MessageEvent<Word>) => this.hear(event.data);
  }

  /** Keeps the login alive from now on, if there is one. */
  start(handlers: SessionHandlers): void {
    this.handlers = handlers;
    this.schedule();
  }

  /** Begins a login. Throws an ApiError. */
  async logIn(email: string, password: string, remember: boolean): Promise<void> {
    this.begin(await this.browser.send("POST", "/api/auth/login", {}, { email, password }), email, remember);
  }

  /** Makes a user, and begins a login. Throws an ApiError. */
  async register(email: string, username: string, password: string, remember: boolean): Promise<void> {
    this.begin(await this.browser.send("POST", "/api/auth/register", {}, { email, username, password }), email, remember);
  }

  /** Shows a key, a token or a login from now on. */
  signIn(credential: Credential, remember: boolean): void {
    this.identity.signIn(credential, remember);
    this.schedule();
    if (remember) this.say({ type: "signedIn" });
  }

  /** Changes the password; this login goes on. Throws an ApiError. */
  async changePassword(currentPassword: string, newPassword: string): Promise<void> {
    await this.fresh();
    await this.browser.send("POST", "/api/auth/password", this.identity.headers, { currentPassword, newPassword });
  }

  /** Ends the login, and removes what this browser has stored, in all tabs that share it. Without the server the login ends by itself. */
  async signOut(): Promise<void> {
    const { login } = this.identity;
    if (login) {
      await this.fresh();
      await this.browser.send("POST", "/api/auth/logout", this.identity.headers).catch(() => null);
    }
    clearTimeout(this.timer);
    this.identity.signOut();
    this.say({ type: "signedOut", login: login?.id ?? null });
  }

  /** Sees to it that the access token is good for a while. What fails is told by the server when the token is shown. */
  async fresh(): Promise<void> {
    const { login } = this.identity;
    if (login && login.expiresAt - Date.now() < earlyMs) await this.renew(login.token);
  }

  /** Gets another access token in the place of `token`, unless that has happened. Whoever waits for it finds out by its result: the identity. */
  async renew(token: string): Promise<void> {
    if (this.identity.login?.token !== token) return;
    this.renewing ??= this.exchange().finally(() => {
      this.renewing = null;
    });
    await this.renewing;
  }

  private begin(answer: Answer, email: string, remember: boolean): void {
    this.lastEmail = email;
    this.signIn(loginOf(answer, { id: newId(), email }), remember);
  }

  private async exchange(): Promise<void> {
    const before = this.identity.login!;
    try {
      await this.browser.alone(`elizad.login.${before.id}`, async () => {
        this.identity.read();
        const { login } = this.identity;
        if (!login) this.end();
        else if (login.token !== before.token) this.renewed();
        else {
          const answer = await this.browser.send("POST", "/api/auth/refresh", {}, { refreshToken: login.refreshToken });
          if (this.identity.login?.id !== login.id) return; // the user has signed out, or in, meanwhile
          this.identity.renew(loginOf(answer, login));
          this.say({ type: "renewed", login: this.identity.login });
          this.renewed();
        }
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.identity.login?.token !== before.token) return;
      if (error.status === 409) await this.takeOver(before);
      else if (error.status === 401 || error.status === 404) this.end();
      else this.schedule(againMs);
    }
  }

  /** Another tab was faster: takes the tokens that it got. */
  private async takeOver(before: Login): Promise<void> {
    const login = await new Promise<Login | null>((resolve) => {
      this.handOver = resolve;
      setTimeout(() => resolve(null), handOverMs);
      this.say({ type: "wanted", login: before.id, instead: before.token });
    });
    this.handOver = null;
    if (this.identity.login?.token !== before.token) return;
    if (login) this.identity.renew(login);
    else this.identity.read();
    const now = this.identity.login as Login | null;
    if (!now) this.end();
    else if (now.token !== before.token) this.renewed();
    else this.schedule(againMs);
  }

  private renewed(): void {
    this.schedule();
    this.handlers?.renewed();
  }

  private end(): void {
    clearTimeout(this.timer);
    this.identity.end();
    this.handlers?.ended();
  }

  private hear(word: Word): void {
    const { login } = this.identity;
    switch (word.type) {
      case "renewed":
        if (word.login.id !== login?.id || word.login.token === login.token) return;
        if (this.handOver) return this.handOver(word.login);
        if (word.login.expiresAt < login.expiresAt) return;
        this.identity.renew(word.login);
        return this.renewed();
      case "wanted":
        if (login?.id === word.login && login.token !== word.instead) this.say({ type: "renewed", login });
        return;
      case "signedIn":
        return this.follow(20);
      case "signedOut":
        if (!this.identity.signedIn || !(this.identity.remembered || login?.id === word.login)) return;
        clearTimeout(this.timer);
        this.identity.signOut();
        this.handlers?.signedOut();
    }
  }

  /** Takes over what another tab has stored. Browsers may show it later than the word of it is heard. */
  private follow(tries: number): void {
    if (this.identity.signedIn) return;
    this.identity.read();
    if (this.identity.signedIn) {
      this.schedule();
      this.handlers?.signedIn();
    } else if (tries > 0) setTimeout(() => this.follow(tries - 1), 100);
  }

  private say(word: Word): void {
    this.browser.channel?.postMessage(word);
  }

  private schedule(wait?: number): void {
    clearTimeout(this.timer);
    const { login } = this.identity;
    if (!login || !this.handlers) return;
    this.timer = setTimeout(() => void this.renew(login.token), Math.max(againMs, wait ?? login.expiresAt - Date.now() - earlyMs));
  }
}

/** The login of an answer. The end of its token is counted from the server's time, since clocks differ. */
function loginOf({ data, at }: Answer, { id, email }: Pick<Login, "id" | "email">): Login {
  const { token, refreshToken, entityId, username, expiresAt } = data as Login;
  return { id, email, username, entityId, token, refreshToken, expiresAt: at === null ? expiresAt : Date.now() + expiresAt - at };
}

/** What this browser has. Locks exist on secure origins only. */
export function thisBrowser(send: Send): Browser {
  const channel = globalThis.BroadcastChannel ? new BroadcastChannel("elizad.session") : null;
  return { send, channel, alone: (name, task) => (globalThis.navigator?.locks ? (navigator.locks.request(name, task) as ReturnType<typeof task>) : task()) };
}
