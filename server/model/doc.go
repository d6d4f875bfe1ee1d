// Package model is the seam between agents and the models that write their words.
//
// A [Provider] turns a [Request] into a stream of [Chunk]s. The package holds the types that cross that seam, the one
// error type providers answer with, a retry wrapper and a rough token estimate. It knows neither agents nor settings:
// which provider serves an agent is decided by the caller. Providers live in sub-packages: openai speaks the
// chat-completions wire of OpenAI and everything compatible, anthropic that of Anthropic's Messages, doctor is the responder
// that needs no model at all. Package vendors finds the one that settings ask for.
//
// Remote providers read System, Turns and Prompt. The built-in responder reads [State], the same facts in structured
// form, so that it needs no parsing of a prompt that characters may rewrite.
package model
