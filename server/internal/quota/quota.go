// Package quota bounds how many things of each kind callers may make the server keep.
package quota

import (
	"cmp"

	"github.com/elizad/elizad/server/apierr"
)

// Quota is the bound on one kind of thing.
type Quota struct {
	Most    int         // how many there may be; 0 is no limit
	What    string      // the things, in the plural
	Setting string      // by which the operator moves the bound
	Code    apierr.Code // of the refusal; empty: QUOTA_EXCEEDED
}

// Count counts things, no further than atMost.
type Count func(atMost int64) (int64, error)

// Share returns how many of the things one caller may have. The rest, a quarter, is there for the others.
func (q Quota) Share() int { return q.Most - q.Most/4 }

// Admit refuses more things than there may be beside those that are counted.
func (q Quota) Admit(more int, counted Count) error {
	return q.admit(q.Most, more, counted, "There may be %d %s, and there are as many")
}

// AdmitCaller refuses what is more than one caller's share; counted is what the caller has.
func (q Quota) AdmitCaller(more int, counted Count) error {
	return q.admit(q.Share(), more, counted, "One caller may have %d %s, and this one has as many")
}

func (q Quota) admit(most, more int, counted Count, refusal string) error {
	if q.Most <= 0 {
		return nil
	}
	n, err := counted(int64(most) + 1)
	if err != nil || n+int64(more) <= int64(most) {
		return err
	}
	code := cmp.Or(q.Code, apierr.QuotaExceeded)
	return apierr.New(code, refusal, most, q.What).WithDetails("Delete or end some of the " + q.What + ", or raise the setting " + q.Setting)
}
