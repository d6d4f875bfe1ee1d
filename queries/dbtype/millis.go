// Package dbtype holds the column types that the generated database code needs and that neither the standard library nor
// the drivers have. It depends on nothing but the standard library.
package dbtype

import (
	"database/sql/driver"
	"fmt"
	"math"
	"time"
)

// Millis is an instant in milliseconds since the Unix epoch, UTC. Both databases store it as a plain 64-bit integer, so an
// instant read from one is bit for bit what was written to the other. A nullable column is a *Millis.
type Millis int64

// MillisOf returns t cut down to the millisecond.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns the instant as a time in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// String returns the instant in RFC 3339 form, for logs and test failures.
func (m Millis) String() string { return m.Time().Format(time.RFC3339Nano) }

// TimeOf returns a nullable instant as a time in UTC; nil for NULL.
func TimeOf(m *Millis) *time.Time {
	if m == nil {
		return nil
	}
	return new(m.Time())
}

// Until returns the bound of a list that ends at t; for nil, one beyond everything.
func Until(t *time.Time) Millis {
	if t == nil {
		return math.MaxInt64
	}
	return MillisOf(*t)
}

// Value implements [driver.Valuer].
func (m Millis) Value() (driver.Value, error) { return int64(m), nil }

// Scan implements [database/sql.Scanner]. It refuses anything but an integer: a NULL belongs in a *Millis.
func (m *Millis) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("reading an instant: got %T, want int64", src)
	}
	*m = Millis(v)
	return nil
}
