// As whom the explorer sends requests: with what was authorised here, or signed in with on the chat page. It is kept as the reader
// chooses, and the reader is told when the server takes it no more.

import { Identity, sender, Session, thisBrowser } from "./session.js";

/** The scheme of the contract for what somebody has signed in with. */
const schemes = { key: "ApiKey", token: "Bearer", login: "Bearer" };

const words = { key: "API key", token: "token", login: "login" };

/**
 * Shows in `element` who is signed in. `signIn()` asks for a credential, and `changed()` is told when there is another one, or none.
 */
export function newSignIn(element, root, { signIn, changed }) {
  const session = new Session(new Identity(), thisBrowser(sender((path) => new URL(path.slice(1), root).href)));
  const { identity } = session;
  /** Whether the server has taken the credential, and what is wrong with it. */
  let accepted = false;
  let problem = null;

  const state = append(element, "p", { role: "status" });
  const alert = append(element, "p", { role: "alert", className: "session-problem" });
  const choice = append(element, "label", {});
  const remember = append(choice, "input", { type: "checkbox" });
  choice.append(" Remember on this device");
  const ask = append(element, "button", { type: "button", textContent: "Sign in", disabled: true });
  const forget = append(element, "button", { type: "button", textContent: "Forget" });

  ask.addEventListener("click", () => signIn());
  forget.addEventListener("click", async () => {
    await session.signOut();
    update(true);
  });
  remember.addEventListener("change", () => {
    identity.keep(remember.checked);
    show();
  });
  session.start({
    renewed: () => update(false),
    ended() {
      problem = "Your login has ended. Sign in with a key or a token, or on the chat page.";
      changed();
      show();
    },
    signedIn: () => update(true),
    signedOut: () => update(true),
  });
  show();

  return {
    identity,
    /** Somebody can be asked for a credential from now on. */
    ready() {
      ask.disabled = false;
    },
    /** The scheme of what is shown, and its value; null if nothing is. */
    get shown() {
      const { apiKey, token } = identity.handshake;
      return identity.signedIn ? { scheme: schemes[identity.means], value: apiKey ?? token } : null;
    },
    /** Shows a key or a token from now on. */
    authorize(credential) {
      session.signIn(credential, remember.checked && identity.signedIn);
      update(true);
    },
    async forget() {
      await session.signOut();
      update(true);
    },
    /** The headers of the next request. */
    async headers() {
      await session.fresh();
      return identity.headers;
    },
    /** Learns from the status of an answer, and the code in it, whether the server takes the credential of the request. */
    async note(status, code, headers) {
      const asSent = Object.entries(identity.headers).every(([name, value]) => headers[name] === value);
      if (!identity.signedIn || !asSent) return;
      if (status === 401 && code !== "INVALID_CREDENTIALS") {
        if (identity.login) return session.renew(identity.login.token);
        problem = `The server ${accepted ? "takes this" : "does not accept this"} ${words[identity.means]}${accepted ? " no more: it has ended or was revoked" : ""}.`;
      } else if (status < 400) {
        accepted = true;
        problem = null;
      }
      show();
    },
  };

  function update(another) {
    problem = null;
    if (another) accepted = false;
    show();
    changed();
  }

  function show() {
    const { means, login, remembered } = identity;
    const until = remembered ? "remembered on this device" : "until this tab is closed";
    const how = { key: "with an API key", token: "with a token", login: `as ${login?.username}` };
    state.textContent = means === "nothing" ? "Not signed in." : `Requests are sent ${how[means]}, ${until}.`;
    alert.textContent = problem ?? "";
    alert.hidden = !problem;
    remember.checked = remembered && means !== "nothing";
    forget.hidden = means === "nothing";
    choice.hidden = forget.hidden || means === "login"; // that was chosen on the chat page
    ask.hidden = means !== "nothing" && !problem;
  }
}

function append(parent, name, properties) {
  const element = Object.assign(document.createElement(name), properties);
  parent.append(element);
  return element;
}
