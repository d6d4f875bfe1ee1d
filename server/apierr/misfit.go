package apierr

import (
	"strconv"
	"strings"
)

// Misfit is one thing that is wrong with a document: where, and what is wanted there.
type Misfit struct {
	Path []string // names and indices; empty for the document itself
	Want string
}

// Missing is what is wrong where nothing is.
const Missing = "is required"

// Words says it to people: "content is required", "attachments[0].url: must be a text". The document as a whole goes by its
// name, if it is given one.
func (m Misfit) Words(document string) string {
	var at strings.Builder
	for _, step := range m.Path {
		if _, err := strconv.Atoi(step); err == nil {
			at.WriteString("[" + step + "]")
			continue
		}
		if at.Len() > 0 {
			at.WriteByte('.')
		}
		at.WriteString(step)
	}
	switch {
	case at.Len() == 0:
		return strings.TrimSpace(document + " " + m.Want)
	case m.Want == Missing:
		return at.String() + " " + m.Want
	default:
		return at.String() + ": " + m.Want
	}
}

// Pointer says it to programs, with the place as a JSON pointer (RFC 6901), or "/" for the document itself.
func (m Misfit) Pointer() string {
	steps := make([]string, len(m.Path))
	for i, step := range m.Path {
		steps[i] = toPointer.Replace(step)
	}
	return "/" + strings.Join(steps, "/") + ": " + m.Want
}

var (
	toPointer   = strings.NewReplacer("~", "~0", "/", "~1")
	fromPointer = strings.NewReplacer("~1", "/", "~0", "~")
)

// MisfitAt returns the misfit at a JSON pointer.
func MisfitAt(pointer, want string) Misfit {
	m := Misfit{Want: want}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer != "" {
			m.Path = append(m.Path, fromPointer.Replace(step))
		}
	}
	return m
}
