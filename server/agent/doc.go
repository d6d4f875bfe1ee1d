// Package agent holds what an agent is and what a plugin may add to it.
//
// A [Character] describes an agent: who it is, how it talks, which settings it has. [ParseCharacter] reads the JSON that
// clients send and names every field that is wrong; [Character.Patch] applies a partial update; [ImportCharacter] takes
// files of other makers and keeps what it doesn't know. [ID], [UUIDOf] and [UUIDFor] derive the identifiers that existing
// clients expect.
//
// A [Plugin] is Go code that is compiled into the server and registered under a name in a [Registry]. For each agent that
// names it, the plugin builds [Components]: actions the agent may take, providers that tell it about its situation,
// evaluators that look back after a reply, and routes over which the rest of the world talks to the plugin. The first three
// get the [Run] they work for: one message and everything known about it. Nothing that belongs to a run may be kept in a
// component, because runs of many channels happen at once.
//
// A plugin that sends a key to an address reads both by [Host].Lookup, and sends the key only where [model.Setting.MayCarry]
// lets it go; an address of the plugin's own has the origin [model.FromOperator]. Names that begin alike, such as WEATHER_KEY
// and WEATHER_URL, belong together: a change of the address then removes the secret that was meant for the one before. The
// example of Host shows it.
package agent
