// Package server is elizad as a library: a complete agent server that any Go program can start, or mount in its own HTTP
// server.
//
//	srv, err := server.New(server.DefaultConfig())
//	if err != nil { … }
//	if err := srv.Start(ctx); err != nil { … }
//	defer srv.Shutdown(context.Background())
//	http.Handle("/", srv.Handler())
//
// The package wires the parts together, in the order in which they depend on each other, and does nothing else.
package server
