import { defineConfig } from "vite";

// What the API explorer shares with the page, as one module beside its other files.
export default defineConfig({
  build: {
    lib: { entry: "src/explorer.ts", formats: ["es"], fileName: () => "session.js" },
    outDir: "../explorer",
    emptyOutDir: false,
    minify: true,
    sourcemap: false,
    target: "es2022",
  },
});
