// Package similar finds texts that are alike without a model: texts become vectors of hashed features, and lists that were
// ranked in different ways are merged into one.
//
// It is for what agents remember and for their documents. It knows neither, nor where they are kept: callers read the
// candidates that their scope allows, and rank them here.
package similar

import "math"

const (
	// Space names the vectors of [Embed]. Vectors of different spaces can't be compared; a change of what Embed returns
	// needs another name.
	Space = "builtin/hash-ngrams-v1"
	// Dimensions is the length of the vectors of [Embed].
	Dimensions = 384
	// Threshold is the least [Cosine] in [Space] at which texts are about the same thing.
	Threshold = 0.30
)

// faint is what a word that says nothing by itself counts.
const faint = 0.2

// The kinds of features, which begin what is hashed of each.
const (
	wordFeature = 'w'
	pairFeature = 'p'
	gramFeature = 'g'
)

// Embed returns the vector of a text: its words, pairs of words, and the 3 to 5 letters that follow one another in each word
// (of Chinese, Japanese and Thai, which don't separate words, 1 to 3), hashed into one of the dimensions each, with a sign. It has
// length 1, or 0 if the text has no words. It is the same on every machine, and takes time linear in the length of the text.
func Embed(text string) []float32 {
	f := features{}
	var before token
	for t := range tokens(text) {
		f.add(t, before)
		before = t
	}
	return f.vector()
}

// feature is one feature of a text.
type feature struct {
	count int
	faint bool
}

// features are those of a text, by their hashes.
type features map[uint64]feature

// add counts the features of a word, which follows another one.
func (f features) add(t, before token) {
	if t.dense {
		for from := range t.runes {
			for to := from + 1; to <= min(from+3, len(t.runes)); to++ {
				f.count(hash(gramFeature, t.runes[from:to]), false)
			}
		}
		return
	}
	isFaint := isStopWord(t.text)
	f.count(hash(wordFeature, t.runes), isFaint)
	if len(before.runes) > 0 && !before.dense {
		f.count(hash(pairFeature, before.runes, t.runes), isFaint || isStopWord(before.text))
	}
	if isFaint {
		return // its letters say nothing
	}
	marked := make([]rune, 0, len(t.runes)+2)
	marked = append(append(append(marked, '<'), t.runes...), '>')
	for from := range marked {
		for to := from + 3; to <= min(from+5, len(marked)); to++ {
			f.count(hash(gramFeature, marked[from:to]), false)
		}
	}
}

func (f features) count(hash uint64, isFaint bool) {
	f[hash] = feature{f[hash].count + 1, isFaint}
}

// vector returns the vector that the features make. The weights are rounded, so that their sums are exact in whatever order they
// are added, and products are rounded before they are added, which keeps the compiler from fusing the two on some machines.
func (f features) vector() []float32 {
	var sums [Dimensions]float64
	for hash, feature := range f {
		weight := 1 + math.Log(float64(feature.count))
		if feature.faint {
			weight *= faint
		}
		rounded := float64(float32(weight))
		if hash>>63 != 0 {
			rounded = -rounded
		}
		sums[hash%Dimensions] += rounded
	}
	square := 0.0
	for _, s := range sums {
		square += float64(s * s)
	}
	out := make([]float32, Dimensions)
	if square == 0 {
		return out
	}
	length := math.Sqrt(square)
	for i, s := range sums {
		out[i] = float32(s / length)
	}
	return out
}

// hash is FNV-1a over the kind of a feature and its parts, with its bits mixed at the end, since the upper ones of FNV are poor.
func hash(kind rune, parts ...[]rune) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	add := func(r rune) {
		for shift := 0; shift < 32; shift += 8 {
			h = (h ^ uint64(r)>>shift&0xff) * prime
		}
	}
	add(kind)
	for _, part := range parts {
		for _, r := range part {
			add(r)
		}
		add(-1) // which is no letter: ends the part
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
