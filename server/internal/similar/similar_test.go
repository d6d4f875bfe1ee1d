package similar_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/elizad/elizad/server/internal/similar"
)

// The vectors are stored and compared with those of other machines and versions: they must never change. A change of what
// Embed returns needs a new name of the space.
func TestVectorsAreFixed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text  string
		first map[int]float32 // some components
		sum   float64         // of all, each times its place
	}{
		{"Hello, world", map[int]float32{5: 0.19245009, 12: 0.19245009, 21: 0.19245009}, -327.934955},
		{"The quick brown fox jumps over the lazy dog, and the dog sleeps on.", map[int]float32{3: -0.17356363, 19: -0.07105415, 24: -0.10250947}, -495.635223},
		{"東京の天気は晴れ", map[int]float32{36: 0.22941573, 80: 0.22941573, 89: 0.22941573}, 11.011955},
		{"Привет, как дела?", map[int]float32{17: 0.17407766, 20: -0.17407766, 29: -0.17407766}, -255.197849},
		{passage, map[int]float32{1: -0.010160632, 2: 0.101606324, 6: 0.101606324}, -259.220146},
	} {
		v := similar.Embed(tt.text)
		sum := 0.0
		for i, x := range v {
			sum += float64(x) * float64(i+1)
		}
		if math.Abs(sum-tt.sum) > 1e-5 {
			t.Errorf("%q: the sum is %v, want %v", tt.text, sum, tt.sum)
		}
		for i, want := range tt.first {
			if v[i] != want {
				t.Errorf("%q: component %d is %v, want %v", tt.text, i, v[i], want)
			}
		}
	}
}

func TestEmbedIsAboutTheSame(t *testing.T) {
	t.Parallel()
	alike := func(a, b string) float64 { return similar.Cosine(similar.Embed(a), similar.Embed(b)) }
	for _, tt := range []struct{ text, like, unlike string }{
		{"How do I get a refund?", "Refunds are paid within 14 days.", "The office is open on Mondays."},
		{"the launch code", "The launch code is ZEBRA-42.", "Our kitchen serves lunch until two."},
		{"Wie lange gilt die Garantie?", "Die Garantiezeit beträgt zwei Jahre.", "Der Versand ist kostenlos."},
		{"東京の天気", "今日の東京は天気がいい", "大阪で魚を食べた"},
		{"ｆｕｌｌ ｗｉｄｔｈ", "FULL width", "narrow"},
	} {
		like, unlike := alike(tt.text, tt.like), alike(tt.text, tt.unlike)
		t.Logf("%q: %.2f, %.2f", tt.text, like, unlike)
		if like < similar.Threshold/2 || like < 2*unlike {
			t.Errorf("%q is %.2f like %q and %.2f like %q", tt.text, like, tt.like, unlike, tt.unlike)
		}
	}
	if got := alike("", "anything"); got != 0 {
		t.Errorf("no text is %v like another", got)
	}
	if got := alike("...", "!?"); got != 0 {
		t.Errorf("punctuation is %v like other punctuation", got)
	}
}

// Whatever the text is: a vector has length 1, or is 0 where there are no words, and doesn't depend on case.
func TestEmbedProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		v := similar.Embed(text)
		square := 0.0
		for _, x := range v {
			square += float64(x) * float64(x)
		}
		if len(v) != similar.Dimensions || square != 0 && math.Abs(square-1) > 1e-5 {
			t.Fatalf("%d dimensions, length %v", len(v), math.Sqrt(square))
		}
		if !slices.Equal(v, similar.Embed(text)) {
			t.Fatal("the same text has another vector")
		}
		if got := similar.Decode(similar.Encode(v)); !slices.Equal(got, v) {
			t.Fatal("what was stored is another vector")
		}
		if square != 0 && math.Abs(similar.Cosine(v, v)-1) > 1e-9 {
			t.Fatalf("a vector is %v like itself", similar.Cosine(v, v))
		}
	})
}

func TestCosineOfWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	for _, tt := range [][2][]float32{{{1, 0}, {1}}, {{0, 0}, {1, 0}}, {nil, nil}} {
		if got := similar.Cosine(tt[0], tt[1]); got != 0 {
			t.Errorf("%v and %v: %v", tt[0], tt[1], got)
		}
	}
	if got := similar.Cosine([]float32{3, 0}, []float32{-2, 0}); got != -1 {
		t.Errorf("opposite vectors: %v", got)
	}
}

func TestStoredForm(t *testing.T) {
	t.Parallel()
	if got := similar.Encode([]float32{1, -2}); !slices.Equal(got, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}) {
		t.Errorf("stored as % x", got)
	}
	if got := similar.Decode([]byte{0, 0, 0x80, 0x3f, 7}); !slices.Equal(got, []float32{1}) {
		t.Errorf("a byte too many: %v", got)
	}
	if similar.Encode(nil) != nil || similar.Decode(nil) != nil {
		t.Error("no vector is stored as one")
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"What is John's ＡＤＤＲＥＳＳ? It's at 12b, Elm-Street.": "john address 12b elm street",
		"Don’t panic":  "panic",
		"東京タワー is 高い!": "東京 京タ タワ ワー 高い",
		"犬":            "犬",
		"café au lait": "café au lait",
		"s 's '":       "s s",
		"":             "",
	} {
		if got := strings.Join(slices.Collect(similar.Terms(text)), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for term := range similar.Terms("some words that follow one another") {
		if term != "words" {
			t.Errorf("the first word is %q", term)
		}
		break // which ends the sequence
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	b := similar.NewBest[string](3)
	for _, c := range []struct {
		id    string
		score float64
	}{{"c", 0.5}, {"a", 0.9}, {"later", 0.5}, {"d", 0.1}, {"b", 0.7}} {
		b.Offer(c.id, c.score)
	}
	if got := b.IDs(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("kept %v", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOf(rapid.IntRange(0, 5)).Draw(t, "scores")
		most := rapid.IntRange(0, 8).Draw(t, "most")
		b := similar.NewBest[int](most)
		order := make([]int, len(scores))
		for i, s := range scores {
			order[i] = i
			b.Offer(i, float64(s))
		}
		slices.SortStableFunc(order, func(a, b int) int { return scores[b] - scores[a] })
		if got, want := b.IDs(), order[:min(most, len(order))]; !slices.Equal(got, want) {
			t.Fatalf("kept %v of %v, want %v", got, scores, want)
		}
	})
}

func TestFuse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ lists, want string }{
		{"ab", "ab"},
		{"abc cd", "cabd"},
		{"ab ba", "ab"}, // equal: the first list decides
		{"ab xy", "axby"},
		{"", ""},
	} {
		var lists [][]rune
		for list := range strings.FieldsSeq(tt.lists) {
			lists = append(lists, []rune(list))
		}
		if got := string(similar.Fuse(lists...)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.lists, got, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfDistinct(rapid.Int(), rapid.ID[int])
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		got := similar.Fuse(a, b)
		for _, id := range append(slices.Clone(a), b...) {
			if !slices.Contains(got, id) {
				t.Fatalf("%d is lost", id)
			}
		}
		for i, first := range a { // what is behind in both lists stays behind
			for _, second := range a[i+1:] {
				inB, at := slices.Index(b, first), slices.Index(b, second)
				if inB >= 0 && (at < 0 || inB < at) && slices.Index(got, first) > slices.Index(got, second) {
					t.Fatalf("%d is ahead of %d in both lists and behind in %v", first, second, got)
				}
			}
		}
	})
}

const passage = `Refunds are paid within 14 days to the card that was charged. Who paid by invoice gets the money back by bank transfer,
which takes up to five working days longer. Shipping costs are refunded when the goods were damaged or the wrong ones were sent.`

func BenchmarkEmbed(b *testing.B) {
	text := strings.Repeat(passage, 6) // a passage of about 512 tokens
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		similar.Embed(text)
	}
}

func BenchmarkCosine(b *testing.B) {
	x, y := similar.Embed(passage), similar.Embed("How do I get a refund?")
	for b.Loop() {
		similar.Cosine(x, y)
	}
}
