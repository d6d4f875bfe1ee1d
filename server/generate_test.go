package server_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// generator makes values that fit schemas of the contract.
type generator struct {
	*rand.Rand
	ids   *idPool
	near  map[string]string // ids of one thing that exists, which a request is mostly about
	slips bool              // values may lie just outside of the bounds of their schema
}

// slip reports whether the next bound is to be missed by one.
func (g *generator) slip() bool { return g.slips && g.one(12) }

// one in n.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

// value returns a value for a schema, whose name in its surroundings helps to find an id that exists. Depth bounds what may
// be left out.
func (g *generator) value(schema *openapi3.Schema, name string, depth int) any {
	switch {
	case schema.Nullable && g.one(8):
		return nil
	case schema.IsEmpty():
		for {
			if v := g.anything(depth); v != nil || schema.Nullable {
				return v
			}
		}
	case schema.Example != nil && g.one(4) && schema.Format != "uuid":
		return harmless(schema.Example)
	case len(schema.Enum) > 0 && !g.slip():
		return pick(g, schema.Enum...)
	case len(schema.OneOf) > 0:
		return g.value(pick(g, schema.OneOf...).Value, name, depth)
	case len(schema.AnyOf) > 0:
		return g.value(pick(g, schema.AnyOf...).Value, name, depth)
	case len(schema.AllOf) > 0:
		merged := map[string]any{}
		for _, part := range schema.AllOf {
			v := g.value(part.Value, name, depth)
			members, ok := v.(map[string]any)
			if !ok {
				return v
			}
			maps.Copy(merged, members)
		}
		return merged
	}
	switch {
	case schema.Type.Is("boolean"):
		return g.one(2)
	case schema.Type.Is("integer"):
		return int64(g.number(schema))
	case schema.Type.Is("number"):
		return g.number(schema)
	case schema.Type.Is("string"):
		return g.text(schema, name)
	case schema.Type.Is("array"):
		return g.list(schema, name, depth)
	default:
		return g.object(schema, depth)
	}
}

func (g *generator) number(schema *openapi3.Schema) float64 {
	low, high := -5.0, 100.0
	if schema.Min != nil {
		low = *schema.Min
		high = max(high, low)
	}
	if schema.Max != nil {
		high = *schema.Max
	}
	if g.slip() {
		return pick(g, low-1, high+1)
	}
	return pick(g, low, high, low+float64(g.IntN(int(min(high-low, 1000))+1)))
}

func (g *generator) text(schema *openapi3.Schema, name string) string {
	switch schema.Format {
	case "uuid":
		return g.id(name)
	case "date-time":
		return time.UnixMilli(g.Int64N(2e12)).UTC().Format(time.RFC3339Nano)
	case "binary", "byte":
		return pick(g, "", "RIFF", "\x89PNG\r\n\x1a\n", "GIF89a", "plain text")
	}
	if known := g.near["filename"]; name == "filename" && known != "" {
		return known
	}
	if strings.HasSuffix(strings.ToLower(name), "id") && g.one(2) {
		return g.id(name)
	}
	if schema.Pattern != "" {
		if example, ok := schema.Example.(string); ok {
			return example
		}
		return g.id(name) // the one pattern that many formats have in common is that of an id
	}
	text := pick(g, "", "x", "Hello", "tea?", "0", "true", "null", "2026-11-20T15:33:10.230Z", "http://127.0.0.1:9/hook", "  padded ", "../etc/passwd",
		"%s%n", "'; --", "<script>", "日本語", "👩‍👩‍👧‍👦", "\u202eltr", "a\u0000b", "a\nb\tc", "\ufffd", g.id(name), strings.Repeat("long ", 200))
	shortest := int(schema.MinLength)
	longest := max(shortest, len(text))
	if schema.MaxLength != nil {
		longest = int(*schema.MaxLength)
		if g.one(6) {
			shortest = longest
		}
	}
	if g.slip() {
		shortest = longest + 1
		longest++
	}
	runes := []rune(text)
	runes = append(runes, []rune(strings.Repeat("é", max(0, shortest-len(runes))))...)
	return string(runes[:min(len(runes), longest)])
}

// id returns the id of something that exists, mostly; of the kind that the name says, mostly.
func (g *generator) id(name string) string {
	id, known := g.near[canonicalName(name)]
	switch n := g.IntN(10); {
	case n == 0:
		id = uuid.NewString()
	case n == 1:
		id = uuid.Nil.String()
	case n == 2:
		id = g.ids.any(g.Rand)
	case !known:
		id = g.ids.of(name, g.Rand)
	}
	if g.one(10) {
		id = strings.ToUpper(id)
	}
	return id
}

