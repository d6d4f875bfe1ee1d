// src/storage.ts
function e(e) {
	try {
		return globalThis[e] ?? null;
	} catch {
		return null;
	}
}
// src/identity.ts
var t = "elizad.", n = "elizad.entityId", r = "elizad.apiKey", i = "elizad.login", a = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, o = /^[\w-]+\.[\w-]+\.[\w-]+$/, s = class {
	stores;
	entity;
	shown = null;
	lasts = !1;
	constructor(t = {
		lasting: e("localStorage"),
		tab: e("sessionStorage")
	}) {
		this.stores = t;
		let r = t.lasting?.getItem(n) ?? "";
		this.entity = a.test(r) ? r : l(), this.entity !== r && this.adopt(this.entity), this.read();
	}
	get entityId() {
		return this.entity;
	}
	get signedIn() {
		return this.shown !== null;
	}
	get login() {
		return typeof this.shown == "string" ? null : this.shown;
	}
	get means() {
		return this.shown === null ? "nothing" : typeof this.shown == "string" ? o.test(this.shown) ? "token" : "key" : "login";
	}
	get remembered() {
		return this.lasts;
	}
	get headers() {
		if (this.shown === null) return {};
		let { apiKey: e, token: t } = this.handshake;
		return e ? { "X-API-KEY": e } : { Authorization: `Bearer ${t}` };
	}
	get handshake() {
		return this.shown === null ? {} : typeof this.shown == "string" ? o.test(this.shown) ? { token: this.shown } : { apiKey: this.shown } : { token: this.shown.token };
	}
	read() {
		for (let [e, t] of [[this.stores.tab, !1], [this.stores.lasting, !0]]) {
			let n = c(e);
			if (n) {
				this.shown = n, this.lasts = t;
				return;
			}
		}
		(this.lasts ? this.stores.lasting : this.stores.tab) && (this.shown = null);
	}
	adopt(e) {
		this.entity = e, this.stores.lasting?.setItem(n, e);
	}
	signIn(e, t) {
		this.end(), this.lasts = t, this.renew(e);
	}
	keep(e) {
		this.shown !== null && this.signIn(this.shown, e);
	}
	renew(e) {
		this.shown = e;
		let t = this.lasts ? this.stores.lasting : this.stores.tab;
		typeof e == "string" ? t?.setItem(r, e) : t?.setItem(i, JSON.stringify(e));
	}
	end() {
		this.shown = null;
		for (let e of [this.stores.tab, this.stores.lasting]) e?.removeItem(r), e?.removeItem(i);
	}
	signOut() {
		this.shown = null;
		for (let e of [this.stores.tab, this.stores.lasting]) {
			if (!e) continue;
			let n = Array.from({ length: e.length }, (t, n) => e.key(n) ?? "");
			for (let r of n) (r.startsWith(t) || r === `eliza-api-key-${globalThis.location?.origin}`) && e.removeItem(r);
		}
	}
	dropDrafts() {
		let { tab: e } = this.stores, n = Array.from({ length: e?.length ?? 0 }, (t, n) => e?.key(n) ?? "");
		for (let r of n) r.startsWith(`${t}draft.`) && e?.removeItem(r);
	}
};
function c(e) {
	let t = e?.getItem(i);
	if (t) try {
		let e = JSON.parse(t);
		if (e?.id && e.token && e.refreshToken) return e;
	} catch {}
	return e?.getItem(r) ?? null;
}
function l() {
	let e = crypto.getRandomValues(/* @__PURE__ */ new Uint8Array(16));
	e[6] = e[6] & 15 | 64, e[8] = e[8] & 63 | 128;
	let t = Array.from(e, (e) => e.toString(16).padStart(2, "0")).join("");
	return [
		t.slice(0, 8),
		t.slice(8, 12),
		t.slice(12, 16),
		t.slice(16, 20),
		t.slice(20)
	].join("-");
}
// src/request.ts
var u = class extends Error {
	status;
	code;
	details;
	constructor(e, t, n, r = "") {
		super(n), this.status = e, this.code = t, this.details = r;
	}
}, d = 3e4;
function f(e) {
	return async (t, n, r, i) => {
		let a = {
			method: t,
			headers: {
				Accept: "application/json",
				...r
			},
			signal: AbortSignal.timeout(d)
		};
		i !== void 0 && Object.assign(a, {
			body: JSON.stringify(i),
			headers: {
				...a.headers,
				"Content-Type": "application/json"
			}
		});
		let o;
		try {
			o = await fetch(e(n), a);
		} catch {
			throw new u(0, "UNREACHABLE", "The server can't be reached.");
		}
		let s = await o.json().catch(() => null);
		if (!o.ok) throw p(o.status, s);
		return {
			data: s?.data,
			at: Date.parse(o.headers.get("Date") ?? "") || null
		};
	};
}
function p(e, t) {
	let n = t?.error;
	return new u(e, n?.code ?? "UNKNOWN", n?.message ?? `The server answered with status ${e}.`, n?.details);
}
// src/session.ts
var m = 6e4, h = 5e3, g = 3e3, _ = class {
	identity;
	browser;
	handlers = null;
	timer;
	renewing = null;
	handOver = null;
	lastEmail;
	constructor(e, t) {
		this.identity = e, this.browser = t, this.lastEmail = e.login?.email ?? "", t.channel && (t.channel.onmessage = (e) => this.hear(e.data));
	}
	start(e) {
		this.handlers = e, this.schedule();
	}
	async logIn(e, t, n) {
		this.begin(await this.browser.send("POST", "/api/auth/login", {}, {
			email: e,
			password: t
		}), e, n);
	}
	async register(e, t, n, r) {
		this.begin(await this.browser.send("POST", "/api/auth/register", {}, {
			email: e,
			username: t,
			password: n
		}), e, r);
	}
	signIn(e, t) {
		this.identity.signIn(e, t), this.schedule(), t && this.say({ type: "signedIn" });
	}
	async changePassword(e, t) {
		await this.fresh(), await this.browser.send("POST", "/api/auth/password", this.identity.headers, {
			currentPassword: e,
			newPassword: t
		});
	}
	async signOut() {
		let { login: e } = this.identity;
		e && (await this.fresh(), await this.browser.send("POST", "/api/auth/logout", this.identity.headers).catch(() => null)), clearTimeout(this.timer), this.identity.signOut(), this.say({
			type: "signedOut",
			login: e?.id ?? null
		});
	}
	async fresh() {
		let { login: e } = this.identity;
		e && e.expiresAt - Date.now() < m && await this.renew(e.token);
	}
	async renew(e) {
		this.identity.login?.token === e && (this.renewing ??= this.exchange().finally(() => {
			this.renewing = null;
		}), await this.renewing);
	}
	begin(e, t, n) {
		this.lastEmail = t, this.signIn(v(e, {
			id: l(),
			email: t
		}), n);
	}
	async exchange() {
		let e = this.identity.login;
		try {
			await this.browser.alone(`elizad.login.${e.id}`, async () => {
				this.identity.read();
				let { login: t } = this.identity;
				if (!t) this.end();
				else if (t.token !== e.token) this.renewed();
				else {
					let e = await this.browser.send("POST", "/api/auth/refresh", {}, { refreshToken: t.refreshToken });
					if (this.identity.login?.id !== t.id) return;
					this.identity.renew(v(e, t)), this.say({
						type: "renewed",
						login: this.identity.login
					}), this.renewed();
				}
			});
		} catch (t) {
			if (!(t instanceof u)) throw t;
			if (this.identity.login?.token !== e.token) return;
			t.status === 409 ? await this.takeOver(e) : t.status === 401 || t.status === 404 ? this.end() : this.schedule(h);
		}
	}
	async takeOver(e) {
		let t = await new Promise((t) => {
			this.handOver = t, setTimeout(() => t(null), g), this.say({
				type: "wanted",
				login: e.id,
				instead: e.token
			});
		});
		if (this.handOver = null, this.identity.login?.token !== e.token) return;
		t ? this.identity.renew(t) : this.identity.read();
		let n = this.identity.login;
		n ? n.token === e.token ? this.schedule(h) : this.renewed() : this.end();
	}
	renewed() {
		this.schedule(), this.handlers?.renewed();
	}
	end() {
		clearTimeout(this.timer), this.identity.end(), this.handlers?.ended();
	}
	hear(e) {
		let { login: t } = this.identity;
		switch (e.type) {
			case "renewed": return e.login.id !== t?.id || e.login.token === t.token ? void 0 : this.handOver ? this.handOver(e.login) : e.login.expiresAt < t.expiresAt ? void 0 : (this.identity.renew(e.login), this.renewed());
			case "wanted":
				t?.id === e.login && t.token !== e.instead && this.say({
					type: "renewed",
					login: t
				});
				return;
			case "signedIn": return this.follow(20);
			case "signedOut":
				if (!this.identity.signedIn || !(this.identity.remembered || t?.id === e.login)) return;
				clearTimeout(this.timer), this.identity.signOut(), this.handlers?.signedOut();
		}
	}
	follow(e) {
		this.identity.signedIn || (this.identity.read(), this.identity.signedIn ? (this.schedule(), this.handlers?.signedIn()) : e > 0 && setTimeout(() => this.follow(e - 1), 100));
	}
	say(e) {
		this.browser.channel?.postMessage(e);
	}
	schedule(e) {
		clearTimeout(this.timer);
		let { login: t } = this.identity;
		t && this.handlers && (this.timer = setTimeout(() => void this.renew(t.token), Math.max(h, e ?? t.expiresAt - Date.now() - m)));
	}
};
function v({ data: e, at: t }, { id: n, email: r }) {
	let { token: i, refreshToken: a, entityId: o, username: s, expiresAt: c } = e;
	return {
		id: n,
		email: r,
		username: s,
		entityId: o,
		token: i,
		refreshToken: a,
		expiresAt: t === null ? c : Date.now() + c - t
	};
}
function y(e) {
	return {
		send: e,
		channel: globalThis.BroadcastChannel ? new BroadcastChannel("elizad.session") : null,
		alone: (e, t) => globalThis.navigator?.locks ? navigator.locks.request(e, t) : t()
	};
}
export { s as Identity, _ as Session, f as sender, y as thisBrowser };
