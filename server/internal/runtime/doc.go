// Package runtime makes agents live: it keeps them ([Agents]) and takes their turns ([Service]).
//
// A turn is one agent's dealing with one message. It waits in the database until some server claims it; a [Service] claims
// as many as it has room for, keeps their leases, and ends each with exactly one outcome and its reason: replied, ignored,
// failed, cancelled or timed out. What it does in between is a run (agent runtime §9): providers describe the situation,
// rules or the model decide whether to answer, the model writes, and the actions it named are carried out. The parts:
//
//	pool.go, turn.go          claiming, leases, deadlines, and how a turn ends
//	run.go, decide.go         one run from its message to the decision whether to answer
//	compose.go, provider_*.go what the agent knows
//	generate.go, answer.go    what the model says, and stream.go, through which people read it
//	plan.go, action.go        what the agent does, and conclude.go, what came of it
//	remember.go, evaluate.go  what the agent keeps of a run, and looking back, in the background
//	agents*.go, version.go      characters, and what is built from a version of one
//
// Nothing of a run is kept in anything that outlives it. To add an action or a provider to all agents, add it to
// builtinActions or builtinProviders; to those that ask for it, register an [agent.Plugin].
package runtime
