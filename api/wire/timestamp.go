// Package wire holds the few hand-written types that the generated HTTP types are made of.
package wire

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// timestampFormat is what JavaScript's Date.toISOString writes: UTC, always three digits of a second.
const timestampFormat = "2006-01-02T15:04:05.000Z"

// Timestamp is a moment in UTC that is written with exactly three digits of milliseconds, so that the texts sort like the
// moments. time.Time would drop trailing zeros.
type Timestamp struct{ time.Time }

// At returns t as a Timestamp.
func At(t time.Time) Timestamp { return Timestamp{t} }

// MarshalJSON writes the moment as a JSON string.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	return t.AppendJSON(nil), nil
}

// AppendJSON appends what MarshalJSON returns. Years of four digits, which is all that clocks show, take a shorter way than
// time.Time's own.
func (t Timestamp) AppendJSON(dst []byte) []byte {
	utc := t.UTC()
	year, month, day := utc.Date()
	if year < 1000 || year > 9999 {
		return utc.AppendFormat(dst, `"`+timestampFormat+`"`)
	}
	hour, minute, second := utc.Clock()
	millis := utc.Nanosecond() / int(time.Millisecond)
	dst = strconv.AppendInt(append(dst, '"'), int64(year), 10)
	dst = appendPair(append(dst, '-'), int(month))
	dst = appendPair(append(dst, '-'), day)
	dst = appendPair(append(dst, 'T'), hour)
	dst = appendPair(append(dst, ':'), minute)
	dst = appendPair(append(dst, ':'), second)
	dst = appendPair(append(dst, '.', byte('0'+millis/100)), millis%100)
	return append(dst, `Z"`...)
}

// appendPair appends a number below 100 in two digits.
func appendPair(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// UnmarshalJSON reads any RFC 3339 time from a JSON string.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("reading a timestamp: %w", err)
	}
	parsed, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("reading a timestamp: %w", err)
	}
	t.Time = parsed.UTC()
	return nil
}
