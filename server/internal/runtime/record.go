package runtime

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/model"
)

// record is the log of a turn. Providers may add to it at once.
type record struct {
	started time.Time

	mu       sync.Mutex
	entries  []messaging.TurnLogEntry
	stored   int      // how many of them were in the log when the turn ended
	stepsEnd string   // why there were no more steps; empty where the model chose that, or there are none
	missing  []string // providers that said nothing, because they failed or were late
	spent    spent
}

// spent is what the calls of models in a run took.
type spent struct {
	provider, model           string // of the last call; empty before the first
	inputTokens, outputTokens int
	calls                     int
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

// spend counts a call of a model.
func (r *record) spend(d model.Done) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spent.provider, r.spent.model = d.Provider, d.Model
	r.spent.calls++
	r.spent.inputTokens += d.Usage.InputTokens
	r.spent.outputTokens += d.Usage.OutputTokens
}

// expenses returns how many calls of models there were, and the tokens that they took.
func (r *record) expenses() (calls, tokens int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent.calls, r.spent.inputTokens + r.spent.outputTokens
}

// stepsEnded notes why a run takes no more steps, where the model didn't choose that.
func (r *record) stepsEnded(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stepsEnd = why
}

// logOutcome says how the run ended, in the one line that people open the log for.
func (r *run) logOutcome(ctx context.Context, o messaging.Outcome) {
	level, text := slog.LevelInfo, "agent did not answer"
	switch o.Status {
	case messaging.TurnReplied:
		text = "agent answered"
	case messaging.TurnFailed, messaging.TurnTimedOut:
		level = slog.LevelWarn
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs, slog.Any("messageId", r.turn.MessageID), slog.Int64("ms", time.Since(r.startedAt).Milliseconds()))
	r.record.mu.Lock()
	used := r.record.spent
	r.record.mu.Unlock()
	if used.model != "" {
		attrs = append(attrs, slog.String("provider", used.provider), slog.String("model", used.model),
			slog.Int("inputTokens", used.inputTokens), slog.Int("outputTokens", used.outputTokens))
	}
	if o.Status != messaging.TurnReplied {
		attrs = append(attrs, slog.Any("status", o.Status), slog.String("reason", o.Reason), slog.String("detail", o.Detail))
	}
	r.log().LogAttrs(ctx, level, text, attrs...)
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
	if r.stepsEnd != "" {
		data["stepsEnded"] = r.stepsEnd
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
