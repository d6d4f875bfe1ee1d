package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
)

const (
	// maxParameters is how long the parameters of an action may be.
	maxParameters = 64 << 10
	// maxSchema is how long the schema of an action's parameters may be.
	maxSchema = 64 << 10
	// maxSchemaWork bounds what checking against a schema costs: how many schemas it is, each counted wherever it is referred to.
	maxSchemaWork = 4000
)

// parameterSchema is the schema of an action's parameters, ready to check with.
type parameterSchema struct {
	properties map[string]*jsonschema.Schema
	required   []string
	resolved   *jsonschema.Resolved // nil: nothing is checked but that they are an object
}

// compileParameters reads the schema of an action's parameters; nil for an action without any. Unchecked says why parameters
// won't be checked against it: what it says is written in a way that this server can't check, or can't check cheaply.
func compileParameters(text json.RawMessage) (p *parameterSchema, unchecked, err error) {
	if len(bytes.TrimSpace(text)) == 0 || string(text) == "null" {
		return nil, nil, nil
	}
	var doc map[string]any
	switch err := json.Unmarshal(text, &doc); {
	case len(text) > maxSchema:
		return nil, nil, fmt.Errorf("the schema of the parameters is longer than %d bytes", maxSchema)
	case err != nil:
		return nil, nil, fmt.Errorf("the schema of the parameters is no JSON object: %w", err)
	case doc["type"] != nil && doc["type"] != "object":
		return nil, nil, errors.New(`the schema of the parameters is not of type "object"`)
	}
	p = &parameterSchema{}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		return p, err, nil
	}
	p.properties, p.required = schema.Properties, schema.Required
	work := maxSchemaWork
	if !affordable(doc, doc, &work) {
		return p, errors.New("it refers to itself, or is too large"), nil
	}
	schema.Schema = "" // drafts that differ in nothing that matters here are refused by their names
	if p.resolved, err = schema.Resolve(nil); err != nil {
		p.resolved = nil
		return p, err, nil
	}
	return p, nil, nil
}

// affordable walks through a schema as checking does, along its references, and takes what it meets from work. A reference to
// itself, which checking might follow without end, uses all of it up.
func affordable(node any, root map[string]any, work *int) bool {
	if *work--; *work < 0 {
		return false
	}
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			if !affordable(item, root, work) {
				return false
			}
		}
	case map[string]any:
		for key, value := range node {
			switch ref, isText := value.(string); {
			case key == "$dynamicRef", key == "uniqueItems", key == "$ref" && (!isText || !strings.HasPrefix(ref, "#")):
				return false
			case key == "$ref":
				target, ok := lookUp(root, ref)
				if !ok || !affordable(target, root, work) {
					return false
				}
			case key == "$defs", key == "definitions":
			default:
				if !affordable(value, root, work) {
					return false
				}
			}
		}
	}
	return true
}

// lookUp follows a reference within a document.
func lookUp(root map[string]any, ref string) (any, bool) {
	var node any = root
	for name := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		if name == "" {
			continue
		}
		members, ok := node.(map[string]any)
		if !ok {
			return nil, false
		}
		if node, ok = members[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]; !ok {
			return nil, false
		}
	}
	return node, true
}

// read checks parameters as a model wrote them, and returns them as an action gets them: an object that fits the schema. Texts
// that stand for what the schema asks for are taken for it, because elements hold nothing else and small models quote numbers.
// The error is meant for the model.
func (p *parameterSchema) read(given string) (json.RawMessage, error) {
	if p == nil {
		return nil, nil
	}
	if given = dbtype.Text(given); strings.TrimSpace(given) == "" {
		given = "{}"
	}
	if len(given) > maxParameters {
		return nil, &runError{reason: reasonParameters, detail: fmt.Sprintf("The parameters are longer than %d bytes", maxParameters)}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(given), &members); err != nil || members == nil {
		return nil, &runError{reason: reasonParameters, detail: "The parameters are not a JSON object", err: err}
	}
	for name, schema := range p.properties {
		if value, ok := members[name]; ok && schema != nil {
			members[name] = meant(value, schema)
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(members); err != nil {
		return nil, fmt.Errorf("encoding parameters: %w", err)
	}
	text := bytes.TrimSpace(b.Bytes())
	var instance any
	if err := json.Unmarshal(text, &instance); err != nil {
		return nil, fmt.Errorf("reading parameters: %w", err)
	}
	if p.resolved == nil {
		return text, nil
	}
	if err := p.resolved.Validate(instance); err != nil {
		return nil, &runError{reason: reasonParameters, detail: "The parameters don't fit: " + shorten(misfit(err), maxMisfit)}
	}
	return text, nil
}

// maxMisfit is how many characters of what is wrong with parameters are told.
const maxMisfit = 500

// misfit says what is wrong with parameters, without the way there.
func misfit(err error) string {
	text := strings.TrimPrefix(err.Error(), "validating root: ")
	for {
		rest, ok := strings.CutPrefix(text, "validating ")
		where, what, found := strings.Cut(rest, ": ")
		if !ok || !found || !strings.HasPrefix(what, "validating ") {
			if ok && found {
				return strings.TrimPrefix(where, "/properties/") + ": " + what
			}
			return text
		}
		text = what
	}
}

// meant returns what a text stands for where a schema doesn't take a text.
func meant(value json.RawMessage, schema *jsonschema.Schema) json.RawMessage {
	types := schema.Types
	if schema.Type != "" {
		types = []string{schema.Type}
	}
	var text string
	if len(types) == 0 || slices.Contains(types, "string") || json.Unmarshal(value, &text) != nil {
		return value
	}
	if text = strings.TrimSpace(text); json.Valid([]byte(text)) && text != "" {
		return json.RawMessage(text)
	}
	if lower := strings.ToLower(text); lower == "true" || lower == "false" {
		return json.RawMessage(lower)
	}
	return value
}

// names returns the names of the properties that the schema describes: first those that are required, then the others, sorted.
func (p *parameterSchema) names() []string {
	if p == nil {
		return nil
	}
	out := slices.Clone(p.required)
	for _, name := range slices.Sorted(maps.Keys(p.properties)) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// parametersOf checks what a model, or a caller, gave an action.
func (r *run) parametersOf(action agent.Action, given string) (json.RawMessage, error) {
	return r.agent.schemas.of(action).read(given)
}
