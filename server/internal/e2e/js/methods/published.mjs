// The published API client under test: the newest, or the one whose file API_CLIENT names.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { API_CLIENT } = process.env;

export const clientFile = API_CLIENT ?? createRequire(import.meta.url).resolve("@elizaos/api-client");
export const { ApiError, ElizaClient } = await import(pathToFileURL(clientFile));

/** An older client has fewer methods, and calls message servers just servers before 1.6.5. */
export const isOlder = Boolean(API_CLIENT);
