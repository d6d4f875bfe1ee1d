import { fill, readFacts } from "./fill.js";
import { nameFields, withoutLinksInButtons } from "./names.js";
import { newSignIn } from "./signin.js";

const element = document.getElementById("explorer");
const root = new URL(element.dataset.root, document.baseURI);

/** The schemes with which somebody signs in. One of them is used at a time. */
const ways = ["ApiKey", "Bearer"];

/** The headers that the reader has authorised beside, by the name of the scheme. */
const others = {};

/** The headers with which somebody was signed in in the latest request. */
let sent = {};

let ui = null;

/** How often the page was to be filled in again. */
let fills = 0;

/** Whether a change of what is authorised comes from this script, and not from the reader. */
let ours = false;

const signIn = newSignIn(document.getElementById("session"), root, {
  signIn: () => ui.authActions.showDefinitions(ui.authSelectors.definitionsToAuthorize()),
  changed() {
    if (!ui) return;
    showAuthorised();
    void fillAgain();
  },
});

element.ariaBusy = "true";
const contract = await (await fetch(new URL("openapi.json", root))).json();

ui = window.SwaggerUIBundle({
  domNode: element,
  spec: await filled(),
  presets: [window.SwaggerUIBundle.presets.apis],
  plugins: [{ statePlugins: { auth: { wrapActions: { authorize, logout } } }, components: { ServersContainer: () => null } }, withoutLinksInButtons], // there is one server
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  tryItOutEnabled: true,
  // The badge would send the contract's address to another host.
  validatorUrl: null,
  async requestInterceptor(request) {
    sent = await signIn.headers();
    Object.assign(request.headers, sent);
    return request;
  },
  responseInterceptor(response) {
    void signIn.note(response.status, codeIn(response.text), sent);
    return response;
  },
  onComplete: showAuthorised,
});
nameFields(element);
element.ariaBusy = "false";
signIn.ready();

/** The contract with what the server shows to a reader with these credentials. */
async function filled() {
  const facts = await readFacts(fetchJSON, signIn.identity.entityId);
  return fill(contract, facts, root.href.replace(/\/$/, ""));
}

async function fetchJSON(path) {
  const credential = await signIn.headers();
  const headers = Object.assign({ Accept: "application/json" }, credential, ...Object.values(others));
  const response = await fetch(new URL(path, root), { headers }).catch(() => null);
  if (!response) return null;
  const text = await response.text();
  void signIn.note(response.status, codeIn(text), credential);
  return response.ok ? JSON.parse(text) : null;
}

/** The code of the error in an answer. */
function codeIn(text) {
  try {
    return JSON.parse(text)?.error?.code;
  } catch {
    return undefined; // a file
  }
}

function authorize(original) {
  return (payload) => {
    if (ours) return original(payload);
    for (const [name, { schema, value }] of Object.entries(payload)) {
      if (!ways.includes(name)) others[name] = { [schema.toJS().name]: value };
      else signIn.authorize(value.trim());
    }
    return original(payload);
  };
}

function logout(original) {
  return (names) => {
    if (ours) return original(names);
    for (const name of names) delete others[name];
    if (names.includes(signIn.shown?.scheme)) void signIn.forget();
    return original(names);
  };
}

/** Has the locks of the page show what requests are sent with. */
function showAuthorised() {
  const { shown } = signIn;
  ours = true;
  for (const name of ways) {
    if (name === shown?.scheme) ui.preauthorizeApiKey(name, shown.value);
    else if (ui.authSelectors.authorized()?.has(name)) ui.authActions.logout([name]);
  }
  ours = false;
}

/** Shows what the newest credentials let the reader see. The page is busy until that is on it. */
async function fillAgain() {
  const turn = ++fills;
  element.ariaBusy = "true";
  const spec = JSON.stringify(await filled());
  if (turn !== fills) return; // there are newer ones
  ui.specActions.updateSpec(spec);
  element.ariaBusy = "false";
}
