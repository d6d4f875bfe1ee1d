package runtime

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/elizad/elizad/server/internal/messaging"
)

// record is the log of a turn. Providers may add to it at once.
type record struct {
	started time.Time

	mu      sync.Mutex
	entries []messaging.TurnLogEntry
	stored  int      // how many of them were in the log when the turn ended
	missing []string // providers that said nothing, because they failed or were late
}

// maxEntries bounds a log; a run that does more than that is broken, and its end is noted all the same.
const maxEntries = 500

func newRecord(t messaging.Turn) *record {
	r := &record{started: time.Now()}
	r.add(messaging.LogRunStarted, map[string]any{"messageId": t.MessageID, "source": "messageHandler", "attempt": t.Attempts})
	return r
}

// add notes an event with its data, an object.
func (r *record) add(kind string, data map[string]any) {
	entry := newEntry(kind, data)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) < maxEntries {
		r.entries = append(r.entries, entry)
	}
}

// leaveOut notes that a provider said nothing.
func (r *record) leaveOut(provider string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing = append(r.missing, provider)
}

func newEntry(kind string, data map[string]any) messaging.TurnLogEntry {
	text, err := json.Marshal(data)
	if err != nil { // a value of a plugin that has no JSON form
		text = []byte(`{"error":"the data of this event cannot be shown"}`)
	}
	return messaging.TurnLogEntry{Type: kind, At: time.Now(), Data: text}
}

// ended returns the log of a turn that ends with an outcome.
func (r *record) ended(o messaging.Outcome) []messaging.TurnLogEntry {
	data := map[string]any{"status": runStatus(o.Status), "outcome": o.Status, "durationMs": time.Since(r.started).Milliseconds()}
	if o.Reason != "" {
		data["reason"] = o.Reason
	}
	if runStatus(o.Status) != "completed" {
		data["error"] = o.Detail
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.missing) > 0 {
		data["providersLeftOut"] = r.missing
	}
	r.stored = len(r.entries)
	return append(r.entries[:len(r.entries):len(r.entries)], newEntry(messaging.LogRunEnded, data))
}

// later returns what was noted after the turn ended, once.
func (r *record) later() []messaging.TurnLogEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	entries := r.entries[r.stored:]
	r.stored = len(r.entries)
	return entries
}

// runStatus is the status that clients of run records know.
func runStatus(s messaging.TurnStatus) string {
	switch s {
	case messaging.TurnReplied, messaging.TurnIgnored:
		return "completed"
	case messaging.TurnTimedOut:
		return "timeout"
	default:
		return "error"
	}
}
