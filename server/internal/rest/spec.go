package rest

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/elizad/elizad/api"
)

// SpecYAML serves the contract as it was written.
func SpecYAML(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(api.OpenAPI) // fails when the caller has left
}

// EventsYAML serves the contract of the socket events as it was written.
func EventsYAML(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(api.AsyncAPI) // fails when the caller has left
}

// SpecJSON returns a handler that serves the contract as JSON. It is made of the YAML at the first request, so that it
// holds nothing that only the generators need.
func SpecJSON(writeError func(w http.ResponseWriter, r *http.Request, err error)) http.HandlerFunc {
	encode := sync.OnceValues(encodeSpec)
	return func(w http.ResponseWriter, r *http.Request) {
		data, err := encode()
		if err != nil {
			writeError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(data) // fails when the caller has left
	}
}

func encodeSpec() ([]byte, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		return nil, fmt.Errorf("reading the contract: %w", err)
	}
	data, err := doc.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encoding the contract: %w", err)
	}
	return data, nil
}
