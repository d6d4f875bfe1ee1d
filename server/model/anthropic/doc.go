// Package anthropic is a model provider for the Messages wire of Anthropic, which gateways and other vendors speak too.
//
// [Client] runs one endpoint. What a request says in every call anew (the system text, the tools, the messages before the
// newest) is marked for the vendor's cache, which reads it again at a fraction of its price. The client is written against
// net/http alone: the wire is small, and the official library weighs more than half of the server.
//
// The wire differs from that of chat completions in what it takes: an answer always has a token limit, temperatures end at 1,
// there are no penalties, and users and assistants take turns. A request is made to fit; what a model refuses all the same, by
// name, is left out, and the request is sent again.
package anthropic
