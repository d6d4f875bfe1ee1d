// Package engineio is a server for the Engine.IO protocol, version 4: sessions of ordered messages over HTTP long-polling,
// over WebSocket, and over the upgrade from the first to the second.
//
// A [Server] is an [http.Handler]. The meaning of the messages is not its concern: the layer above gives it a function that
// turns each new [Session] into a [Handler], and the server calls that handler with every message, in order, and exactly
// once with the reason of the end.
//
//	srv := engineio.NewServer(engineio.Config{}, func(s *engineio.Session) engineio.Handler {
//		return &echo{session: s}
//	})
//	http.Handle("/engine.io/", srv)
//
// Outgoing messages are [Frame] values: encoded once, immutable, shared by every session that sends them. Each session has
// one bounded queue. A session that cannot keep up first loses what may be lost (see [SendOptions]) and is then closed; it
// never delays another one.
//
// The package holds to these rules of concurrency:
//
//   - a WebSocket session costs one goroutine, the reader; a writer runs only while there is something to write;
//   - a polling session costs none between requests;
//   - handlers are called without any lock held, OnMessage never concurrently for one session;
//   - a handler that blocks in OnMessage stops the reading of its connection and nothing else, and suspends the
//     deadline of its heartbeat meanwhile.
package engineio
