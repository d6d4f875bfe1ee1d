package model

import "unicode"

// EstimateTokens guesses how many tokens text has: four bytes each for alphabets, one and a half characters each for
// Chinese, Japanese and Korean, plus a tenth. Real tokenizers differ by vendor; use it where none reported a count.
func EstimateTokens(text string) int {
	if text == "" {
		return 0
	}
	dense, bytes := 0, 0
	for _, r := range text {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
			dense++
			continue
		}
		bytes += len(string(r))
	}
	return max(1, int(1.1*(float64(bytes)/4+float64(dense)/1.5)+0.5))
}
