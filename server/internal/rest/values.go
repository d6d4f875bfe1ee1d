package rest

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
)

// deref returns what p points to, and the zero value for nil.
func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
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

// looseMoment reads a moment from a body: a number of milliseconds, or a text as queries have it.
func looseMoment(name string, raw json.RawMessage) (*time.Time, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, bodyError(err)
		}
	}
	return looseTime(name, &text)
}

// firstOf returns the first value that is given; nil for none.
func firstOf(values ...*string) *string {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

// Bounds of paging: no list of agents' things is longer, and no number of a page makes the offset overflow.
const (
	maxPageSize = 1000
	maxPage     = 1 << 30
)

// offsetOf returns how many rows come before a page; an offset is stronger than the number of the page.
func offsetOf(offset, page, limit int) int {
	if offset > 0 || page <= 1 || limit <= 0 {
		return max(offset, 0)
	}
	return (min(page, maxPage) - 1) * min(limit, maxPageSize)
}
