// Package socketio is a server for the Socket.IO protocol, version 5, as spoken by socket.io-client 3 and 4 and the clients
// compatible with it: namespaces, events with acknowledgements both ways, binary arguments, rooms, broadcasts, and the
// recovery of a session after its connection was lost. The transports are those of package engineio.
//
//	io := socketio.NewServer(socketio.Config{})
//	io.Of("/").OnConnect(func(s *socketio.Socket) {
//		s.On("hello", func(ctx context.Context, ev *socketio.Event) {
//			var name string
//			if err := ev.Decode(0, &name); err != nil {
//				return
//			}
//			ev.Ack("hi " + name)
//			s.Broadcast().Emit("joined", name)
//		})
//	})
//	http.Handle("/socket.io/", io)
//
// # Order and concurrency
//
// Everything that happens to one [Socket] happens in order: its middleware, its connection handlers, its events as they
// arrived, its disconnection. A worker goroutine does this and exists only while there is something to do. Different
// sockets run in parallel. Handlers may block: at most 64 events wait behind a blocked one, then the connection is not read
// any further until it catches up. Acknowledgements do not wait behind events, so a handler may wait in [Socket.EmitAck].
//
// A panic in a handler is recovered and logged with its stack; the connection stays.
//
// # Sending
//
// Emitting never blocks. An event is encoded once, whatever the number of its recipients, and put into the bounded queue of
// each connection. A client that does not keep up first loses events marked [Broadcast.Volatile], then those marked
// [Broadcast.Sheddable], and is finally disconnected in a way that makes it reconnect.
//
// An argument may be any value that encoding/json can marshal; a [json.RawMessage], sent byte for byte; or a []byte, sent
// as a binary attachment, also inside a map[string]any or an []any.
//
// # Recovery
//
// With [RecoveryRooms] a client that lost its connection comes back as the same socket: with its id, its rooms and its data.
// With [RecoveryReplay] it also gets the events that it missed, before anything else. Middleware runs again in either case.
//
// # Several nodes
//
// [Server.JoinCluster] links servers by a [Bus]. Rooms stay local to each node; broadcasts, and the other operations on many
// sockets, reach the sockets of all nodes unless they are [Broadcast.Local]. An event travels encoded, as it was for the
// sockets of its node, which never wait for the bus. Polling clients must reach the same node with each request, by a
// cookie or by their address; WebSocket clients need not.
//
// A lost session is kept by the node that had it, and so are the events that it misses, whichever node they come from: each node
// numbers them by itself. A client that comes back to another node starts over.
//
// # Disconnecting
//
// A client library does not come back by itself after [Socket.Disconnect]: use it for "go away for good" only. Use
// [Socket.CloseTransport], after which clients reconnect with back-off, for everything else. [Server.Shutdown] does the
// latter.
package socketio
