package dbtype_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/queries/dbtype"
)

func TestMillis(t *testing.T) {
	t.Parallel()
	instant := time.Date(2026, 2, 3, 4, 5, 6, 789_999_999, time.FixedZone("", 3600))
	m := dbtype.MillisOf(instant)
	if want := time.Date(2026, 2, 3, 3, 5, 6, 789_000_000, time.UTC); !m.Time().Equal(want) || m.Time().Location() != time.UTC {
		t.Errorf("Time() = %v, want %v", m.Time(), want)
	}
	if got := m.String(); got != "2026-02-03T03:05:06.789Z" {
		t.Errorf("String() = %s", got)
	}
	value, err := m.Value()
	if err != nil || value != int64(m) {
		t.Errorf("Value() = %v, %v", value, err)
	}
	var scanned dbtype.Millis
	if err := scanned.Scan(value); err != nil || scanned != m {
		t.Errorf("Scan = %v, %v", scanned, err)
	}
	for _, wrong := range []any{nil, "1", 1.5, []byte("1"), instant} {
		if err := scanned.Scan(wrong); err == nil {
			t.Errorf("Scan(%T) succeeded", wrong)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		document dbtype.JSON
		value    any
		encoded  string
	}{
		"document": {dbtype.JSON(`{"a": 1}`), `{"a": 1}`, `{"x":{"a":1}}`},
		"null":     {nil, nil, `{"x":null}`},
	} {
		value, err := tt.document.Value()
		if err != nil || value != tt.value {
			t.Errorf("%s: Value() = %#v, %v, want %#v", name, value, err, tt.value)
		}
		scanned := dbtype.JSON("before")
		if err := scanned.Scan(value); err != nil || !cmp.Equal(scanned, tt.document) {
			t.Errorf("%s: Scan = %s, %v", name, scanned, err)
		}
		type holder struct {
			X dbtype.JSON `json:"x"`
		}
		encoded, err := json.Marshal(holder{tt.document})
		if err != nil || string(encoded) != tt.encoded {
			t.Errorf("%s: encoded as %s, %v, want %s", name, encoded, err, tt.encoded)
		}
	}
	var j dbtype.JSON
	if err := j.Scan(1); err == nil {
		t.Error("Scan of a number succeeded")
	}
}

func TestJSONCopiesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	buffer := []byte(`{"a":1}`)
	var scanned, decoded dbtype.JSON
	if err := scanned.Scan(buffer); err != nil {
		t.Fatal(err)
	}
	if err := decoded.UnmarshalJSON(buffer); err != nil {
		t.Fatal(err)
	}
	clear(buffer)
	if string(scanned) != `{"a":1}` || string(decoded) != `{"a":1}` {
		t.Errorf("the buffer's later content shows: %q, %q", scanned, decoded)
	}
	if err := json.Unmarshal([]byte(`{"x":[1, 2]}`), &struct{ X *dbtype.JSON }{&decoded}); err != nil || string(decoded) != "[1, 2]" {
		t.Errorf("decoded %q, %v", decoded, err)
	}
}
