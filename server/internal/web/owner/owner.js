// Keeps the owner's token, which is behind the # of the address and so is never sent, where the web UIs keep API keys.
const token = location.hash.slice(1);
if (token) {
  for (const name of ["elizad.apiKey", `eliza-api-key-${location.origin}`]) localStorage.setItem(name, token);
  location.replace("./");
}
