package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/elizad/elizad/server/apierr"
)

// ImportReport says what [ImportCharacter] did to a file to make a character of it.
type ImportReport struct {
	Format string   // "character" or "card"
	Kept   []string // keys that are not part of a character, kept under settings.imported, sorted
}

// ImportCharacter reads a character file leniently: keys that are not part of a character are kept under settings.imported,
// null counts as absent, and lines of examples may name their speaker "user" as the first generation of files does.
// Character cards (an object with a "spec" of chara_card and its fields under "data") become characters too.
func ImportCharacter(data []byte) (Character, ImportReport, error) {
	report := ImportReport{Format: "character"}
	doc, err := decodeObject(data)
	if err != nil {
		return Character{}, report, refuse(apierr.CreateFailed, []Problem{{Reason: noObject + where(data, err)}})
	}
	if card, ok := cardFields(doc); ok {
		report.Format = "card"
		doc = card
	}
	maps.DeleteFunc(doc, func(key string, v any) bool { return v == nil || isIgnored(key, v) })
	renameSpeakers(doc["messageExamples"])

	imported := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(doc)) {
		if (&reader{}).field(&Character{}, key, doc[key]) {
			continue
		}
		imported[key] = doc[key]
		report.Kept = append(report.Kept, key)
		delete(doc, key)
	}
	if settings, ok := doc["settings"].(map[string]any); ok {
		maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	}
	if len(imported) > 0 {
		merge(doc, "settings", map[string]any{"imported": imported})
	}
	c, problems := readCharacter(doc)
	if len(problems) > 0 {
		return Character{}, report, refuse(apierr.CreateFailed, problems)
	}
	return c, report, nil
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

// renameSpeakers gives example lines that say "user" the key "name".
func renameSpeakers(examples any) {
	conversations, _ := examples.([]any)
	for _, conversation := range conversations {
		lines, _ := conversation.([]any)
		for _, line := range lines {
			object, _ := line.(map[string]any)
			if user, ok := object["user"]; ok && object["name"] == nil {
				object["name"] = user
				delete(object, "user")
			}
		}
	}
}

// where tells the author of a file what is wrong with its JSON, and in which line; empty if it is well-formed.
func where(data []byte, err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "; the text ends too early"
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		return fmt.Sprintf("; line %d: %v", line, syntax)
	}
	return ""
}
