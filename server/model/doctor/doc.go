// Package doctor is the built-in responder: the model of a machine that has none.
//
// It answers at once, with no key and no network, after the scheme of Weizenbaum's ELIZA of 1966 (ranked keywords,
// patterns that take a sentence apart and templates that put it together again, pronouns turned around, a memory of
// earlier remarks), extended with the agent's persona, recall of what was said, and passages from its knowledge. It makes
// every flow of the server work and testable; it is not a language model and says so. Agent runtime §18 is its
// specification.
//
// A [Provider] is a pure function of the request: no clock, no randomness, no state. The same situation gets the same
// answer on every node and after every restart. Work is linear in the length of the message, which is cut at 2,000
// characters.
//
// All its words are data: script/*.json, checked by the tests. Patterns are lists of words in which
//
//	word    stands for itself
//	*       for any words, also none, and captures them
//	+       for at least one word, and captures them
//	@group  for one word of a group, and captures it
//	-ing    for one word that ends so, and captures it
//
// and replies are texts in which {1}, {2}, … stand for the captures with the pronouns turned around, {name} for the
// sender's name (which takes a comma before it along when it is unknown), {agent} for the agent's, and {mine} for what the
// sender calls theirs, "your sister" for instance. A character may bring its own rules in settings.builtinScript; see
// [CheckRules].
package doctor
