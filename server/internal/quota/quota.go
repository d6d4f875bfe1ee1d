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

// Check refuses more things than there may be, when they are in already. It counts them; a [Tally] is for those that are many.
func (q Quota) Check(counted Count) error {
	if q.Most <= 0 {
		return nil
	}
	n, err := counted(int64(q.Most) + 1)
	if err == nil && n > int64(q.Most) {
		err = q.full()
	}
	return err
}

func (q Quota) full() error {
	return q.refuse("There may be %d %s, and there are as many", q.Most)
}

func (q Quota) refuse(refusal string, most int) error {
	code := cmp.Or(q.Code, apierr.QuotaExceeded)
	return apierr.New(code, refusal, most, q.What).WithDetails("Delete or end some of the " + q.What + ", or raise the setting " + q.Setting)
}
