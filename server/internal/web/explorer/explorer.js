import { fill, readFacts } from "./fill.js";
import { nameFields, withoutLinksInButtons } from "./names.js";

const element = document.getElementById("explorer");
const root = new URL(element.dataset.root, document.baseURI);

/** The headers with which the reader has authorised requests, by the name of the scheme. */
const credentials = {};

const contract = await (await fetch(new URL("openapi.json", root))).json();

const ui = window.SwaggerUIBundle({
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
});
nameFields(element);

/** The contract with what the server shows to a reader with these credentials. */
async function filled() {
  element.ariaBusy = "true";
  const facts = await readFacts(fetchJSON, visitor());
  element.ariaBusy = "false";
  return fill(contract, facts, root.href.replace(/\/$/, ""));
}

async function fetchJSON(path) {
  const headers = Object.assign({ Accept: "application/json" }, ...Object.values(credentials));
  const response = await fetch(new URL(path, root), { headers }).catch(() => null);
  return response?.ok ? response.json() : null;
}

function authorize(original) {
  return (payload) => {
    for (const [name, { schema, value }] of Object.entries(payload)) {
      const { type, scheme, name: header } = schema.toJS();
      if (type === "apiKey") credentials[name] = { [header]: value };
      if (type === "http" && scheme === "bearer") credentials[name] = { Authorization: `Bearer ${value}` };
    }
    fillAgain();
    return original(payload);
  };
}

function logout(original) {
  return (names) => {
    for (const name of names) delete credentials[name];
    fillAgain();
    return original(names);
  };
}

async function fillAgain() {
  ui.specActions.updateSpec(JSON.stringify(await filled()));
}

/** The user's id from the chat page, or a new one. */
function visitor() {
  const known = (() => {
    try {
      return localStorage.getItem("elizad.entityId");
    } catch {
      return null; // blocked by the browser's settings
    }
  })();
  if (known) return known;
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
}
