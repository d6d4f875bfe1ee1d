package server_test

import (
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
