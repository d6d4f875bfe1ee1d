package knowledge

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/elizad/elizad/server/model"
)

const (
	maxTokens = 512 // of a passage, roughly
	overlap   = 20  // tokens of a passage that begin the next one, roughly
)

// passage is a part of a document's text.
type passage struct {
	heading string // the headings above it, outermost first
	text    string
}

// cut cuts the text of a document into passages: at headings, and what is too long between them at paragraphs, sentences or
// words. A passage that doesn't begin below a heading begins with the end of the one before.
func cut(text string) []passage {
	var out []passage
	var path []string // by level, with empty ones where levels are skipped
	for section := range sections(text) {
		if section.level > 0 {
			path = append(path[:min(len(path), section.level-1)], slices.Repeat([]string{""}, max(0, section.level-1-len(path)))...)
			path = append(path, section.heading)
		}
		heading := strings.Join(slices.DeleteFunc(slices.Clone(path), func(h string) bool { return h == "" }), " › ")
		for _, part := range pack(section.body) {
			out = append(out, passage{heading, part})
		}
	}
	return out
}

// section is what stands below one heading.
type section struct {
	level   int // of the heading; 0: there is none
	heading string
	body    string
}

// sections yields the sections of a text with headings as Markdown has them. What stands between fences has none.
func sections(text string) func(yield func(section) bool) {
	return func(yield func(section) bool) {
		current, from, at, fence := section{}, 0, 0, ""
		for line := range strings.Lines(text) {
			begin := at
			at += len(line)
			trimmed := strings.TrimSpace(line)
			switch mark := fenceOf(trimmed); {
			case fence == "" && mark != "":
				fence = mark
				continue
			case fence != "":
				if mark == fence {
					fence = ""
				}
				continue
			}
			level, heading := headingOf(trimmed)
			if level == 0 {
				continue
			}
			if current.body = text[from:begin]; !yield(current) {
				return
			}
			current, from = section{level: level, heading: heading}, at
		}
		current.body = text[from:]
		yield(current)
	}
}

func fenceOf(line string) string {
	for _, mark := range []string{"```", "~~~"} {
		if strings.HasPrefix(line, mark) {
			return mark
		}
	}
	return ""
}

const (
	maxLevel   = 6
	maxHeading = 120 // characters
)

// headingOf returns the level and the text of a heading; 0 for other lines.
func headingOf(line string) (level int, heading string) {
	rest := strings.TrimLeft(line, "#")
	level = len(line) - len(rest)
	if level == 0 || level > maxLevel || !strings.HasPrefix(rest, " ") {
		return 0, ""
	}
	heading = strings.TrimSpace(strings.TrimRight(rest, "# "))
	if heading == "" {
		return 0, ""
	}
	return level, shorten(heading, maxHeading)
}

// pack cuts a text into parts that are not too long. A part that is at least half full ends with its last paragraph, if it can't hold
// all of the next one.
func pack(text string) []string {
	var out []string
	from, end, size := 0, 0, 0 // of the part at work, and its tokens
	lastEnd, lastSize := 0, 0  // the same, where its last paragraph ends
	finish := func(to int) {
		if part := strings.TrimSpace(text[from:to]); part != "" {
			out = append(out, part)
		}
		from += tailOf(text[from:to])
		size, lastSize = model.EstimateTokens(text[from:end]), 0
	}
	for p := range pieces(text) {
		tokens := model.EstimateTokens(text[end:p.end])
		if size > 0 && size+tokens > maxTokens {
			if lastSize >= maxTokens/2 {
				finish(lastEnd)
			}
			if size+tokens > maxTokens {
				finish(end)
			}
		}
		size, end = size+tokens, p.end
		if p.paragraph {
			lastEnd, lastSize = end, size
		}
	}
	if part := strings.TrimSpace(text[from:end]); part != "" {
		out = append(out, part)
	}
	return out
}

// tailOf returns where the last words of a part begin, with which the next part begins, too.
func tailOf(part string) int {
	at := len(part)
	for i := len(part) - 1; i > 0 && len(part)-i <= 4*overlap; i-- {
		if isSpace(part[i-1]) && !isSpace(part[i]) && model.EstimateTokens(part[i:]) <= overlap {
			at = i
		}
	}
	return at
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

// piece is a part of a text that is not cut any more: it ends where the next one begins.
type piece struct {
	end       int
	paragraph bool // it ends one
}

// maxPiece is how many bytes a piece has at most, which is less than a passage may have in any script.
const maxPiece = 1024

// pieces yields the sentences and lines of a text, with the spaces behind them. What is too long is cut at words.
func pieces(text string) func(yield func(piece) bool) {
	return func(yield func(piece) bool) {
		from, space := 0, 0 // where the piece begins, and its last word
		for at := 0; at < len(text); {
			r, width := utf8.DecodeRuneInString(text[at:])
			next := at + width
			switch {
			case next-from > maxPiece:
				cut := at
				if space > from {
					cut = space
				}
				if !yield(piece{end: cut}) {
					return
				}
				from = cut
			case r == '\n', isEnd(r) && (r > unicode.MaxASCII || next == len(text) || isSpace(text[next])):
				for next < len(text) && isSpace(text[next]) && next-from < maxPiece {
					next++
				}
				if !yield(piece{next, strings.Count(text[at:next], "\n") > 1}) {
					return
				}
				from = next
			}
			if unicode.IsSpace(r) {
				space = next
			}
			at = next
		}
		if from < len(text) {
			yield(piece{end: len(text)})
		}
	}
}

func isEnd(r rune) bool { return strings.ContainsRune(".!?…。！？", r) }

// shorten cuts a text to so many characters.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
}
