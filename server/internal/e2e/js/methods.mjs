// Calls every method of the published TypeScript API client, unmodified, and checks its result.
//
//   node methods.mjs all        --url URL --key KEY   every method of every service; the last one stops the server
//   node methods.mjs speechless --url URL --key KEY   those for speech, on a server without a model for it
//
// The key is that of the server's owner.
//
// API_CLIENT names the file of an older client; then the cases of the methods that it has are run.
//
// It prints one line of JSON for each method, {name, ms, problem}, and exits with 0 if none has a problem.

import { parseArgs } from "node:util";

import { agents } from "./methods/agents.mjs";
import { audio, speechless } from "./methods/audio.mjs";
import { channels } from "./methods/channels.mjs";
import { Watch, casesFor, compare, run } from "./methods/harness.mjs";
import { jobs } from "./methods/jobs.mjs";
import { media } from "./methods/media.mjs";
import { memory } from "./methods/memory.mjs";
import { messages } from "./methods/messages.mjs";
import { messageServers } from "./methods/messageservers.mjs";
import { isOlder } from "./methods/published.mjs";
import { runs } from "./methods/runs.mjs";
import { Scene } from "./methods/scene.mjs";
import { server } from "./methods/server.mjs";
import { sessions } from "./methods/sessions.mjs";
import { givesNothing, system } from "./methods/system.mjs";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { url: { type: "string" }, key: { type: "string" } } });
const watch = new Watch(values.url, values.key);
const scene = await Scene.of(watch);
const tell = (result) => console.log(JSON.stringify(result));

let failed;
switch (positionals[0]) {
  case "all": {
    const messaging = { ...messageServers, ...channels, ...messages };
    const cases = { agents, messaging, memory, sessions, jobs, runs, media, audio, system, server };
    const offered = isOlder ? casesFor(watch.methods, cases) : cases;
    compare(watch.methods, offered);
    failed = await run(offered, scene, watch, { givesNothing, tell });
    break;
  }
  case "speechless":
    failed = await run({ audio: speechless }, scene, watch, { givesNothing: watch.methods.audio.map((name) => `audio.${name}`), tell });
    break;
  default:
    console.error("usage: node methods.mjs all|speechless --url URL --key KEY");
    process.exit(2);
}
process.exit(failed ? 1 : 0);
