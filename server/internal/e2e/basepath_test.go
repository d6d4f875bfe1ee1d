package e2e_test

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// proxy serves an elizad below a path, which it strips; it may add headers, as pairs of name and value.
func proxy(t *testing.T, to, path string, header ...string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		inner := strings.TrimPrefix(r.In.URL.EscapedPath(), path)
		r.Out.URL.RawPath = inner
		if r.Out.URL.Path, err = url.PathUnescape(inner); err != nil {
			t.Error(err)
		}
		r.Out.Host = r.In.Host
		for i := 0; i < len(header); i += 2 {
			r.Out.Header.Set(header[i], header[i+1])
		}
	}})
	t.Cleanup(site.Close)
	return site.URL + path + "/"
}

// TestBrowserBelowAPath uses the page through proxies that serve it below a path, as a person would, in headless Chromium.
func TestBrowserBelowAPath(t *testing.T) {
	t.Parallel()
	const prefix = "X-Forwarded-Prefix"
	for name, tt := range map[string]struct {
		path   string
		header []string
		env    []string
	}{
		"a proxy that says nothing":          {"/eliza", nil, nil},
		"a proxy that is not believed":       {"/eliza", []string{prefix, "/eliza"}, nil},
		"a proxy that is trusted":            {"/eliza", []string{prefix, "/eliza/"}, []string{"TRUST_PROXY=127.0.0.1"}},
		"two levels, and a letter to escape": {"/tools/chat%20room", []string{prefix, "/tools/chat%20room"}, []string{"TRUST_PROXY=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, t.TempDir(), tt.env...)
			site := proxy(t, p.url, tt.path, tt.header...)
			t.Log(node(t, "browser.mjs", "--url", site, "--out", screenshots(t)))
		})
	}
}
