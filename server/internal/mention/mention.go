// Package mention finds names in texts, in any script: whether a message mentions a name.
package mention

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// In reports whether one of the names is in a text, in any case, width and composition of letters: as a separate word
// where a script has spaces between words, and on the boundaries that it has instead where there are none.
func In(text string, names ...string) bool {
	folded := fold(text)
	for _, name := range names {
		for _, form := range forms(name) {
			if _, found := find(folded, form); found {
				return true
			}
		}
	}
	return false
}

// Begins reports whether a text begins with the name: whether it is addressed to its bearer.
func Begins(text, name string) bool {
	folded := fold(text)
	for _, form := range forms(name) {
		if before, found := find(folded, form); found && strings.IndexFunc(before, isWord) < 0 {
			return true
		}
	}
	return false
}

// fold returns a text in one width, composition and case of letters, without marks that are not seen, and with single spaces.
func fold(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) { // joiners, direction marks, soft hyphens
			return -1
		}
		return c
	}, text)
	return strings.Join(strings.Fields(norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))), " ")
}

// forms returns the ways in which a name is written: one of several words without the spaces, too, where its script has none.
func forms(name string) []string {
	name = fold(name)
	switch first, _ := utf8.DecodeRuneInString(name); {
	case name == "":
		return nil
	case strings.Contains(name, " ") && unspaced(first):
		return []string{name, strings.ReplaceAll(name, " ", "")}
	default:
		return []string{name}
	}
}

// find returns what comes before the first place where name is in text, both folded, with a boundary on both sides.
func find(text, name string) (before string, found bool) {
	for pos := 0; ; {
		i := strings.Index(text[pos:], name)
		if i < 0 {
			return "", false
		}
		start, end := pos+i, pos+i+len(name)
		if begins(text[:start], name) && ends(name, text[end:]) {
			return text[:start], true
		}
		_, width := utf8.DecodeRuneInString(text[start:])
		pos = start + width
	}
}

// begins reports whether a name may begin after what comes before it.
func begins(before, name string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(name)
	switch {
	case before == "" || !isWord(last):
		return true
	case joinsNext(last): // the vowel of the name's first consonant
		return false
	case isHiragana(last) && isHiragana(first):
		return endsWord(before)
	default:
		return divides(last, first, name)
	}
}

// ends reports whether a name may end before what comes after it.
func ends(name, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(name)
	next, width := utf8.DecodeRuneInString(after)
	switch {
	case after == "":
		return true
	case next == '@': // of an address
		following, _ := utf8.DecodeRuneInString(after[width:])
		return !isWord(following)
	case !isWord(next):
		return true
	case unicode.IsMark(next) || joinsPrevious(next): // the name's last letter goes on
		return false
	case unicode.Is(unicode.Hangul, last) && unicode.Is(unicode.Hangul, next):
		return isParticle(after)
	case isHiragana(last) && isHiragana(next):
		return beginsWord(after)
	default:
		following, _ := utf8.DecodeRuneInString(after[width:])
		return !closesSyllable(following) && divides(last, next, name)
	}
}

// divides reports whether there is a boundary between two letters, one of which is the name's: there is one where their scripts
// differ and one of these has no spaces, and everywhere within such a script, since without a dictionary nothing tells where
// its words end (Unicode's rules for words don't, either: UAX #29, §4); but not within a word of katakana, which are
// written apart, nor beside a name of a single letter, which is a part of too many words.
func divides(a, b rune, name string) bool {
	if unspaced(a) != unspaced(b) {
		return true
	}
	if unicode.Is(unicode.Hangul, a) != unicode.Is(unicode.Hangul, b) {
		return true
	}
	if !unspaced(a) {
		return false
	}
	if isKatakana(a) != isKatakana(b) {
		return true
	}
	return !isKatakana(a) && utf8.RuneCountInString(name) > 1
}

// isWord reports whether a character belongs to a word.
func isWord(c rune) bool {
	return c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) || unicode.IsMark(c)
}

