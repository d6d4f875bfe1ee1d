// The audio service: 5 methods. The models behind it are those of the Go test that runs this: one that transcribes exactly the
// words in a recording made by `recording`, and one whose sounds contain the text and the voice.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { ApiError } from "./published.mjs";

import { NOBODY, isId, refused } from "./scene.mjs";

const WAV_HEAD = Buffer.from("524946462400000057415645666d74201000000001000100401f0000803e0000020010006461746100000000", "hex");
const MP3_HEAD = "ID3\u0004\u0000\u0000\u0000\u0000\u0000\u0000";

const recording = (words) => Buffer.concat([WAV_HEAD, Buffer.from(words)]);
const spoken = (base64) => Buffer.from(base64, "base64").toString();

export const audio = {
  async transcribe(s) {
    const bytes = recording("The tide is high");
    for (const form of [new Blob([bytes], { type: "audio/wav" }), bytes, bytes.toString("base64"), Uint8Array.from(bytes).buffer]) {
      assert.equal((await s.api.audio.transcribe(s.agent.id, { audio: form, format: "wav", language: "en" })).text, "The tide is high");
    }
    await refused(s.api.audio.transcribe(s.agent.id, { audio: "no recording at all" }), 400, "INVALID_REQUEST");
    await refused(s.api.audio.transcribe(s.agent.id, { audio: new Blob(["%PDF-1.7"], { type: "application/pdf" }) }), 400, "INVALID_FILE_TYPE");
    await refused(s.api.audio.transcribe(NOBODY, { audio: bytes }), 404, "NOT_FOUND");
  },

  async generateSpeech(s) {
    const { audio, format } = await s.api.audio.generateSpeech(s.agent.id, { text: "Land ahoy", voice: "echo", language: "en", speed: 1.5, pitch: 2 });
    assert.deepEqual([spoken(audio), format], [`${MP3_HEAD}echo says Land ahoy`, "mpeg"]);
    // For binary answers this client keeps only the status of a refusal.
    await assert.rejects(s.api.audio.generateSpeech(s.agent.id, { text: "" }), { message: "HTTP error! status: 400" });
  },

  async synthesizeAudioMessage(s) {
    const { reply } = await s.exchange(await s.newTalk(), "Say something nice");
    const { audio, format } = await s.api.audio.synthesizeAudioMessage(s.agent.id, { messageId: reply.id, voice: "echo" });
    assert.deepEqual([spoken(audio), format], [`${MP3_HEAD}echo says ${reply.content}`, "mpeg"]);
    await refused(s.api.audio.synthesizeAudioMessage(s.agent.id, { messageId: NOBODY }), 404, "NOT_FOUND");
    await refused(s.api.audio.synthesizeAudioMessage(s.agent.id, {}), 400, "INVALID_REQUEST");
  },

  async speechConversation(s) {
    const user = randomUUID();
    const answer = await s.api.audio.speechConversation(s.agent.id, {
      audio: recording("What is your name?"), format: "wav", language: "en", metadata: { entityId: user, roomId: "bridge" },
    });
    await isConversation(s, answer, user, "What is your name?");
    await refused(s.api.audio.speechConversation(s.agent.id, { audio: "no recording at all" }), 400, "INVALID_REQUEST");
  },

  async processSpeech(s) {
    const user = randomUUID();
    const answer = await s.api.audio.processSpeech(s.agent.id, new Blob([recording("Who are you?")], { type: "audio/wav" }), { entityId: user });
    await isConversation(s, answer, user, "Who are you?");
    await refused(s.api.audio.processSpeech(NOBODY, recording("Hello?"), {}), 404, "NOT_FOUND");
  },
};

/** Checks what was read aloud, and that it is in the channel of the conversation. */
async function isConversation(s, answer, user, question) {
  assert.ok(answer.text.length > 0);
  assert.equal(spoken(answer.audio), `${MP3_HEAD}nova says ${answer.text}`);
  assert.equal(answer.metadata.transcription, question);
  isId(answer.metadata.messageId);
  const { messages } = await s.as(user).messaging.getChannelMessages(answer.metadata.roomId);
  assert.deepEqual(messages.map((m) => [m.authorId, m.content]), [[s.agent.id, answer.text], [user, question]]);
}

/** The same methods where no model for speech is set up: each says which setting is missing. */
export const speechless = Object.fromEntries(
  Object.entries({
    transcribe: [(s) => s.api.audio.transcribe(s.agent.id, { audio: recording("Hello") }), /OPENAI_TRANSCRIPTION_MODEL/],
    processSpeech: [(s) => s.api.audio.processSpeech(s.agent.id, recording("Hello")), /OPENAI_TTS_MODEL/],
    speechConversation: [(s) => s.api.audio.speechConversation(s.agent.id, { audio: recording("Hello") }), /OPENAI_TTS_MODEL/],
    synthesizeAudioMessage: [async (s) => {
      const { reply } = await s.exchange(await s.newTalk(), "Say something nice");
      await s.api.audio.synthesizeAudioMessage(s.agent.id, { messageId: reply.id });
    }, /OPENAI_TTS_MODEL/],
    generateSpeech: [(s) => s.api.audio.generateSpeech(s.agent.id, { text: "Hello" }), /status: 503/],
  }).map(([method, [call, missing]]) => [method, async (s) => {
    await assert.rejects(call(s), (error) => {
      assert.match(error.message, missing);
      if (error instanceof ApiError) assert.deepEqual([error.status, error.code], [503, "UNAVAILABLE"]);
      return true;
    });
  }]),
);
