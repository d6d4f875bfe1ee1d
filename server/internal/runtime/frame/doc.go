// Package frame reads what a model writes: a <response> element with one child per field (agent runtime §6).
//
// Models are careless, so reading is tolerant: a frame that isn't closed, one without its outer element, one of JSON, thoughts
// before it in any of the marks in use, and an answer that is no frame at all are understood. [Parse] returns the fields,
// [Decide] what an agent is to do with them, and [Choose] reads a decision of one word. An [Extractor] finds the
// part of an answer that may be shown to people while it is still being written. Everything takes time linear in the length of the input.
package frame
