// Package mcp lets agents use the tools of servers that speak the Model Context Protocol, over HTTP or as programs that the
// operator names.
//
// A [Service] holds the connections. [Service.Of] says which servers an agent has, by its settings and by what the operator
// wrote down; [Tools.Actions] returns their tools as actions. Nothing connects before an agent needs it, nobody waits for a
// server longer than a few seconds, and what one answers has a bound. A connection that breaks is made again when it is
// needed, at growing intervals while that fails, and one that nobody uses is closed.
//
// Programs are started for the operator only, never because a character names one. Addresses in characters are reached through
// egress, and the headers of a server go to its own address only.
package mcp
