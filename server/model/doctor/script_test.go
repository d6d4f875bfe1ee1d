package doctor

import "testing"

func TestScript(t *testing.T) {
	t.Parallel()
	s, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	variants := 0
	for _, k := range s.Keywords {
		for _, r := range k.Rules {
			variants += len(r.Replies)
		}
	}
	if len(s.Keywords) < 45 || variants < 3*len(s.Keywords) {
		t.Errorf("%d keywords with %d variants", len(s.Keywords), variants)
	}
	t.Logf("%d keywords, %d variants, %d intents, %d languages", len(s.Keywords), variants, len(s.Intents), len(s.Languages))
}
