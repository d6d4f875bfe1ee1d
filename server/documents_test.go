package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/url"
	"regexp"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Who reads the events from the server finds the payloads where they are referred to.
func TestEventsReferToWhatIsServed(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	base := &url.URL{Path: "/asyncapi.yaml"}
	events := string(n.do("GET", base.Path, nil).want(200).body)
	schemas := map[string]openapi3.Schemas{} // by the path of the document
	refs := regexp.MustCompile(`\$ref: "([^#"]+)#/components/schemas/(\w+)"`).FindAllStringSubmatch(events, -1)
	for _, ref := range refs {
		at, err := base.Parse(ref[1])
		if err != nil {
			t.Fatal(err)
		}
		if schemas[at.Path] == nil {
			doc, err := openapi3.NewLoader().LoadFromData(n.do("GET", at.Path, nil).want(200).body)
			if err != nil {
				t.Fatal(err)
			}
			schemas[at.Path] = doc.Components.Schemas
		}
		if schemas[at.Path][ref[2]] == nil {
			t.Errorf("%s has no schema %s", at, ref[2])
		}
	}
	if len(refs) < 40 || len(schemas) != 1 {
		t.Errorf("%d references to %d documents", len(refs), len(schemas))
	}
}

func TestDocumentsAreCompressedOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, path := range []string{"/openapi.json", "/openapi.yaml", "/asyncapi.yaml"} {
		plain := n.do("GET", path, nil, "Accept-Encoding", "identity").want(200)
		packed := n.do("GET", path, nil, "Accept-Encoding", "br, gzip").want(200)
		r, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, plain.body) || packed.header.Get("Content-Encoding") != "gzip" || packed.header.Get("Vary") == "" {
			t.Errorf("%s: %d bytes of %d, %v, %v", path, len(got), len(plain.body), packed.header, err)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for path, want := range map[string]string{
		"/openapi.json": `"openapi":"3.0.3"`, "/openapi.yaml": "openapi: 3.0.3", "/asyncapi.yaml": "asyncapi: 3.0.0",
		"/docs": "<html", "/": "<!doctype html>", "/chat/somebody": "<!doctype html>",
	} {
		if a := n.do("GET", path, nil).want(200); !bytes.Contains(a.body, []byte(want)) {
			t.Errorf("%s has no %s: %.200s", path, want, a.body)
		}
	}
}
