package parser_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/socketio/parser"
)

func TestAppendEvent(t *testing.T) {
	t.Parallel()
	type named struct {
		A string `json:"a"`
		B []byte `json:"b,omitempty"`
	}
	for _, test := range []struct {
		name        string
		args        []any
		want        string
		attachments []string
	}{
		{"none", nil, `["e"]`, nil},
		{"plain values", []any{nil, true, 1, -1.5, "s", []string{"x"}}, `["e",null,true,1,-1.5,"s",["x"]]`, nil},
		{"no HTML escapes", []any{"<a&b>", named{A: "<a&b>"}}, `["e","<a&b>",{"a":"<a&b>"}]`, nil},
		{"mandatory escapes", []any{"\"\\\n\x00ä"}, `["e","\"\\\n\u0000ä"]`, nil},
		{"raw JSON, byte for byte", []any{json.RawMessage(`{ "n": 1.50 }`), json.RawMessage(nil)}, `["e",{ "n": 1.50 },null]`, nil},
		{"bytes", []any{[]byte("x"), 1, []byte("y")},
			`["e",{"_placeholder":true,"num":0},1,{"_placeholder":true,"num":1}]`, []string{"x", "y"}},
		{"nested bytes", []any{map[string]any{"z": []any{[]byte("x")}, "a": []byte("y")}},
			`["e",{"a":{"_placeholder":true,"num":0},"z":[{"_placeholder":true,"num":1}]}]`, []string{"y", "x"}},
		{"bytes in a struct are base64", []any{named{B: []byte("x")}}, `["e",{"a":"","b":"eA=="}]`, nil},
		{"received binary, again", []any{
			[]byte("new"),
			parser.NewRaw(json.RawMessage(`{"m":{"_placeholder":true,"num":1}}`), [][]byte{[]byte("x"), []byte("y")}),
		}, `["e",{"_placeholder":true,"num":0},{"m":{"_placeholder":true,"num":1}}]`, []string{"new", "y"}},
		{"nil containers", []any{map[string]any(nil), []any(nil), []any{}}, `["e",null,null,[]]`, nil},
	} {
		data, attachments, err := parser.AppendEvent(nil, "e", test.args)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if string(data) != test.want {
			t.Errorf("%s: got %s, want %s", test.name, data, test.want)
		}
		var got []string
		for _, a := range attachments {
			got = append(got, string(a))
		}
		if diff := cmp.Diff(test.attachments, got); diff != "" {
			t.Errorf("%s, attachments, -want +got:\n%s", test.name, diff)
		}
	}
}

func TestAppendRefusesWhatHasNoJSON(t *testing.T) {
	t.Parallel()
	for _, arg := range []any{math.NaN(), func() {}, json.RawMessage(`{`), json.RawMessage(``), []any{make(chan int)}} {
		if data, _, err := parser.AppendArgs(nil, []any{arg}); err == nil {
			t.Errorf("AppendArgs(%T) = %s, want an error", arg, data)
		}
	}
}

func TestBinaryArguments(t *testing.T) {
	t.Parallel()
	attachments := [][]byte{{1, 2}, {3}}
	alone := json.RawMessage(`{"_placeholder":true,"num":1}`)
	nested := json.RawMessage(`{"a":[{"_placeholder":true,"num":0}],"b":"_placeholder"}`)

	if data, ok := parser.Attachment(alone, attachments); !ok || string(data) != "\x03" {
		t.Errorf("Attachment = %v, %v", data, ok)
	}
	for _, arg := range []json.RawMessage{nested, json.RawMessage(`1`), json.RawMessage(`[{"_placeholder":true,"num":0}]`)} {
		if data, ok := parser.Attachment(arg, attachments); ok {
			t.Errorf("Attachment(%s) = %v", arg, data)
		}
	}
	if _, ok := parser.Attachment(alone, nil); ok {
		t.Error("a placeholder without attachments is an ordinary object")
	}
	var decoded struct{ A [][]byte }
	if err := json.Unmarshal(parser.Inline(nested, attachments), &decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{{1, 2}}, decoded.A); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
