// Package logstream makes the server's logger and keeps what it said last.
//
// [New] joins two slog handlers: one writes to the terminal or to a file, the other feeds a [Stream]. A stream is a bounded
// ring of entries for later readers, and a fan-out to [Subscription]s for live ones. Nothing in the fan-out
// blocks, calls back or logs, so that watching the log can't make more of it: a subscriber that is too slow loses its oldest
// entries and learns how many.
//
// Values under a key that names a secret (authorization, token, password, …) are replaced before they reach either handler.
// Levels are slog's, with names and numbers of ElizaOS for those that slog lacks.
package logstream
