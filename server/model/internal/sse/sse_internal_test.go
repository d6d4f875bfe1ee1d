package sse

import (
	"strings"
	"testing"
)

// TestEachByteOfAnEventIsReadOnce writes one event over more and more lines: the work grows with its length and not with the
// square of it.
func TestEachByteOfAnEventIsReadOnce(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{10, 1000, 100_000} {
		var p pendingEvent
		size := 0
		for _, line := range append([]string{`{"choices":[`}, strings.Split(strings.Repeat("1234, ", lines), " ")...) {
			if p.complete() || !p.add([]byte(line)) {
				t.Fatal("the event ends before its last line")
			}
			size += len(line)
		}
		if p.value.steps > size {
			t.Errorf("%d bytes in %d lines are read in %d steps", size, lines, p.value.steps)
		}
	}
}

func TestEventsGrowByDoubling(t *testing.T) {
	stream := func(lines int) string {
		return "data: {\"a\":[\n" + strings.Repeat("data: 1,\n", lines) + "data: 1]}\n\n"
	}
	allocations := func(lines int) float64 {
		text := stream(lines)
		return testing.AllocsPerRun(3, func() {
			for _, err := range Events(strings.NewReader(text)) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if few, many := allocations(100), allocations(10_000); many > few+40 {
		t.Errorf("100 lines take %v allocations, 10,000 take %v", few, many)
	}
}
