package realtime_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/oasdiff/yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/elizad/elizad/api"
)

// contract is api/asyncapi.yaml, whose payloads are in api/openapi.yaml: what may be sent under which name, on which transport.
type contract struct {
	socketio map[string][]*jsonschema.Schema // by the name of the event
	plain    map[string][]*jsonschema.Schema // by the type of the frame
	acks     []*jsonschema.Schema            // of acknowledgements, which have no name
}

// reference names a part of a document.
type reference struct {
	Ref string `json:"$ref"`
}

// documents is the folder of the two documents.
const documents = "http://contract/"

var loadContract = sync.OnceValues(func() (*contract, error) {
	var raw []byte
	compiler := jsonschema.NewCompiler()
	for name, text := range map[string][]byte{"asyncapi.yaml": api.AsyncAPI, "openapi.yaml": api.OpenAPI} {
		data, err := yaml.YAMLToJSON(text)
		if err != nil {
			return nil, err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		if name == "asyncapi.yaml" {
			raw = data
		}
		if err := compiler.AddResource(documents+name, doc); err != nil {
			return nil, err
		}
	}
	var parsed struct {
		Operations map[string]struct {
			Messages []reference
			Reply    struct{ Messages []reference }
		}
		Components struct {
			Messages map[string]struct {
				Name    string
				Payload reference
			}
		}
	}
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return nil, err
	}
	c := &contract{socketio: map[string][]*jsonschema.Schema{}, plain: map[string][]*jsonschema.Schema{}}
	schemaOf := func(message reference) (name string, schema *jsonschema.Schema, err error) {
		m := parsed.Components.Messages[message.Ref[strings.LastIndexByte(message.Ref, '/')+1:]]
		schema, err = compiler.Compile(documents + strings.TrimPrefix(m.Payload.Ref, "./"))
		return m.Name, schema, err
	}
	for operation, into := range map[string]map[string][]*jsonschema.Schema{"tell": c.socketio, "tellPlain": c.plain} {
		for _, m := range parsed.Operations[operation].Messages {
			name, schema, err := schemaOf(m)
			if err != nil {
				return nil, err
			}
			into[name] = append(into[name], schema)
		}
	}
	for _, m := range parsed.Operations["hear"].Reply.Messages {
		_, schema, err := schemaOf(m)
		if err != nil {
			return nil, err
		}
		c.acks = append(c.acks, schema)
	}
	return c, nil
})

// checkContract checks what was sent against the contract.
func checkContract(t *testing.T, transport, name string, payload []byte) {
	t.Helper()
	c, err := loadContract()
	if err != nil {
		t.Fatalf("reading the contract: %v", err)
	}
	schemas := map[string][]*jsonschema.Schema{"socketio": c.socketio[name], "plain": c.plain[name], "ack": c.acks}[transport]
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var last error
	for _, schema := range schemas {
		if last = schema.Validate(value); last == nil {
			return
		}
	}
	t.Errorf("%s %q is not in the contract: %s: %v", transport, name, payload, last)
}
