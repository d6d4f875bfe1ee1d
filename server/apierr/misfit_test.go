package apierr_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/apierr"
)

func TestMisfit(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"":                   "The body is required",
		"/name":              "name is required",
		"/attachments/0/url": "attachments[0].url is required",
		"/a~1b/c~0d/~01":     "a/b.c~d.~1 is required",
	} {
		m := apierr.MisfitAt(pointer, apierr.Missing)
		if got := m.Words("The body"); got != want {
			t.Errorf("%q: %q, want %q", pointer, got, want)
		}
		if back := "/" + strings.TrimPrefix(pointer, "/") + ": is required"; m.Pointer() != back {
			t.Errorf("%q became %q", pointer, m.Pointer())
		}
	}
	if got := apierr.MisfitAt("/name", "must be a text").Words(""); got != "name: must be a text" {
		t.Error(got)
	}
}
