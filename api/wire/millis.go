package wire

import "time"

// Millis is a moment in milliseconds since 1970.
type Millis int64

// MillisOf returns t as Millis.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns the moment, in the local time zone.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)) }
