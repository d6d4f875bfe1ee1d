// Package dotenv reads files of NAME=value lines as the libraries of that name do.
//
// A value is what comes behind the first = (or ": "), without the white space around it. A # begins a comment at the
// beginning of a line, and behind white space. Quotes of any of the three kinds, ", ' and `, hold what would else be a comment
// or the end of the line; within double quotes \n, \r, \", \\ and \$ stand for the characters that they usually mean. A $ is a
// $: nothing is put in the place of names. What a name is given last counts.
//
// One line that cannot be read takes nothing from the others. It is named by its number and never shown, for it may hold a
// secret.
package dotenv

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/elizad/elizad/server/plaintext"
)

// File is what a file says.
type File struct {
	Entries []Entry // in the order of their lines
	Faults  []Fault // lines that cannot be read
}

// Entry is a name and its value.
type Entry struct {
	Name, Value string
	Line        int // from 1
}

// Fault is a line that cannot be read.
type Fault struct {
	Line   int // from 1
	Reason string
	text   string // never shown
}

// Error names the line.
func (f Fault) Error() string { return fmt.Sprintf("line %d %s", f.Line, f.Reason) }

// Mentions reports whether one of the words in the line is known, such as the name of a setting.
func (f Fault) Mentions(known func(word string) bool) bool {
	for _, word := range strings.FieldsFunc(f.text, func(r rune) bool { return !isNameRune(r) }) {
		if known(word) {
			return true
		}
	}
	return false
}

// Values returns the value of each name.
func (f File) Values() map[string]string {
	out := make(map[string]string, len(f.Entries))
	for _, e := range f.Entries {
		out[e.Name] = e.Value
	}
	return out
}

// assignment is the beginning of a line that gives a name a value; the first word is what shells write there.
var assignment = regexp.MustCompile(`^\s*(?:(?i:export|set)\s+)?([\p{L}\p{N}_.-]+)(?:[ \t]*=|:(?:[ \t]+|$))[ \t]*`)

func isNameRune(r rune) bool {
	return r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9'
}

// Parse reads a file. The error says that it is no text at all.
func Parse(data []byte) (File, error) {
	var file File
	text, err := plaintext.Decode(data)
	if err != nil && text == nil { // else it is a matter of single lines
		return File{}, err
	}
	rest, line := string(text), 1
	for rest != "" {
		n := file.read(rest, line)
		line += strings.Count(rest[:n], "\n")
		rest = rest[n:]
	}
	return file, nil
}

// read reads the entry that text begins with and returns how much of the text that is: one line, or all those of a value in
// quotes.
func (f *File) read(text string, line int) (length int) {
	first, _, _ := strings.Cut(text, "\n")
	length = min(len(first)+1, len(text))
	if begin := strings.TrimSpace(first); begin == "" || begin[0] == '#' {
		return length
	}
	fault := func(reason string) int {
		f.Faults = append(f.Faults, Fault{Line: line, Reason: reason, text: first})
		return length
	}
	found := assignment.FindStringSubmatchIndex(first)
	if found == nil {
		return fault("is no NAME=value line")
	}
	name, start := first[found[2]:found[3]], found[1]
	value, size, quoted := quotedValue(text[start:])
	if quoted {
		length = start + size
	} else if value = bareValue(first[start:]); value != "" && strings.ContainsRune(quotes, rune(value[0])) && !closedLater(value) {
		return fault("has a quote that is never closed")
	}
	switch {
	case !utf8.ValidString(value):
		return fault("is not UTF-8 but perhaps Latin-1 or Windows-1252; save the file as UTF-8")
	case strings.ContainsRune(value, 0):
		return fault("holds a NUL character")
	}
	f.Entries = append(f.Entries, Entry{Name: name, Value: value, Line: line})
	return length
}

const quotes = "\"'`"

// escapes are what a backslash means within double quotes. Any other stays as it is.
var escapes = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\"`, `"`, `\$`, `$`)

// quotedValue reads a value in quotes, which may go over lines. It reports false unless nothing but a comment follows the
// closing quote on its line.
func quotedValue(text string) (value string, size int, ok bool) {
	if text == "" || !strings.ContainsRune(quotes, rune(text[0])) {
		return "", 0, false
	}
	quote, end := text[0], 1
	for ; end < len(text) && text[end] != quote; end++ {
		if quote == '"' && text[end] == '\\' {
			end++
		}
	}
	if end >= len(text) {
		return "", 0, false
	}
	behind, _, _ := strings.Cut(text[end+1:], "\n")
	if after := strings.TrimSpace(behind); after != "" && after[0] != '#' {
		return "", 0, false
	}
	value = text[1:end]
	if quote == '"' {
		value = escapes.Replace(value)
	}
	return value, min(end+1+len(behind)+1, len(text)), true
}

// bareValue reads a value without quotes, up to a comment or the end of the line. Quotes around all of it are left out even
// if there are more inside.
func bareValue(text string) string {
	for at := range len(text) {
		if text[at] == '#' && (at == 0 && (len(text) == 1 || isBlank(text[1])) || at > 0 && isBlank(text[at-1])) {
			text = text[:at]
			break
		}
	}
	value := plaintext.Trim(text)
	if n := len(value); n >= 2 && value[0] == value[n-1] && strings.ContainsRune(quotes, rune(value[0])) {
		return value[1 : n-1]
	}
	return strings.ReplaceAll(value, `\$`, `$`)
}

// closedLater reports whether the quote that a bare value begins with has a second one in it, as in "a" and "b".
func closedLater(value string) bool { return strings.Count(value, value[:1]) > 1 }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
