package frame

import (
	"regexp"
	"slices"
	"strings"
)

// words are the words of an answer, with the brackets that some templates ask for.
var words = regexp.MustCompile(`\[?\b[A-Za-z_]+\b\]?`)

// Choose finds the one of some words, in upper case, that an answer without a frame gives: in brackets, in upper case, or
// alone. It returns nothing when there is none, or more than one.
func Choose(answer string, options ...string) string {
	answer, _ = dropThoughts(answer, nil)
	var bracketed, capital, all []string
	for _, word := range words.FindAllString(answer, -1) {
		all = append(all, word)
		bare := strings.Trim(word, "[]")
		switch upper := strings.ToUpper(bare); {
		case !slices.Contains(options, upper):
		case strings.HasPrefix(word, "[") && strings.HasSuffix(word, "]"):
			bracketed = append(bracketed, upper)
		case bare == upper:
			capital = append(capital, upper)
		case len(all) == 1 && len(words.FindAllString(answer, 2)) == 1:
			return upper
		}
	}
	for _, found := range [][]string{bracketed, capital} {
		if len(slices.Compact(slices.Sorted(slices.Values(found)))) == 1 || len(found) > 0 && startsWith(all, found[0]) {
			return found[0]
		}
	}
	return ""
}

// startsWith reports whether the first word is the given one.
func startsWith(all []string, word string) bool {
	return len(all) > 0 && strings.ToUpper(strings.Trim(all[0], "[]")) == word
}
