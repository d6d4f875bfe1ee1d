package packet_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/elizad/elizad/server/socketio/engineio/packet"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want packet.Packet
	}{
		{"0{}", packet.Packet{Type: packet.Open, Data: []byte("{}")}},
		{"1", packet.Packet{Type: packet.Close, Data: []byte{}}},
		{"2probe", packet.Packet{Type: packet.Ping, Data: []byte("probe")}},
		{"4héllo", packet.Packet{Type: packet.Message, Data: []byte("héllo")}},
		{"6", packet.Packet{Type: packet.Noop, Data: []byte{}}},
		{"bAQIDBA==", packet.Packet{Type: packet.Message, Binary: true, Data: []byte{1, 2, 3, 4}}},
		{"b", packet.Packet{Type: packet.Message, Binary: true}},
	} {
		got, err := packet.Decode([]byte(test.text))
		if err != nil {
			t.Errorf("Decode(%q): %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Decode(%q), -want +got:\n%s", test.text, diff)
		}
	}
}

func TestDecodeRefusesMalformedPackets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "7", "a", " 4", "b!", "bAQ", "bAQI"} {
		if _, err := packet.Decode([]byte(text)); !errors.Is(err, packet.ErrMalformed) {
			t.Errorf("Decode(%q) = %v, want ErrMalformed", text, err)
		}
	}
}

func TestDecodePayload(t *testing.T) {
	t.Parallel()
	got, err := packet.DecodePayload([]byte("4a\x1ebAQ==\x1e1"), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []packet.Packet{
		{Type: packet.Message, Data: []byte("a")},
		{Type: packet.Message, Binary: true, Data: []byte{1}},
		{Type: packet.Close, Data: []byte{}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, payload := range []string{"", "\x1e", "4a\x1e", "4a\x1e9", "4a\x1e4b\x1e4c\x1e4d"} {
		if _, err := packet.DecodePayload([]byte(payload), 3); !errors.Is(err, packet.ErrMalformed) {
			t.Errorf("DecodePayload(%q) = %v, want ErrMalformed", payload, err)
		}
	}
}

func FuzzDecodePayload(f *testing.F) {
	for _, seed := range []string{"4hello", "2probe\x1e4\x1ebAQIDBA==", "\x1e\x1e", "b====", "0{}\x1e9"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		packets, err := packet.DecodePayload(payload, 100)
		if err != nil {
			return
		}
		var again []byte
		for i, p := range packets {
			if i > 0 {
				again = append(again, packet.Separator)
			}
			if p.Binary {
				again = packet.AppendBinary(again, p.Data)
			} else {
				again = append(append(again, byte(p.Type)), p.Data...)
			}
		}
		same, err := packet.DecodePayload(again, 100)
		if err != nil {
			t.Fatalf("encoded again as %q: %v", again, err)
		}
		if diff := cmp.Diff(packets, same, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("encoded again, -want +got:\n%s", diff)
		}
	})
}
