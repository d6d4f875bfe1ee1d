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

func TestQuota(t *testing.T) {
	t.Parallel()
	things := quota.Quota{Most: 8, What: "things", Setting: "MAX_THINGS"}
	for _, c := range []struct {
		name string
		err  error
		want string // part of the refusal; empty: none
	}{
		{"room for one", things.Admit(1, there(7)), ""},
		{"no room", things.Admit(1, there(8)), "There may be 8 things"},
		{"no room for two", things.Admit(2, there(7)), "There may be 8 things"},
		{"one too many that are in already", things.Admit(0, there(9)), "There may be 8 things"},
		{"the last ones that are in already", things.Admit(0, there(8)), ""},
		{"a caller's last", things.AdmitCaller(1, there(5)), ""},
		{"more than a caller's share", things.AdmitCaller(1, there(6)), "One caller may have 6 things"},
		{"no limit", quota.Quota{}.Admit(1, there(1<<40)), ""},
		{"no limit for callers", quota.Quota{}.AdmitCaller(1, there(1<<40)), ""},
		{"few are not shared", quota.Quota{Most: 3}.AdmitCaller(1, there(2)), ""},
	} {
		if c.want == "" && c.err != nil || c.want != "" && (c.err == nil || !strings.Contains(c.err.Error(), c.want)) {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	if err := things.Admit(1, there(8)); !apierr.IsCode(err, apierr.QuotaExceeded) || !strings.Contains(apierr.From(err).Details, "MAX_THINGS") {
		t.Errorf("refused with %+v", apierr.From(err))
	}
	trouble := errors.New("trouble")
	if err := things.Admit(1, func(int64) (int64, error) { return 0, trouble }); !errors.Is(err, trouble) {
		t.Errorf("a count that failed: %v", err)
	}
}
