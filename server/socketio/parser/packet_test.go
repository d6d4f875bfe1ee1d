package parser_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/socketio/parser"
)

var limits = parser.Limits{Attachments: 10, Namespace: 256, Depth: 64, Members: 1000, Args: 100}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want parser.Packet
	}{
		{`0`, parser.Packet{Type: parser.Connect, Namespace: "/"}},
		{`0{"token":"x"}`, parser.Packet{Type: parser.Connect, Namespace: "/", Data: json.RawMessage(`{"token":"x"}`)}},
		{`0/admin`, parser.Packet{Type: parser.Connect, Namespace: "/admin"}},
		{`0/admin,`, parser.Packet{Type: parser.Connect, Namespace: "/admin"}},
		{`0/admin?token=x,{}`, parser.Packet{Type: parser.Connect, Namespace: "/admin", Data: json.RawMessage(`{}`)}},
		{`1`, parser.Packet{Type: parser.Disconnect, Namespace: "/"}},
		{`1/admin,`, parser.Packet{Type: parser.Disconnect, Namespace: "/admin"}},
		{`2["a"]`, parser.Packet{Type: parser.Event, Namespace: "/", Data: json.RawMessage(`["a"]`)}},
		{`2/admin,7["a",{}]`, parser.Packet{Type: parser.Event, Namespace: "/admin", ID: 7, HasID: true, Data: json.RawMessage(`["a",{}]`)}},
		{`30[]`, parser.Packet{Type: parser.Ack, Namespace: "/", HasID: true, Data: json.RawMessage(`[]`)}},
		{`39007199254740991[]`, parser.Packet{Type: parser.Ack, Namespace: "/", ID: 1<<53 - 1, HasID: true, Data: json.RawMessage(`[]`)}},
		{`4{"message":"no"}`, parser.Packet{Type: parser.ConnectError, Namespace: "/", Data: json.RawMessage(`{"message":"no"}`)}},
		{`52-["a"]`, parser.Packet{Type: parser.BinaryEvent, Namespace: "/", Attachments: 2, Data: json.RawMessage(`["a"]`)}},
		{`61-/admin,3[]`, parser.Packet{Type: parser.BinaryAck, Namespace: "/admin", Attachments: 1, ID: 3, HasID: true, Data: json.RawMessage(`[]`)}},
	} {
		got, err := parser.Decode([]byte(test.text), limits)
		if err != nil {
			t.Errorf("Decode(%q): %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Decode(%q), -want +got:\n%s", test.text, diff)
		}
	}
}

func TestDecodeRefusesMalformedPackets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "7", "a", "abc",
		"0[]", `0"x"`, "05", // connection with something other than an object
		"1{}", "1[]", "15", // disconnection with a payload
		"2", "2{}", "2abc[]", `2"a"`, "2null", "2-1[]", // event without an array
		"3[]", "3", // acknowledgement without an id
		"5[]", "50-[]", "5-[]", "511-[]", "5x-[]", "51", "59999999999999999999999999-[]", // number of attachments
		"29007199254740992[]", "212345678901234567[]", // id beyond what JavaScript can count
		"2/ad min,[]", "2/ä,[]", "2/\x00,[]", "2/" + strings.Repeat("a", 256) + ",[]", // namespace
	} {
		if p, err := parser.Decode([]byte(text), limits); !errors.Is(err, parser.ErrMalformed) {
			t.Errorf("Decode(%.40q) = %+v, %v; want ErrMalformed", text, p, err)
		}
	}
}

func TestArgs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		data string
		want []string
	}{
		{`[]`, nil},
		{`[ ]`, nil},
		{`["a"]`, []string{`"a"`}},
		{`["a",1,-1.50e+3,true,null]`, []string{`"a"`, `1`, `-1.50e+3`, `true`, `null`}},
		{`["]",{"a":[1,{"b":"}"}]},[[]],"\"\\"]`, []string{`"]"`, `{"a":[1,{"b":"}"}]}`, `[[]]`, `"\"\\"`}},
		{"[ 1 ,\t[ ] ,\n{ } ] ", []string{`1`, `[ ]`, `{ }`}},
	} {
		p := parser.Packet{Type: parser.Event, Data: json.RawMessage(test.data)}
		args, err := p.Args(limits)
		if err != nil {
			t.Errorf("Args of %q: %v", test.data, err)
		}
		var got []string
		for _, arg := range args {
			got = append(got, string(arg))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Args of %q, -want +got:\n%s", test.data, diff)
		}
	}
}

