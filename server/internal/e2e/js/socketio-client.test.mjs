// What socket.io-client expects of a server, tested with the client itself: connecting and reconnecting, events and their
// acknowledgements, binary data, refusals, recovery. The server is that of
//
//   go run ./server/socketio/internal/conformance --addr 127.0.0.1:3210 --client-suite
//
//   SUITE_URL=http://127.0.0.1:3210 node --test socketio-client.test.mjs
//
// SUITE_CLIENT names the package of the client: socket.io-client, or socket.io-client-v3 for version 3.

import "./socketio-client/connect.mjs";
import "./socketio-client/reconnect.mjs";
import "./socketio-client/handshake.mjs";
import "./socketio-client/events.mjs";
import "./socketio-client/listeners.mjs";
import "./socketio-client/acks.mjs";
