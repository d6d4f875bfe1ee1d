// The root of the server, which need not be that of its host: the page's base element has it, and every path of the
// server that the page requests or links to begins there.

/** The path of the server's root, with a slash at its end. */
export const basePath = globalThis.document ? new URL(document.baseURI).pathname : "/";

/** The address of a path of the server, such as /docs; other addresses stay as they are. */
export function addressOf(path: string, base = basePath): string {
  return path.startsWith("/") ? base + path.slice(1) : path;
}
