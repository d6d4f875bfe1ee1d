package rest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/elizad/elizad/api"
)

// SpecYAML returns a handler that serves the contract as it was written, but for what is in it once for many places: YAML
// 1.2, which OpenAPI names, has no merge keys. It is written out at the first request.
func SpecYAML(writeError writeErrorFunc) http.HandlerFunc {
	return document("application/yaml", func() ([]byte, error) { return expandYAML(api.OpenAPI) }, writeError)
}

// EventsYAML returns a handler that serves the contract of the socket events as it was written.
func EventsYAML(writeError writeErrorFunc) http.HandlerFunc {
	return document("application/yaml", func() ([]byte, error) { return api.AsyncAPI, nil }, writeError)
}

// SpecJSON returns a handler that serves the contract as JSON. It is made of the YAML at the first request, so that it
// holds nothing that only the generators need.
func SpecJSON(writeError writeErrorFunc) http.HandlerFunc {
	return document("application/json", encodeSpec, writeError)
}

type writeErrorFunc = func(w http.ResponseWriter, r *http.Request, err error)

// document returns a handler for a text that never changes. It is made, and compressed, once.
func document(contentType string, text func() ([]byte, error), writeError writeErrorFunc) http.HandlerFunc {
	plain := sync.OnceValues(text)
	etag := sync.OnceValue(func() string {
		data, _ := plain() // whose error the handler reports
		sum := sha256.Sum256(data)
		return `W/"` + hex.EncodeToString(sum[:12]) + `"` // weak: it stands for both forms
	})
	packed := sync.OnceValues(func() ([]byte, error) {
		data, err := plain()
		if err != nil {
			return nil, err
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return b.Bytes(), nil
	})
	return func(w http.ResponseWriter, r *http.Request) {
		form, zipped := plain, acceptsGzip(r)
		if zipped {
			form = packed
		}
		data, err := form()
		if err != nil {
			writeError(w, r, err)
			return
		}
		header := w.Header()
		if zipped {
			header.Set("Content-Encoding", "gzip")
		}
		header.Set("Content-Type", contentType)
		header.Set("ETag", etag())
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// acceptsGzip reports whether a caller asks for gzip in the plainest way, as browsers and tools do.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		if strings.EqualFold(strings.TrimSpace(part), "gzip") {
			return true
		}
	}
	return false
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
