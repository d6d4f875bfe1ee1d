package quota_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/quota"
)

// there returns a count that goes no further than it is asked to.
func there(n int64) quota.Count {
	return func(atMost int64) (int64, error) { return min(n, atMost), nil }
}

func TestCheck(t *testing.T) {
	t.Parallel()
	things := quota.Quota{Most: 8, What: "things", Setting: "MAX_THINGS"}
	if err := things.Check(there(8)); err != nil {
		t.Errorf("the last one: %v", err)
	}
	if err := (quota.Quota{}).Check(there(1 << 40)); err != nil {
		t.Errorf("no limit: %v", err)
	}
	err := things.Check(there(9))
	if e := apierr.From(err); e.Code != apierr.QuotaExceeded || !strings.Contains(e.Message, "There may be 8 things") || !strings.Contains(e.Details, "MAX_THINGS") {
		t.Errorf("one too many: %+v", e)
	}
	failure := errors.New("trouble")
	if err := things.Check(func(int64) (int64, error) { return 0, failure }); !errors.Is(err, failure) {
		t.Errorf("a count that failed: %v", err)
	}
}
