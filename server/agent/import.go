package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/plaintext"
)

// ImportReport says what [ImportCharacter] did to a file to make a character of it.
type ImportReport struct {
	Format string   // "character" or "card"
	Used   []string // what is taken up in another place or form, a sentence each, sorted
	Kept   []string // keys that are not part of a character, kept under settings.imported without effect, sorted
	Unused []string // what has no effect although it means something elsewhere, a sentence each, sorted
}

// Imported is one character of a file, or the error that keeps it out.
type Imported struct {
	Character Character
	Report    ImportReport
	Err       error
}

// ImportCharacter reads a character file leniently. It takes text in any encoding that [plaintext.Decode] reads, comments and
// commas too many, the answers of servers that hold a character, and the files of older servers and other programs: keys that
// have a counterpart are translated, others are kept under settings.imported, and null counts as absent. Character cards (an
// object with a "spec" of chara_card and its fields under "data") become characters too.
func ImportCharacter(data []byte) (Character, ImportReport, error) {
	all, err := ImportCharacters(data)
	switch {
	case err != nil:
		return Character{}, ImportReport{}, err
	case len(all) != 1:
		return Character{}, ImportReport{}, Refuse(apierr.CreateFailed, Problem{Reason: fmt.Sprintf("holds %d characters where one is wanted", len(all))})
	}
	return all[0].Character, all[0].Report, all[0].Err
}

// ImportCharacters is [ImportCharacter] for a file that may hold several: a list of them, or an object with such a list under
// "characters" or "agents". One that cannot be read has its error and does not touch the others.
func ImportCharacters(data []byte) ([]Imported, error) {
	doc, err := decodeFile(data)
	if err != nil {
		return nil, err
	}
	var out []Imported
	for _, one := range charactersIn(doc) {
		object, ok := one.(map[string]any)
		if !ok {
			out = append(out, Imported{Err: Refuse(apierr.CreateFailed, Problem{Reason: noObject + ", not " + kindOf(one)})})
			continue
		}
		var i importer
		c, err := i.character(object)
		out = append(out, Imported{c, i.sorted(), err})
	}
	if len(out) == 0 {
		return nil, Refuse(apierr.CreateFailed, Problem{Reason: "holds no character"})
	}
	return out, nil
}

// decodeFile decodes the JSON of a file.
func decodeFile(data []byte) (any, error) {
	wrong := func(reason string) error { return Refuse(apierr.CreateFailed, Problem{Reason: reason}) }
	text, err := plaintext.Decode(data)
	if err != nil {
		return nil, wrong(err.Error())
	}
	if text, err = relaxed(text); err != nil {
		return nil, wrong(err.Error())
	}
	doc, err := decodeValue(text)
	if err != nil {
		return nil, wrong(noObject + where(text, err))
	}
	return doc, nil
}

// charactersIn finds the characters in a document: itself, the items of a list, or what an answer of a server wraps.
func charactersIn(doc any) []any {
	switch doc := doc.(type) {
	case []any:
		return doc
	case map[string]any:
		if spec, _ := doc["spec"].(string); strings.HasPrefix(spec, "chara_card") {
			return []any{doc}
		}
		if _, named := doc["name"]; named {
			if inner, ok := doc["character"].(map[string]any); ok && inner["name"] != nil { // an agent with what it was made of
				return []any{inner}
			}
			return []any{doc}
		}
		for _, key := range []string{"data", "character", "characterJson", "agent", "characters", "agents"} {
			switch inner := doc[key].(type) {
			case map[string]any, []any:
				return charactersIn(inner)
			}
		}
	}
	return []any{doc}
}

// importer makes a character of a document and notes how.
type importer struct {
	report  ImportReport
	strange map[string]any // what goes under settings.imported
}

func (i *importer) used(format string, args ...any) {
	i.report.Used = append(i.report.Used, fmt.Sprintf(format, args...))
}

func (i *importer) unused(format string, args ...any) {
	i.report.Unused = append(i.report.Unused, fmt.Sprintf(format, args...))
}

// keep puts a value aside.
func (i *importer) keep(key string, v any) {
	i.strange[key] = v
	i.report.Kept = append(i.report.Kept, key)
}

func (i *importer) sorted() ImportReport {
	for _, list := range [][]string{i.report.Used, i.report.Kept, i.report.Unused} {
		slices.Sort(list)
	}
	return i.report
}

func (i *importer) character(doc map[string]any) (Character, error) {
	i.report.Format, i.strange = "character", map[string]any{}
	if card, ok := cardFields(doc); ok {
		i.report.Format, doc = "card", card
	}
	withoutNulls(doc)
	maps.DeleteFunc(doc, isIgnored)
	i.translate(doc)
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		if (&reader{}).field(&Character{}, key, doc[key]) {
			continue
		}
		i.keep(key, doc[key])
		delete(doc, key)
	}
	if len(i.strange) > 0 {
		merge(doc, "settings", map[string]any{"imported": i.strange})
	}
	c, problems := readCharacter(doc)
	if len(problems) > 0 {
		return Character{}, Refuse(apierr.CreateFailed, problems...)
	}
	return c, nil
}

// withoutNulls takes nulls out of a value, at every depth.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, inner any) bool { return inner == nil })
		for key, inner := range v {
			v[key] = withoutNulls(inner)
		}
	case []any:
		v = slices.DeleteFunc(v, func(inner any) bool { return inner == nil })
		for at, inner := range v {
			v[at] = withoutNulls(inner)
		}
		return v
	}
	return v
}

// cardFields translates a character card into the fields of a character. What has no counterpart keeps its key.
func cardFields(doc map[string]any) (map[string]any, bool) {
	spec, _ := doc["spec"].(string)
	card, ok := doc["data"].(map[string]any)
	if !ok || !strings.HasPrefix(spec, "chara_card") {
		return nil, false
	}
	var bio []any
	for _, key := range []string{"description", "personality"} {
		if text, _ := card[key].(string); text != "" {
			bio = append(bio, text)
		}
		delete(card, key)
	}
	card["bio"] = bio
	for from, to := range map[string]string{"system_prompt": "system", "tags": "topics"} {
		if v, ok := card[from]; ok && v != "" {
			card[to] = v
		}
		delete(card, from)
	}
	return card, true
}

// where tells the author of a file what is wrong with its JSON, and in which line; empty if it is well-formed.
func where(data []byte, err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "; the text ends too early"
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("; line %d: %v", lineOf(data, int(syntax.Offset)), syntax)
	}
	if after, ok := errors.AsType[*trailingError](err); ok {
		return fmt.Sprintf("; line %d: text after the object", lineOf(data, int(after.offset)))
	}
	return ""
}
