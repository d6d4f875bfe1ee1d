// Package server is elizad as a library: a complete agent server that any Go program can start, or mount in its own HTTP
// server.
//
//	srv, err := server.New(server.DefaultConfig())
//	if err != nil { … }
//	if err := srv.Start(ctx); err != nil { … }
//	defer srv.Shutdown(context.Background())
//	http.Handle("/", srv.Handler())
//
// Agents find their models by the same variables as those of the program elizad: with OPENAI_API_KEY in the environment of the
// process, or OLLAMA_API_ENDPOINT for a local model, the lines above are all it takes. See [DefaultConfig] and
// [WithEnvironment].
//
// A program may bring its own plugins, model, agents and middlewares along: see the options. The running server's agents are managed
// through [Server.Agents], and everything else over its HTTP interface, as package client does it.
//
// The package wires the parts together, in the order in which they depend on each other, and does nothing else.
package server
