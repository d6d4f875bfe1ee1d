package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/elizad/elizad/api/wire"
)

func TestTimestamp(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	tests := []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 11, 20, 15, 33, 10, 230_000_000, time.UTC), `"2026-11-20T15:33:10.230Z"`},
		{time.Date(2026, 11, 20, 15, 33, 10, 0, time.UTC), `"2026-11-20T15:33:10.000Z"`},
		{time.Date(987, 1, 2, 3, 4, 5, 67_000_000, time.UTC), `"0987-01-02T03:04:05.067Z"`},
		{time.Date(2026, 11, 20, 16, 33, 10, 1_999_999, berlin), `"2026-11-20T15:33:10.001Z"`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(wire.At(tt.at))
		if err != nil || string(got) != tt.want {
			t.Errorf("%v = %s, want %s (%v)", tt.at, got, tt.want, err)
		}
		var back wire.Timestamp
		if err := json.Unmarshal(got, &back); err != nil || !back.Equal(tt.at.Truncate(time.Millisecond)) {
			t.Errorf("%s = %v (%v)", got, back, err)
		}
	}
	for _, bad := range []string{`5`, `"yesterday"`, `{}`} {
		if err := json.Unmarshal([]byte(bad), new(wire.Timestamp)); err == nil {
			t.Errorf("%s was read as a time", bad)
		}
	}
}
