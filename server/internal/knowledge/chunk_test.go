package knowledge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/elizad/elizad/server/model"
)

func TestCutAtHeadings(t *testing.T) {
	t.Parallel()
	got := cut("Before.\n\n# Manual\n\nIt is heavy.\n\n## Pump\n\nOil it.\n\n```\n# no heading\n```\n\n#### Deep\nx\n# Other #\n\ny\n#hash\n")
	want := []passage{
		{"", "Before."}, {"Manual", "It is heavy."}, {"Manual › Pump", "Oil it.\n\n```\n# no heading\n```"}, {"Manual › Pump › Deep", "x"}, {"Other", "y\n#hash"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(passage{})); diff != "" {
		t.Error(diff)
	}
	if got := cut("# Only a heading\n\n  \n"); len(got) != 0 {
		t.Errorf("nothing is there: %q", got)
	}
}

func TestCutAtParagraphsAndSentences(t *testing.T) {
	t.Parallel()
	paragraph := func(n int) string { return strings.TrimSpace(strings.Repeat("Four words are here. ", n)) } // 6 tokens each
	first, second := paragraph(60), paragraph(50)
	got := cut(first + "\n\n" + second)
	if len(got) != 2 || got[0].text != first || !strings.HasSuffix(got[1].text, second) {
		t.Errorf("two paragraphs that don't fit together: %q", got)
	}
	got = cut(paragraph(200))
	if len(got) < 2 {
		t.Fatalf("a long paragraph is %d passages", len(got))
	}
	for i, p := range got {
		if !strings.HasSuffix(p.text, ".") {
			t.Errorf("passage %d ends within a sentence: …%s", i, p.text[max(0, len(p.text)-30):])
		}
	}
	var numbered strings.Builder
	for i := range 400 {
		fmt.Fprintf(&numbered, "Sentence %d. ", i)
	}
	got = cut(numbered.String())
	for i := 1; i < len(got); i++ {
		begin, _, _ := strings.Cut(got[i].text, ". ")
		if !strings.Contains(got[i-1].text, begin) {
			t.Errorf("passage %d doesn't begin with the end of the one before: %s", i, begin)
		}
	}
}

// Whatever the text is: no word is lost, and no passage is too long.
func TestCutProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"word", "Sentence.", "東京の天気は晴れ。", "\n", "\n\n", "  ", strings.Repeat("long", 200), strings.Repeat("漢字", 500), "## Heading\n", "é"}), 0, 300).Draw(t, "words")
		text := strings.Join(words, " ")
		var all strings.Builder
		for _, p := range cut(text) {
			if n := model.EstimateTokens(p.text); n > maxTokens+maxTokens/4 {
				t.Fatalf("a passage of %d tokens", n)
			}
			all.WriteString(p.text + " " + p.heading + " ")
		}
		for _, word := range []string{"word", "Sentence.", "é"} {
			for line := range strings.Lines(text) {
				if _, heading := headingOf(strings.TrimSpace(line)); heading != "" {
					continue
				}
				if in := strings.Count(line, word); in > 0 && strings.Count(all.String(), word) == 0 {
					t.Fatalf("%q is lost", word)
				}
			}
		}
		if strings.Count(all.String(), "word") < strings.Count(text, "word") && !strings.Contains(text, "## ") {
			t.Fatalf("words are lost: %d of %d", strings.Count(all.String(), "word"), strings.Count(text, "word"))
		}
	})
}

func FuzzCut(f *testing.F) {
	f.Add("# A\n\ntext. more text\n```\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range cut(text) {
			if strings.TrimSpace(p.text) == "" {
				t.Error("an empty passage")
			}
		}
	})
}

func BenchmarkCut(b *testing.B) {
	text := strings.Repeat("## Heading\n\n"+strings.Repeat("This is a sentence of some words. ", 50)+"\n\n", 500)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		cut(text)
	}
}