// unspaced reports whether a letter is of a script that has no spaces between words.
func unspaced(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan,
		unicode.Bopomofo, unicode.Javanese, unicode.Balinese, unicode.New_Tai_Lue, unicode.Tai_Le, unicode.Tai_Tham, unicode.Yi) || isKatakana(c)
}

// isKatakana counts the mark that makes a vowel long.
func isKatakana(c rune) bool { return c == 'ー' || unicode.Is(unicode.Katakana, c) }

// joinsNext reports whether a vowel is written before the consonant after which it is spoken.
func joinsNext(c rune) bool {
	return '\u0e40' <= c && c <= '\u0e44' || '\u0ec0' <= c && c <= '\u0ec4'
}

// joinsPrevious reports whether a letter that is no mark belongs to the one before it.
func joinsPrevious(c rune) bool {
	return strings.ContainsRune("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3", c)
}

// closesSyllable reports whether a mark makes the consonant before it the end of a syllable: it takes away its vowel.
func closesSyllable(c rune) bool {
	return c == '\u1039' || c == '\u103a' || c == '\u17d1'
}

var (
	// callWords are words before which nothing is missing when a name follows them.
	callWords        = strings.Fields("ねえ ねぇ ねー おい やあ やぁ あの ええと こんにちは こんばんは おはよう おはようございます ありがとう はい うん じゃあ では でも は が を に と も へ の")
	japaneseSuffixes = strings.Fields("さん ちゃん くん さま どの せんせい せんぱい は を")

	japaneseParticles = func() map[string]bool {
		all := map[string]bool{}
		for word := range strings.FieldsSeq("は が を に へ と も の で や よ ね か な ぞ さ には では とは へは にも でも とも から まで より だけ しか って なら だ です だよ だね " +
			"ですか ですね ですよ もいる") {
			all[word] = true
		}
		return all
	}()
)

// isParticle reports whether a text begins with a word of Korean that is written to the end of a name, with nothing of the word
// after it: a form of address, a case, or both.
func isParticle(after string) bool {
	word := after
	if end := strings.IndexFunc(after, func(c rune) bool { return !unicode.Is(unicode.Hangul, c) }); end >= 0 {
		word = after[:end]
	}
	for _, title := range titles {
		rest, ok := strings.CutPrefix(word, title)
		if ok && (rest == "" && title != "" || particles[rest] || particles[strings.TrimSuffix(rest, "요")]) { // the last is politeness
			return true
		}
	}
	return false
}

// titles may be between a name and a particle.
var titles = []string{"", "이", "님", "씨", "군", "양", "선생님", "쌤", "형", "누나", "언니", "오빠", "봇"}

var particles = func() map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq("아 야 여 이여 이 가 은 는 을 를 의 에 에게 에게서 에게는 한테 한테서 한테는 께 께서 께서는 도 만 만이 와 과 랑 이랑 하고 " +
		"로 으로 라고 라는 이라고 이라는 라면 보다 처럼 같이 까지 부터 마저 조차 밖에 나 이나 든지 요 이요 예요 이에요 입니다") {
		all[word] = true
	}
	return all
}()

// isHiragana reports whether a letter is of the script in which Japanese writes its particles, so that a name in it is only told
// from a part of a word by them.
func isHiragana(c rune) bool { return unicode.Is(unicode.Hiragana, c) }

// endsWord reports whether a text ends with a word after which a name in hiragana may come.
func endsWord(before string) bool {
	for _, word := range callWords {
		if rest, ok := strings.CutSuffix(before, word); ok {
			last, _ := utf8.DecodeLastRuneInString(rest)
			if rest == "" || utf8.RuneCountInString(word) > 1 || !isHiragana(last) {
				return true
			}
		}
	}
	return false
}

// beginsWord reports whether a text begins with what may be written to the end of a name in hiragana: a form of address, a
// particle that words seldom hold, or another particle with nothing of the same script after it.
func beginsWord(after string) bool {
	for _, title := range japaneseSuffixes {
		if strings.HasPrefix(after, title) {
			return true
		}
	}
	word := after
	if end := strings.IndexFunc(after, func(c rune) bool { return !isHiragana(c) }); end >= 0 {
		word = after[:end]
	}
	return japaneseParticles[word]
}
