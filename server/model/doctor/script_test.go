package doctor

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestScript(t *testing.T) {
	t.Parallel()
	s, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.check(); err != nil {
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

// minVariants is how many variants a reply needs so that one is left when the last three replies must not be repeated.
const minVariants = 4

// check reports every fault of a script that would show only in a conversation: a placeholder that no capture fills, a keyword
// that leads nowhere, a rule with too few variants.
func (s *script) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	for _, i := range s.Intents {
		if len(i.Patterns) == 0 {
			fault("intent %s has no pattern", i.ID)
		}
		for n, p := range i.patterns {
			if len(p.anchors(map[string]int{})) == 0 {
				fault("intent %s: pattern %q matches anything", i.ID, i.Patterns[n])
			}
		}
		if coded := i.Stage == "attachment" || i.Stage == "help" || i.Stage == "setup"; !coded && len(i.Replies) < minVariants {
			fault("intent %s has %d replies", i.ID, len(i.Replies))
		}
		if i.Stage == "recall" && len(i.Unknown) < minVariants {
			fault("intent %s has %d replies for what is unknown", i.ID, len(i.Unknown))
		}
		if i.Stage == "command" && i.Action == "" {
			fault("intent %s has no action", i.ID)
		}
		if i.Stage == "fact" && (i.Slot == "" || i.Value == "" || i.Claim == "") {
			fault("intent %s lacks slot, value or claim", i.ID)
		}
		for n, p := range i.patterns {
			for _, text := range append(append([]string{i.Slot, i.Value, i.Claim}, i.Replies...), i.Unknown...) {
				s.checkCaptures(fault, "intent "+i.ID+" "+i.Patterns[n], p, text)
			}
		}
	}
	for _, k := range s.Keywords {
		if len(k.Rules) == 0 {
			fault("keyword %s has no rule", k.Word)
		}
		for _, r := range k.Rules {
			if r.Goto == "" && len(r.Replies) < 3 || r.Goto != "" && (s.keyword[r.Goto] == nil || len(r.Replies) > 0) {
				fault("keyword %s: rule %q leads nowhere", k.Word, r.Pattern)
			}
			for _, text := range r.Replies {
				s.checkCaptures(fault, "keyword "+k.Word+" "+r.Pattern, r.pattern, text)
			}
		}
	}
	for _, l := range s.Languages {
		if len(l.Neutral) < minVariants || len(l.Honest) == 0 || len(l.Safe) < minVariants || len(l.Crisis) == 0 || (l.table == nil) == (len(l.Words) == 0) {
			fault("language %s is incomplete", l.Code)
		}
	}
	for rule, variants := range s.Lines {
		if !strings.HasPrefix(rule, "action.") && len(variants) < minVariants {
			fault("line %s has %d variants", rule, len(variants))
		}
	}
	return errors.Join(faults...)
}

// checkCaptures reports numbered placeholders of text for which p doesn't always have a capture.
func (s *script) checkCaptures(fault func(string, ...any), where string, p pattern, text string) {
	var kinds []kind
	for _, e := range p.elements {
		if e.kind != literal {
			kinds = append(kinds, e.kind)
		}
	}
	for n := 1; n <= 9; n++ {
		if strings.Contains(text, fmt.Sprintf("{%d}", n)) && (n > len(kinds) || kinds[n-1] == any0) {
			fault("%s: %q refers to a capture that may be empty", where, text)
		}
	}
}
