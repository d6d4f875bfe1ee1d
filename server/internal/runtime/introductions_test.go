package runtime

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestIntroductions(t *testing.T) {
	t.Parallel()
	var i introductions
	ada, now := uuid.New(), time.UnixMilli(0)
	holds := func(when string, after time.Duration, told, known bool) {
		t.Helper()
		if gotTold, gotKnown := i.recall(ada, now.Add(after)); gotTold != told || gotKnown != known {
			t.Errorf("%s: told %v, known %v", when, gotTold, gotKnown)
		}
	}
	holds("somebody new", 0, false, false)
	i.note(ada, false, now)
	holds("not told, within its time", strangerMemo-1, false, true)
	holds("not told, later", strangerMemo, false, false)
	i.note(ada, true, now)
	i.note(ada, false, now)
	holds("told, and asked for before that", introductionMemo-1, true, true)
	holds("told, later", introductionMemo, false, false)
	for range 2 * maxIntroductions {
		i.note(uuid.New(), true, now)
	}
	if len(i.known) > maxIntroductions {
		t.Errorf("%d are remembered", len(i.known))
	}
}
