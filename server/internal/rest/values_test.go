package rest

import (
	"encoding/json"
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

func TestRespell(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want string }{
		{"nothing to do keeps the bytes", `{ "content" : "x" }`, `{ "content" : "x" }`},
		{"an old name", `{"server_id":"a"}`, `{"message_server_id":"a"}`},
		{"the first of several", `{"serverId":"b","server_id":"a"}`, `{"message_server_id":"a"}`},
		{"the new name wins", `{"message_server_id":"n","messageServerId":"o"}`, `{"message_server_id":"n"}`},
		{"null is nothing", `{"message_server_id":null,"serverId":"a","x":{"y":null}}`, `{"message_server_id":"a","x":{"y":null}}`},
		{"no object", `[1]`, `[1]`},
		{"no JSON", `{"a"`, `{"a"`},
		{"null", `null`, `null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := respell([]byte(tt.body), oldNames); string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// What clients put into free JSON never breaks an answer.
func TestFieldsOfAnything(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{``, `null`, `"text"`, `[1]`, `{`, `{"actions":null}`, `{"actions":"REPLY"}`} {
		actions := []string{"kept"}
		o := fieldsOf(json.RawMessage(raw))
		o.read("actions", &actions)
		if len(actions) != 1 || actions[0] != "kept" || o.text("thought") != "" {
			t.Errorf("%q: %v", raw, actions)
		}
	}
}

func BenchmarkRespell(b *testing.B) {
	body := []byte(`{"author_id":"17dcb1c8-cf1f-438a-b8c7-dc93995e78be","content":"Hello there, how are you today?",` +
		`"message_server_id":"00000000-0000-0000-0000-000000000000","source_type":"client_chat","metadata":{"user_display_name":"Alice"}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		respell(body, oldMessageNames)
	}
}
