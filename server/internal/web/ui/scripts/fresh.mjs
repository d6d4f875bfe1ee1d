// Builds into a temporary folder and compares it with the committed files of ../dist, byte by byte.
// Exits with 1 and names the differences if the committed files are not what the source builds.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";

const committed = path.resolve(import.meta.dirname, "../../dist");
const built = await mkdtemp(path.join(tmpdir(), "elizad-ui-"));
try {
  await build({ root: path.resolve(import.meta.dirname, ".."), logLevel: "warn", build: { outDir: built } });
  const names = new Set([...(await filesOf(committed)), ...(await filesOf(built))]);
  const stale = [];
  for (const name of names) {
    const [a, b] = await Promise.all([bytesOf(committed, name), bytesOf(built, name)]);
    if (!a || !b || !a.equals(b)) stale.push(name);
  }
  if (stale.length > 0) {
    console.error(`dist is stale, run "npm run build": ${stale.join(", ")}`);
    process.exitCode = 1;
  }
} finally {
  await rm(built, { recursive: true });
}

async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => path.relative(folder, path.join(e.parentPath, e.name)));
}

function bytesOf(folder, name) {
  return readFile(path.join(folder, name)).catch(() => null);
}
