package logstream

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of one entry, so that the ring is bounded in bytes and not only in entries.
const (
	maxMessage = 8 << 10
	maxValue   = 2 << 10
	maxAttrs   = 64
)

// Entry is one call of the logger, with secrets already replaced.
type Entry struct {
	Seq       uint64 // counts up from 1 while the stream exists, without gaps
	Time      time.Time
	Level     slog.Level
	Message   string
	AgentID   string // value of the attribute agentId or agent_id; "" if there is none
	AgentName string // value of the attribute agentName or agent_name; "" if there is none
	Attrs     []Attr // all attributes, in order; those in groups have keys such as request.id
}

// Attr is an attribute of an entry. Value is a string, int64, uint64, float64 or bool.
type Attr struct {
	Key   string
	Value any
}

// Text returns the message with the attributes behind it: "agent started (agentId=…, took=5ms)".
func (e *Entry) Text() string {
	if len(e.Attrs) == 0 {
		return e.Message
	}
	var b strings.Builder
	before := e.Message + " ("
	for _, a := range e.Attrs {
		fmt.Fprintf(&b, "%s%s=%v", before, a.Key, a.Value)
		before = ", "
	}
	b.WriteByte(')')
	return b.String()
}

// Attr returns the value of the first attribute with a key, or nil.
func (e *Entry) Attr(key string) any {
	for _, a := range e.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

// add appends an attribute under the groups that are open, flattening groups and replacing secrets.
func (e *Entry) add(groups []string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		inner := groups
		if a.Key != "" { // a group without a name is inlined
			inner = append(groups[:len(groups):len(groups)], a.Key)
		}
		for _, member := range value.Group() {
			e.add(inner, member)
		}
		return
	}
	if a.Key == "" || len(e.Attrs) == maxAttrs {
		return
	}
	a = redact(groups, slog.Attr{Key: a.Key, Value: value})
	attr := Attr{Key: strings.Join(append(groups[:len(groups):len(groups)], a.Key), "."), Value: plain(a.Value)}
	e.Attrs = append(e.Attrs, attr)
	switch strings.ReplaceAll(strings.ToLower(a.Key), "_", "") {
	case "agentid":
		e.AgentID = fmt.Sprint(attr.Value)
	case "agentname":
		e.AgentName = fmt.Sprint(attr.Value)
	}
}

// plain reduces a value to what can be printed and encoded at any later time: nothing that changes, and nothing large.
func plain(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool:
		return v.Bool()
	case slog.KindInt64:
		return v.Int64()
	case slog.KindUint64:
		return v.Uint64()
	case slog.KindFloat64:
		return v.Float64()
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	default:
		return cut(v.String(), maxValue)
	}
}

// cut shortens text to at most n bytes, on a character's border, and says so.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
