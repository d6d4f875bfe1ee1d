// Package openai is a model provider for the chat-completions wire of OpenAI, which most other vendors and local model
// servers speak too.
//
// [Client] runs one endpoint; any base URL will do. Package vendors knows who speaks it where. The client is written against
// net/http alone: the wire is small, and the official library weighs more than the rest of the server.
//
// The wire has dialects. The client reads all of them at once (content as text or as parts, tool calls in pieces or
// whole, errors in seven shapes) and, when an endpoint refuses an optional parameter by name, leaves it out and asks again.
package openai
