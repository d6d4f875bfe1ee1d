import { defineConfig } from "vitest/config";

// The server to which `npm run dev` forwards API and socket requests.
const server = "http://127.0.0.1:3000";

export default defineConfig({
  // The page's base element has the server's root, which may be below a path of a proxy.
  base: "./",
  plugins: [
    {
      name: "root-in-development",
      apply: "serve",
      transformIndexHtml: (html) => html.replace("%root%", "/"),
    },
  ],
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
