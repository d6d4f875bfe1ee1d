package rest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
)

// each translates a list; the result is never nil, so that it is never null on the wire.
func each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// list returns in, and an empty list for nil.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

// deref returns what p points to, and the zero value for nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional returns a pointer to v, and nil for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// object is a JSON object whose members are read one by one, since clients fill them as they like.
type object map[string]json.RawMessage

// fieldsOf returns the members of a JSON object; none for anything else.
func fieldsOf(raw json.RawMessage) object {
	var o object
	_ = json.Unmarshal(raw, &o) // anything else has no members
	return o
}

// value returns a member; nil for one that is missing or null.
func (o object) value(name string) json.RawMessage {
	if raw := o[name]; string(raw) != "null" {
		return raw
	}
	return nil
}

// read decodes a member into the value that to points to; one that is missing, null or of another type leaves it alone.
func (o object) read(name string, to any) {
	if raw := o.value(name); raw != nil {
		_ = json.Unmarshal(raw, to)
	}
}

// text returns a member that is a text; an empty one for anything else.
func (o object) text(name string) string {
	var s string
	o.read(name, &s)
	return s
}

// without returns raw, a JSON object, without a member.
func without(raw json.RawMessage, name string) json.RawMessage {
	o := fieldsOf(raw)
	if _, ok := o[name]; !ok {
		return raw
	}
	delete(o, name)
	return encode(o)
}

// encode returns v as JSON. It is for values of which encoding can't fail.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("rest: encoding " + err.Error())
	}
	return b
}

// looseInt reads a number from a query; 0 when it is missing or none.
func looseInt(s *string) int {
	n, err := strconv.Atoi(strings.TrimSpace(deref(s)))
	if err != nil {
		return 0
	}
	return n
}

// looseTime reads a moment from a query, which clients write as epoch milliseconds, in ISO 8601, or the way JavaScript
// prints a Date; nil when it is missing.
func looseTime(name string, s *string) (*time.Time, error) {
	t := strings.TrimSpace(deref(s))
	if t == "" {
		return nil, nil
	}
	if ms, err := strconv.ParseInt(t, 10, 64); err == nil {
		return new(time.UnixMilli(ms)), nil
	}
	t = zoneName.ReplaceAllString(t, "")
	t = unescapedPlus.ReplaceAllString(t, "GMT+$1")
	for _, layout := range timeLayouts {
		if parsed, err := time.Parse(layout, t); err == nil {
			return &parsed, nil
		}
	}
	return nil, apierr.New(apierr.InvalidRequest, "%s is not a time: use epoch milliseconds or ISO 8601", name)
}

var (
	zoneName      = regexp.MustCompile(`\s*\([^)]*\)$`) // "… GMT+0100 (Central European Standard Time)"
	unescapedPlus = regexp.MustCompile(`GMT (\d{4})$`)  // the plus sign of a query that was not escaped
	timeLayouts   = []string{
		time.RFC3339Nano,
		"2006-01-02T15:04:05.999999999",
		"2006-01-02",
		"Mon Jan 02 2006 15:04:05 GMT-0700",
		time.RFC1123Z,
		time.RFC1123,
	}
)