func (g *generator) list(schema *openapi3.Schema, name string, depth int) []any {
	out := []any{}
	count := int(schema.MinItems) + g.IntN(3)
	if depth <= 0 {
		count = int(schema.MinItems)
	}
	if schema.MaxItems != nil {
		count = min(count, int(*schema.MaxItems))
		if g.slip() {
			count = int(*schema.MaxItems) + 1
		}
	}
	for range count {
		out = append(out, g.value(schema.Items.Value, name, depth-1))
	}
	return out
}

func (g *generator) object(schema *openapi3.Schema, depth int) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if slices.Contains(schema.Required, name) || depth > 0 && g.one(2) {
			out[name] = g.value(schema.Properties[name].Value, name, depth-1)
		}
	}
	key := g.key()
	if has := schema.AdditionalProperties.Has; depth == 0 || schema.Properties[key] != nil || has != nil && !*has || !g.one(3) {
		return out
	}
	if of := schema.AdditionalProperties.Schema; of != nil {
		out[key] = g.value(of.Value, key, depth-1)
	} else {
		out[key] = g.anything(depth - 1)
	}
	return out
}

func (g *generator) key() string {
	return pick(g, "extra", "", "id", "__proto__", "constructor", "ключ", "a.b", "$ref", "success", "isDm", "targetAgentId", "settings", "secrets")
}

// anything returns some JSON.
func (g *generator) anything(depth int) any {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch g.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return g.one(2)
	case 2:
		return pick[any](g, 0, -1, 1.5, 1e15, 1e300, int64(1)<<62)
	case 3, 4, 5:
		return g.text(&openapi3.Schema{}, "")
	case 6:
		return []any{g.anything(depth - 1), g.anything(depth - 1)}
	default:
		return map[string]any{g.key(): g.anything(depth - 1), g.key(): g.anything(depth - 1)}
	}
}

// harmless returns an example without what would make the server speak to somebody: addresses elsewhere, and the names of
// settings that connect a model.
func harmless(example any) any {
	switch v := example.(type) {
	case string:
		if strings.Contains(v, "://") {
			return "http://127.0.0.1:9/hook"
		}
		return v
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = harmless(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			if strings.ToUpper(name) != name || !strings.Contains(name, "_") {
				out[name] = harmless(member)
			}
		}
		return out
	}
	return example
}

// spoil returns the JSON of a value with something wrong in it, or a text that is none.
func (g *generator) spoil(value any) string {
	switch g.IntN(10) {
	case 0:
		return g.broken(string(jsonOf(value)))
	case 1:
		return string(jsonOf(g.anything(2)))
	default:
		return string(jsonOf(g.spoilAt(value, 3)))
	}
}

// broken returns a text that is not the JSON it was.
func (g *generator) broken(text string) string {
	return pick(g,
		text[:len(text)/2], text+text, text+"}", "\ufeff"+text, "\xff"+text, strings.Replace(text, `"`, "'", 2), strings.Replace(text, ":", ":,", 1),
		"", " ", "null", "{", "[]", `"text"`, "0", strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 20_000), `{"a":1e999}`, `{"name":"x","metadata":{"a":1e999999}}`, `{"a":NaN}`,
		`{"content":"\ud800"}`, `{"a":1,"a":2}`, `{"id":"x","ID":"y"}`)
}

// spoilAt changes a value, or something inside of it.
func (g *generator) spoilAt(value any, depth int) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 || depth == 0 || g.one(4) {
			break
		}
		out := maps.Clone(v)
		name := pick(g, slices.Sorted(maps.Keys(v))...)
		switch g.IntN(6) {
		case 0:
			delete(out, name)
		case 1:
			out[g.key()] = g.anything(2)
		case 2:
			out[strings.ToUpper(name)] = g.anything(1)
		default:
			out[name] = g.spoilAt(v[name], depth-1)
		}
		return out
	case []any:
		if len(v) == 0 || g.one(3) {
			break
		}
		out := slices.Clone(v)
		i := g.IntN(len(v))
		out[i] = g.spoilAt(v[i], depth-1)
		return out
	}
	return g.wrong()
}

// wrong returns a value that few places take.
func (g *generator) wrong() any {
	return pick[any](g,
		nil, true, -1, 0, 1.5, 1e300, json.Number("123456789012345678901234567890"), json.Number("-0"), json.Number("1e-999"), "", " ", "not-an-id",
		"00000000-0000-0000-0000-00000000000g", "{00000000-0000-0000-0000-000000000000}", strings.Repeat("é", 60_000), "a\u0000b", "\u2028", []any{}, map[string]any{},
		[]any{nil}, []any{[]any{[]any{}}}, map[string]any{"": map[string]any{"": nil}}, slices.Repeat([]any{"x"}, 5000), nested(200), nested(9000))
}

func nested(depth int) json.RawMessage {
	return json.RawMessage(strings.Repeat(`{"a":[`, depth/2) + strings.Repeat(`]}`, depth/2))
}
