package rest

import (
	"testing"
	"time"
)

func TestLooseTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 15, 33, 10, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1795188790230":                 time.UnixMilli(1795188790230),
		"2026-11-20T15:33:10Z":          at,
		"2026-11-20T16:33:10.000+01:00": at,
		"2026-11-20T15:33:10":           at,
		"2026-11-20":                    at.Truncate(24 * time.Hour),
		"Fri Nov 20 2026 16:33:10 GMT+0100 (Central European Standard Time)": at,
		"Fri Nov 20 2026 16:33:10 GMT 0100 (Central European Standard Time)": at, // the plus sign not escaped
		"Fri, 20 Nov 2026 15:33:10 GMT":                                      at,
		"Fri, 20 Nov 2026 14:33:10 -0100":                                    at,
	} {
		got, err := looseTime("before", &text)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q = %v, want %v (%v)", text, got, want, err)
		}
	}
	if got, err := looseTime("before", nil); got != nil || err != nil {
		t.Errorf("nothing = %v, %v", got, err)
	}
	if _, err := looseTime("before", new("soon")); err == nil {
		t.Error(`"soon" was taken for a time`)
	}
}
