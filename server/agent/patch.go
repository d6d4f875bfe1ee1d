package agent

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/elizad/elizad/server/apierr"
)

// Patch returns the character with a partial update applied: settings are merged at every depth, secrets at the top, and
// null deletes; every other key replaces the field, and null removes it. An object inside settings that becomes empty is
// removed. An id is accepted when it is the character's own.
//
// A refused update is an [*apierr.Error] with code UPDATE_ERROR that wraps a [*ValidationError].
func (c *Character) Patch(patch map[string]json.RawMessage) (Character, error) {
	doc, err := c.document()
	if err != nil {
		return Character{}, err
	}
	var r reader
	for _, key := range slices.Sorted(maps.Keys(patch)) {
		v, err := decodeValue(patch[key])
		switch {
		case err != nil:
			r.fail(pointer("", key), "is not valid JSON")
		case isIgnored(key, v):
		case key == "id":
			if id, ok := ParseUUID(r.text("/id", v)); !ok || id != c.ID {
				r.fail("/id", "is not the id of this agent")
			}
		case v == nil:
			delete(doc, key)
		case key == "settings" || key == "secrets":
			if changes, ok := v.(map[string]any); ok {
				merge(doc, key, changes)
				break
			}
			r.fail(pointer("", key), "must be an object, not %s", kindOf(v))
		default:
			doc[key] = v
		}
	}
	patched, problems := readCharacter(doc)
	if problems = append(r.problems, problems...); len(problems) > 0 {
		return Character{}, Refuse(apierr.UpdateFailed, problems...)
	}
	return patched, nil
}

// merge applies changes to the object at doc[key], which is made when it is missing or of another type and removed when
// nothing is left in it.
func merge(doc map[string]any, key string, changes map[string]any) {
	target, _ := doc[key].(map[string]any)
	if target == nil {
		target = map[string]any{}
	}
	for name, v := range changes {
		switch v := v.(type) {
		case nil:
			delete(target, name)
		case map[string]any:
			merge(target, name, v)
		default:
			target[name] = v
		}
	}
	if len(target) == 0 {
		delete(doc, key)
		return
	}
	doc[key] = target
}
