import { defineConfig } from "vitest/config";

// The server that `npm run dev` passes API and socket requests on to.
const server = "http://127.0.0.1:3000";

export default defineConfig({
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    sourcemap: false,
    // The Content-Security-Policy of the page allows neither data: scripts nor inline styles,
    // and one file per asset keeps the built names stable.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      "/api": server,
      "/media": server,
      "/socket.io": { target: server, ws: true },
    },
  },
  test: {
    include: ["src/**/*.test.ts"],
  },
});
