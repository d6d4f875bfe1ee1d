package report

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/getsentry/sentry-go"

	"github.com/elizad/elizad/server/internal/secrets"
)

const (
	left       = "[…]" // stands for what was left out
	maxText    = 1000  // bytes of an error's text
	maxWord    = 40    // bytes; longer ones are no words
	maxDigits  = 6     // of a word; keys and ids have more
	maxFrames  = 100
	maxPanic   = 200
	runtimeErr = "runtime error: "
)

// text returns what may be known of an error elsewhere: its words. What stands in quotes is left out, as the texts of errors
// quote what callers sent; and so are paths, addresses, ids, keys, and what follows the name of a secret.
func text(said string) string {
	var out []string
	secret := false // the next word is one
	for word := range strings.FieldsSeq(unquoted(said)) {
		bare := strings.TrimRight(word, ".,;:)]}")
		end := word[len(bare):]
		hidden := secret && !isScheme(bare)
		secret = isScheme(bare) || strings.HasPrefix(end, ":") && secrets.Named(bare)
		name, _, isPair := strings.Cut(bare, "=")
		switch {
		case hidden, !isWord(name):
			word = left + end
		case isPair:
			word = name + "=" + left + end
		}
		out = append(out, word)
	}
	short := strings.Join(out, " ")
	if len(short) > maxText {
		short = strings.ToValidUTF8(short[:maxText], "") + "…"
	}
	return short
}

// isScheme reports whether a word stands before credentials, as in a header.
func isScheme(word string) bool {
	return strings.EqualFold(word, "bearer") || strings.EqualFold(word, "basic") || strings.EqualFold(word, "apikey")
}

// isWord reports whether a word of an error's text is one of a language, a name in the code or a small number.
func isWord(word string) bool {
	digits := 0
	for _, r := range word {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r) && r < unicode.MaxLatin1, strings.ContainsRune("-_.:()[]*,;+!'…", r):
		default:
			return false
		}
	}
	return digits <= maxDigits && len(word) <= maxWord
}

// unquoted returns a text with what stands in quotes left out, up to its end where a quote is not closed.
func unquoted(said string) string {
	var out strings.Builder
	runes := []rune(said)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		opens := r == '"' || r == '`' || r == '\'' && (i == 0 || !unicode.IsLetter(runes[i-1])) // which is no apostrophe
		if !opens {
			out.WriteRune(r)
			continue
		}
		for i++; i < len(runes) && runes[i] != r; i++ {
			if runes[i] == '\\' && r == '"' {
				i++
			}
		}
		out.WriteString(left)
	}
	return out.String()
}

// panicText returns what may be known of a panic: the words of Go itself. What others panic with may be anything.
func panicText(said string) string {
	line, _, _ := strings.Cut(said, "\n")
	if strings.HasPrefix(line, runtimeErr) && len(line) <= maxPanic {
		return line
	}
	return left
}

// frames reads the functions and lines of a stack that debug.Stack has written, the outermost first, from where it panicked.
// It takes neither arguments nor folders.
func frames(stack string) []sentry.Frame {
	lines := strings.Split(stack, "\n")
	var out []sentry.Frame
	for i := 0; i+1 < len(lines); i++ {
		place, found := strings.CutPrefix(lines[i+1], "\t")
		if !found {
			continue
		}
		function := lines[i]
		i++
		if strings.HasPrefix(function, "panic(") {
			out = nil // what came before deals with the panic
			continue
		}
		if f, ok := frame(function, place); ok && len(out) < maxFrames {
			out = append(out, f)
		}
	}
	slices.Reverse(out)
	return out
}

// frame reads one function, as in "example.org/a/b.(*T).Method(0x1, …)", and its place, as in "/home/me/a/b/c.go:12 +0x34".
func frame(function, place string) (sentry.Frame, bool) {
	function = strings.TrimPrefix(function, "created by ")
	function, _, _ = strings.Cut(function, " in goroutine ")
	if end := strings.LastIndexByte(function, '('); end > 0 && strings.HasSuffix(function, ")") {
		function = function[:end]
	}
	slash := strings.LastIndexByte(function, '/') + 1
	pkg, name, found := strings.Cut(function[slash:], ".")
	if !found || strings.ContainsAny(function, " \t") {
		return sentry.Frame{}, false
	}
	pkg = function[:slash] + pkg
	place, _, _ = strings.Cut(place, " +")
	file, number, _ := cutLast(place, ":")
	line, err := strconv.Atoi(number)
	if err != nil {
		return sentry.Frame{}, false
	}
	file = path.Base(strings.ReplaceAll(file, `\`, "/"))
	return sentry.Frame{
		Module: pkg, Function: name, Filename: pkg + "/" + file, Lineno: line, InApp: strings.HasPrefix(pkg, module),
	}, true
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
