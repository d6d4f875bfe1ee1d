package bus_test

import (
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
