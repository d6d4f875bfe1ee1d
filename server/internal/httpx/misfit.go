package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/elizad/elizad/server/apierr"
)

// Bounds on what one refusal lists.
const (
	maxMisfits = 20
	maxDepth   = 4
)

// refuseBody refuses a body that doesn't fit its schema: it names each field that is wrong, and what belongs there, and never repeats
// a value. first is what the validator stopped at.
func refuseBody(err *openapi3filter.RequestError, first *openapi3.SchemaError) error {
	found := []apierr.Misfit{misfitOf(first, nil)}
	if all := misfitsOfBody(err); len(all) > 0 {
		found = all
	}
	messages, details := make([]string, len(found)), make([]string, len(found))
	for i, f := range found {
		messages[i], details[i] = f.Words("The request body"), f.Pointer()
	}
	// The validator's own error is no cause: it quotes the value, which may be a secret, and causes are logged.
	return apierr.New(apierr.InvalidRequest, "%s", strings.Join(messages, "; ")).WithDetails(strings.Join(details, "; "))
}

// misfitsOfBody looks at a body again, for all that is wrong with it: the validator stops at the first fault, since to collect
// those of a large body would cost more than reading it.
func misfitsOfBody(err *openapi3filter.RequestError) []apierr.Misfit {
	r := err.Input.Request
	media := err.RequestBody.Content.Get(mediaType(r))
	if media == nil || media.Schema == nil || r.Body == nil {
		return nil
	}
	text, readErr := io.ReadAll(r.Body)
	if readErr != nil {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	return misfits(media.Schema.Value, value, nil)
}

// misfits returns what is wrong with a value, at most one fault for each of its fields.
func misfits(schema *openapi3.Schema, value any, path []string) []apierr.Misfit {
	object, isObject := value.(map[string]any)
	properties, required := fieldsOf(schema)
	var found []apierr.Misfit
	if isObject && len(properties) > 0 && len(path) < maxDepth {
		for _, name := range slices.Concat(required, slices.Sorted(maps.Keys(properties))) {
			at := slices.Concat(path, []string{name})
			field, given := object[name]
			switch isRequired := slices.Contains(required, name); {
			case len(found) >= maxMisfits:
				return found
			case slices.ContainsFunc(found, func(f apierr.Misfit) bool { return len(f.Path) >= len(at) && slices.Equal(f.Path[:len(at)], at) }):
			case !given && isRequired:
				found = append(found, apierr.Misfit{Path: at, Want: apierr.Missing})
			case given && properties[name] != nil:
				found = append(found, misfits(properties[name], field, at)...)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	err := schema.VisitJSON(value, openapi3.VisitAsRequest(), openapi3.WithStringFormatValidator("uuid", uuidFormat()))
	if schemaErr, ok := errors.AsType[*openapi3.SchemaError](err); ok {
		found = append(found, misfitOf(schemaErr, path))
	}
	return found
}

// fieldsOf returns the fields of an object's schema, those of its parts included, and the names of those that are required.
func fieldsOf(schema *openapi3.Schema) (properties map[string]*openapi3.Schema, required []string) {
	properties, required = map[string]*openapi3.Schema{}, schema.Required
	for name, ref := range schema.Properties {
		properties[name] = ref.Value
	}
	for _, part := range schema.AllOf {
		more, also := fieldsOf(part.Value)
		maps.Copy(properties, more)
		required = slices.Concat(required, also)
	}
	return properties, required
}

// misfitOf describes an error of the validator, which is below a path.
func misfitOf(err *openapi3.SchemaError, path []string) apierr.Misfit {
	err = innermost(err)
	at := slices.Concat(path, err.JSONPointer())
	if err.SchemaField == "required" {
		return apierr.Misfit{Path: at, Want: apierr.Missing}
	}
	return apierr.Misfit{Path: at, Want: want(err)}
}

// innermost returns the explanation of a schema error: where several schemas were tried, there is none.
func innermost(err *openapi3.SchemaError) *openapi3.SchemaError {
	inner, ok := errors.AsType[*openapi3.SchemaError](err.Origin)
	if !ok || err.SchemaField == "oneOf" || err.SchemaField == "anyOf" {
		return err
	}
	return innermost(inner)
}

// want says in words what a schema wants of a value that doesn't fit it.
func want(err *openapi3.SchemaError) string {
	schema := err.Schema
	if schema == nil {
		return "is not allowed here"
	}
	if schema.Format == "uuid" {
		return "must be a UUID"
	}
	switch err.SchemaField {
	case "type", "nullable":
		return "must be " + kindOf(schema)
	case "format":
		if schema.Format == "date-time" {
			return "must be a time in ISO 8601"
		}
		return "must be " + kindOf(schema)
	case "enum":
		return "must be one of the allowed values: " + choices(schema.Enum)
	case "minLength", "minItems", "minProperties":
		return "must not be empty" + atLeast(schema, err.SchemaField)
	case "maxLength":
		return fmt.Sprintf("must have at most %d characters", *schema.MaxLength)
	case "maxItems":
		return fmt.Sprintf("must have at most %d items", *schema.MaxItems)
	case "minimum", "exclusiveMinimum":
		return fmt.Sprintf("must be at least %v", *schema.Min)
	case "maximum", "exclusiveMaximum":
		return fmt.Sprintf("must be at most %v", *schema.Max)
	case "uniqueItems":
		return "must not hold the same twice"
	case "oneOf", "anyOf":
		var kinds []string
		for _, ref := range slices.Concat(schema.OneOf, schema.AnyOf) {
			if kind := kindOf(ref.Value); !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
		return "must be " + strings.Join(kinds, " or ")
	case "pattern":
		return "does not have the form that is wanted here"
	default:
		return "is not allowed here"
	}
}

// atLeast adds the smallest size, where that isn't one.
func atLeast(schema *openapi3.Schema, field string) string {
	switch {
	case field == "minLength" && schema.MinLength > 1:
		return fmt.Sprintf(", and have at least %d characters", schema.MinLength)
	case field == "minItems" && schema.MinItems > 1:
		return fmt.Sprintf(", and have at least %d items", schema.MinItems)
	default:
		return ""
	}
}

// kindOf says what kind of value a schema describes.
func kindOf(schema *openapi3.Schema) string {
	kinds := map[string]string{
		openapi3.TypeString: "a text", openapi3.TypeNumber: "a number", openapi3.TypeInteger: "an integer",
		openapi3.TypeBoolean: "true or false", openapi3.TypeArray: "a list", openapi3.TypeObject: "an object",
	}
	if schema.Type != nil {
		for _, name := range schema.Type.Slice() {
			if kind, ok := kinds[name]; ok {
				return kind
			}
		}
	}
	return "another kind of value"
}

func choices(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}
