// Package names makes the names of people and things harmless to show: a name must not look like another one, turn the text
// around it, or break its line.
package names

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Joiners belong to the spelling of names in some scripts, and to emoji.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// The flags of regions, such as Scotland's, are a black flag, tag characters that spell the region, and a cancel tag. Anywhere
// else tags are a way to hide text.
const (
	blackFlag = '\U0001f3f4'
	firstTag  = '\U000e0020'
	cancelTag = '\U000e007f'
)

// Clean returns a name without control and format characters, among them those that change the direction of text. Joiners and
// emoji sequences stay. Line breaks and tabs become spaces; space around the name is removed. What is left may be empty.
func Clean(name string) string {
	if isPlain(name) {
		return name
	}
	var b strings.Builder
	b.Grow(len(name))
	for len(name) > 0 {
		r, size := utf8.DecodeRuneInString(name)
		switch {
		case r == blackFlag:
			size += len(regionTags(name[size:]))
			b.WriteString(name[:size])
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case r == zeroWidthNonJoiner || r == zeroWidthJoiner:
			b.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf) || r == utf8.RuneError: // the last also stands for what is no UTF-8
		default:
			b.WriteRune(r)
		}
		name = name[size:]
	}
	return strings.TrimFunc(b.String(), func(r rune) bool { return r == ' ' || r == zeroWidthNonJoiner || r == zeroWidthJoiner })
}

// isPlain reports whether a name is ASCII that can stay as it is, as most are.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return name == "" || name[0] != ' ' && name[len(name)-1] != ' '
}

// regionTags returns the tags at the beginning of a text if they are complete, or "".
func regionTags(text string) string {
	for i, r := range text {
		switch {
		case r == cancelTag && i > 0:
			return text[:i+utf8.RuneLen(cancelTag)]
		case r < firstTag || r >= cancelTag:
			return ""
		}
	}
	return ""
}
