// Package frame reads what a model writes: a <response> element with one child per field (agent runtime §6).
//
// Models are careless, so reading is tolerant: a frame that isn't closed, a frame without its outer element, a reasoning
// block before it and plain text without any markup are all understood. [Parse] returns the fields, [Decide] what an agent
// is to do with them. An [Extractor] finds the part of an answer that may be shown to people while it is still being
// written. Everything takes time linear in the length of the input.
package frame
