// The media service: 2 methods.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

import { NOBODY, refused } from "./scene.mjs";

const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAACklEQVR4nGMAAQAABQABDQottAAAAABJRU5ErkJggg==", "base64");

/** A picture of some size, and a page that claims to be one. */
const picture = (bytes) => Buffer.concat([PNG, randomBytes(bytes)]);
const page = new Blob(["<html><script>alert(1)</script></html>"], { type: "text/html" });

async function isServed(s, upload, bytes, type) {
  const file = await s.download(upload.url);
  assert.deepEqual([file.status, file.type], [200, type]);
  assert.ok(file.bytes.equals(bytes), "the bytes that come back are others");
}

export const media = {
  async uploadAgentMedia(s) {
    const bytes = picture(300_000);
    const upload = await s.api.media.uploadAgentMedia(s.agent.id, {
      file: new Blob([bytes], { type: "image/png" }), filename: "кот.png", contentType: "image/png", metadata: { shot: 1 },
    });
    assert.deepEqual([upload.type, upload.originalName, upload.size], ["image", "кот.png", bytes.length]);
    assert.ok(upload.url.endsWith(`/${upload.filename}`), upload.url);
    await isServed(s, upload, bytes, "image/png");
    const nameless = await s.api.media.uploadAgentMedia(s.agent.id, { file: new Blob([bytes], { type: "image/png" }) });
    assert.notEqual(nameless.url, upload.url);
    await isServed(s, nameless, bytes, "image/png");
    await refused(s.api.media.uploadAgentMedia(s.agent.id, { file: page, filename: "page.html" }), 415, "UNSUPPORTED_MEDIA_TYPE");
    await refused(s.api.media.uploadAgentMedia("x", { file: new Blob([bytes], { type: "image/png" }) }), 400, "INVALID_ID");
  },

  async uploadChannelMedia(s) {
    const talk = await s.newTalk();
    const bytes = Buffer.from("Plain words\n".repeat(20_000));
    const upload = await s.api.media.uploadChannelMedia(talk.id, new File([bytes], "words.txt", { type: "text/plain" }));
    assert.deepEqual([upload.type, upload.originalName, upload.size], ["text/plain", "words.txt", bytes.length]);
    await isServed(s, upload, bytes, "text/plain; charset=utf-8");
    await refused(s.api.media.uploadChannelMedia(talk.id, new File([page], "page.html", { type: "text/html" })), 415, "UNSUPPORTED_MEDIA_TYPE");
    await refused(s.api.media.uploadChannelMedia(NOBODY, new File([bytes], "words.txt", { type: "text/plain" })), 404, "NOT_FOUND");
    await s.api.messaging.deleteChannel(talk.id);
    assert.equal((await s.download(upload.url)).status, 404, "the files of a channel go with it");
  },
};
