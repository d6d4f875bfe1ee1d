package rest

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// with returns raw, a JSON object, with members added or replaced; without any to add, raw itself.
func with(raw json.RawMessage, more object) json.RawMessage {
	var list []jsontext.Member
	for _, name := range slices.Sorted(maps.Keys(more)) {
		list = append(list, jsontext.Member{Name: name, Value: more[name]})
	}
	return jsontext.With(raw, list)
}
