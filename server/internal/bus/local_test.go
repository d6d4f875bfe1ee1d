package bus_test

import (
	"encoding/json"
	"testing"

	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/bus/bustest"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	bustest.Run(t, func(t *testing.T) bus.Bus {
		b := bus.NewLocal()
		t.Cleanup(func() { _ = b.Close() })
		return b
	})
}

func BenchmarkLocalPublish(b *testing.B) {
	local := bus.NewLocal()
	defer func() { _ = local.Close() }()
	sub, err := local.Subscribe("channel.*", 1024)
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		for range sub.C() { //nolint:revive // drains
		}
	}()
	data := make([]byte, 400)
	b.ReportAllocs()
	for b.Loop() {
		if err := local.Publish(b.Context(), "channel.a", data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	type greeting struct{ Text string }
	for name, c := range map[string]struct {
		value any
		want  string // empty: an error
	}{
		"of this process":      {greeting{"hello"}, "hello"},
		"carried by a network": {json.RawMessage(`{"Text":"hello"}`), "hello"},
		"not JSON":             {json.RawMessage(`{"Text"`), ""},
		"of another type":      {42, ""},
		"nothing":              {nil, ""},
	} {
		got, err := bus.Value[greeting](bus.Message{Subject: "x", Value: c.value})
		if got.Text != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
