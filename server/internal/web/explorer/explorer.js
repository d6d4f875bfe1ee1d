"use strict";

const root = document.getElementById("explorer");

window.SwaggerUIBundle({
  domNode: root,
  url: root.dataset.contract,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  // The badge would send the contract's address to another host.
  validatorUrl: null,
});
