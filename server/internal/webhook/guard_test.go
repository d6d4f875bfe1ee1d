package webhook_test

import (
	"testing"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/webhook"
)

func guard(t *testing.T, allow string) *egress.Guard {
	t.Helper()
	g, err := egress.New(allow)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const allow = "10.1.0.0/16, 127.0.0.1,[fd00::1], hooks.internal"
	for url, good := range map[string]bool{
		"https://example.com/hook?x=1":        true,
		"http://8.8.8.8:8080":                 true,
		"https://[2606:4700:4700::1111]/":     true,
		"http://10.1.2.3/":                    true, // allowed
		"http://127.0.0.1:9/":                 true, // allowed
		"http://[fd00::1]/":                   true, // allowed
		"http://[::ffff:127.0.0.1]/":          true, // the same as an allowed one
		"http://hooks.internal/":              true, // checked when it is connected to
		"http://127.0.0.2/":                   false,
		"http://10.2.0.1/":                    false,
		"http://192.168.1.1/":                 false,
		"http://172.16.0.1/":                  false,
		"http://169.254.169.254/latest/":      false, // where clouds keep instance secrets
		"http://100.64.0.1/":                  false,
		"http://0.0.0.0/":                     false,
		"http://255.255.255.255/":             false,
		"http://224.0.0.1/":                   false,
		"http://[::1]/":                       false,
		"http://[::]/":                        false,
		"http://[fe80::1%25eth0]/":            false,
		"http://[fd00::2]/":                   false,
		"http://[::ffff:169.254.169.254]/":    false,
		"http://[64:ff9b::a9fe:a9fe]/":        false,
		"http://[2002:a9fe:a9fe::]/":          false,
		"ftp://example.com/":                  false,
		"file:///etc/passwd":                  false,
		"https://user:password@example.com/":  false,
		"https:///path":                       false,
		"example.com":                         false,
		"http://[::1":                         false,
		"gopher://example.com:25/_HELO":       false,
		"javascript:alert(1)":                 false,
		"http://":                             false,
		"unix:///run/docker.sock":             false,
		"http://exa mple.com":                 false,
		"\thttp://example.com":                false,
		"http://example.com:port/":            false,
		"https://xn--bcher-kva.example/hooks": true,
	} {
		err := webhook.CheckCallback(guard(t, allow))(url)
		if good != (err == nil) || err != nil && !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("%q: %v, want allowed %v", url, err, good)
		}
	}
}
