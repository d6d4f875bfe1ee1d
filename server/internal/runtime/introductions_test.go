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
	holds := func(when string, after time.Duration, introduced, known bool) {
		t.Helper()
		if gotIntroduced, gotKnown := i.recall(ada, now.Add(after)); gotIntroduced != introduced || gotKnown != known {
			t.Errorf("%s: introduced %v, known %v", when, gotIntroduced, gotKnown)
		}
	}
	holds("somebody new", 0, false, false)
	i.note(ada, false, now)
	holds("not introduced, within its time", missingMemo-1, false, true)
	holds("not introduced, later", missingMemo, false, false)
	i.note(ada, true, now)
	i.note(ada, false, now)
	holds("introduced, and asked for before that", introductionMemo-1, true, true)
	holds("introduced, later", introductionMemo, false, false)
	for range 2 * maxIntroductions {
		i.note(uuid.New(), true, now)
	}
	if len(i.known) > maxIntroductions {
		t.Errorf("%d are remembered", len(i.known))
	}
}