func TestArgsRefusesWhatIsNoArrayOrTooMuch(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		``, ` []`, `{}`, `"a"`, `[`, `[1`, `[1,]`, `[1]]`, `["a`, `["a\"]`, `[1 2]`, `[01]`, `[tru]`, `[1]x`, "[\"\n\"]",
		strings.Repeat("[", 65) + strings.Repeat("]", 65),
		`["a",` + strings.Repeat(`{"a":`, 64) + `1` + strings.Repeat("}", 64) + `]`,
		`["a",[1` + strings.Repeat(",1", 1000) + `]]`,
		`["a",{"a":1` + strings.Repeat(`,"b":[]`, 1000) + `}]`,
		`[1` + strings.Repeat(",1", 100) + `]`,
	} {
		p := parser.Packet{Type: parser.Event, Data: json.RawMessage(data)}
		if _, err := p.Args(limits); !errors.Is(err, parser.ErrMalformed) {
			t.Errorf("Args of %.40q = %v, want ErrMalformed", data, err)
		}
	}
	deep := parser.Packet{Data: json.RawMessage(strings.Repeat("[", 64) + strings.Repeat("]", 64))}
	if _, err := deep.Args(limits); err != nil {
		t.Errorf("64 levels: %v", err)
	}
}

func TestPlaceholdersMustNameAnAttachment(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		data string
		ok   bool
	}{
		{`["a",{"_placeholder":true,"num":0}]`, true},
		{`["a",{"num":1,"_placeholder":true}]`, true},
		{`["a",[{"b":{ "_placeholder" : true , "num" : 1 }}]]`, true},
		{`["a"]`, true}, // unused attachments are allowed
		{`["a",{"_placeholder":false,"num":9}]`, true},
		{`["a",{"_placeholder":"true","num":9}]`, true},
		{`["a","{\"_placeholder\":true}"]`, true},
		{`["a",{"_placeholder":true,"num":2}]`, false},
		{`["a",{"_placeholder":true,"num":-1}]`, false},
		{`["a",{"_placeholder":true,"num":0.5}]`, false},
		{`["a",{"_placeholder":true,"num":"0"}]`, false},
		{`["a",{"_placeholder":true,"num":1e9}]`, false},
		{`["a",{"_placeholder":true,"num":99999999999999999999}]`, false},
		{`["a",{"_placeholder":true}]`, false},
		{`["a",{"_placeholder":true,"num":{"_placeholder":true,"num":0}}]`, false},
		{`["a",[[{"b":{"_placeholder":true,"num":7}}]]]`, false},
	} {
		p := parser.Packet{Type: parser.BinaryEvent, Attachments: 2, Data: json.RawMessage(test.data)}
		if _, err := p.Args(limits); (err == nil) != test.ok {
			t.Errorf("Args of %s = %v, want success: %v", test.data, err, test.ok)
		}
	}
}

func TestEventName(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"a"`: "a", `"\u0041\n"`: "A\n", `""`: "",
		`1`: "1", `-2`: "-2", `1.0`: "1", `1.50`: "1.5", `1e3`: "1000", `-0`: "0", `0.000001`: "0.000001",
		`1e21`: "1e+21", `1.5e-7`: "1.5e-7", `123456789012345680000`: "123456789012345680000",
	} {
		if got, err := parser.EventName(json.RawMessage(raw)); got != want || err != nil {
			t.Errorf("EventName(%s) = %q, %v; want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{``, `null`, `true`, `[]`, `{}`, `1e999`, `NaN`, `Infinity`} {
		if got, err := parser.EventName(json.RawMessage(raw)); !errors.Is(err, parser.ErrMalformed) {
			t.Errorf("EventName(%s) = %q, %v; want ErrMalformed", raw, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`0{"a":1}`, `2["a",1,"b",{"c":[true]}]`, `2/admin,456["a"]`, `3456[]`, `1/admin`,
		`52-["a",{"_placeholder":true,"num":0},[{"x":{"_placeholder":true,"num":1}}]]`, `61-0[{"_placeholder":true,"num":0}]`,
		`42["unclosed`, `2[[[[[[[[`, `2["\u0000\"]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parser.Decode(text, limits)
		if err != nil {
			return
		}
		same, err := parser.Decode(p.Append(nil), limits)
		if err != nil {
			t.Fatalf("encoded again as %q: %v", p.Append(nil), err)
		}
		if diff := cmp.Diff(p, same); diff != "" {
			t.Fatalf("encoded again, -want +got:\n%s", diff)
		}
		if p.Type == parser.Connect {
			_ = parser.CheckObject(p.Data, limits)
			return
		}
		args, err := p.Args(limits)
		if err != nil {
			return
		}
		attachments := make([][]byte, p.Attachments)
		values := make([]any, len(args))
		for i, arg := range args {
			if !json.Valid(arg) {
				t.Fatalf("argument %d of %q is %q", i, p.Data, arg)
			}
			if inlined := parser.Inline(arg, attachments); !json.Valid(inlined) {
				t.Fatalf("argument %q was inlined as %q", arg, inlined)
			}
			values[i] = parser.NewRaw(arg, attachments)
		}
		again, _, err := parser.AppendArgs(nil, values)
		if err != nil {
			t.Fatalf("encoding the arguments of %q again: %v", p.Data, err)
		}
		if !json.Valid(again) {
			t.Fatalf("arguments of %q were encoded again as %q", p.Data, again)
		}
	})
}
