// Builds into temporary folders and compares them with the committed files of ../dist, and of ../explorer, byte by byte.
// Exits with 1 and names the differences if the committed files are not what the source builds.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";

const page = path.resolve(import.meta.dirname, "..");
const stale = [
  ...(await differences("../dist", "vite.config.ts", true)),
  // The other files beside this one are written by hand.
  ...(await differences("../explorer", "vite.explorer.config.ts", false)),
];
if (stale.length > 0) {
  console.error(`what is built is stale, run "npm run build": ${stale.join(", ")}`);
  process.exitCode = 1;
}

/** The files of a folder that differ from what the source builds; `whole` if it holds nothing else. */
async function differences(folder, configFile, whole) {
  const committed = path.resolve(page, folder);
  const built = await mkdtemp(path.join(tmpdir(), "elizad-ui-"));
  try {
    await build({ root: page, configFile: path.join(page, configFile), logLevel: "warn", build: { outDir: built } });
    const names = new Set([...(whole ? await filesOf(committed) : []), ...(await filesOf(built))]);
    const stale = [];
    for (const name of names) {
      const [a, b] = await Promise.all([bytesOf(committed, name), bytesOf(built, name)]);
      if (!a || !b || !a.equals(b)) stale.push(`${folder}/${name}`);
    }
    return stale;
  } finally {
    await rm(built, { recursive: true });
  }
}

async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((e) => e.isFile()).map((e) => path.relative(folder, path.join(e.parentPath, e.name)));
}

function bytesOf(folder, name) {
  return readFile(path.join(folder, name)).catch(() => null);
}
