package openai_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/openai"
)

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.RequestURI() }))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	for base, want := range map[string]string{
		server.URL:                                              "/v1/chat/completions",
		server.URL + "/":                                        "/v1/chat/completions",
		host:                                                    "/v1/chat/completions",
		server.URL + "/v1":                                      "/v1/chat/completions",
		server.URL + "/v1/":                                     "/v1/chat/completions",
		server.URL + "/api/v1":                                  "/api/v1/chat/completions",
		server.URL + "/v1beta/openai/":                          "/v1beta/openai/chat/completions",
		server.URL + "/v1/chat/completions":                     "/v1/chat/completions",
		server.URL + "/v1/chat/completions/":                    "/v1/chat/completions",
		server.URL + "/v1/models":                               "/v1/chat/completions",
		server.URL + "/v1/responses":                            "/v1/chat/completions",
		server.URL + "/v1/messages":                             "/v1/chat/completions",
		server.URL + "/v1/completions":                          "/v1/chat/completions",
		server.URL + "/v1/embeddings/":                          "/v1/chat/completions",
		server.URL + "/v1/audio/speech":                         "/v1/chat/completions",
		server.URL + "/proxy/v1/audio/transcriptions":           "/proxy/v1/chat/completions",
		server.URL + "/chat/completions":                        "/v1/chat/completions",
		server.URL + "/deploy/x?api-version=1":                  "/deploy/x/chat/completions?api-version=1",
		server.URL + "/deploy/x/chat/completions?api-version=1": "/deploy/x/chat/completions?api-version=1",
	} {
		_, _ = model.Collect(newClient(t, base, nil).Generate(t.Context(), ask("hi"))) // an empty answer is an error
		if asked != want {
			t.Errorf("base URL %s asks for %s, want %s", base, asked, want)
		}
	}
	for _, base := range []string{"", "ftp://host", "http://", "http://user:secret@ho st/", "https://:8080"} {
		_, err := openai.New(openai.Config{BaseURL: base})
		if !model.IsKind(err, model.Config) || strings.Contains(err.Error(), "secret") {
			t.Errorf("base URL %q: %v", base, err)
		}
	}
	if _, err := openai.New(openai.Config{BaseURL: server.URL, APIKey: "two words"}); !model.IsKind(err, model.Auth) {
		t.Errorf("key with a space: %v", err)
	}
}
