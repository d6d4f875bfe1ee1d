package model

import (
	"unicode"
	"unicode/utf8"
)

// firstDense is below all characters of Chinese, Japanese and Korean, which are looked up in tables.
const firstDense = 0x1100

// EstimateTokens guesses how many tokens text has: four bytes each for alphabets, one and a half characters each for
// Chinese, Japanese and Korean, plus a tenth. Real tokenizers differ by vendor; use it where none reported a count.
func EstimateTokens(text string) int {
	if text == "" {
		return 0
	}
	dense, bytes := 0, len(text)
	for _, r := range text {
		if r >= firstDense && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			dense++
			bytes -= utf8.RuneLen(r)
		}
	}
	return max(1, int(1.1*(float64(bytes)/4+float64(dense)/1.5)+0.5))
}
