package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/client"
)

// The owner makes a key, sees it in the list, and revokes it; the key alone is on standard output.
func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	i, url := serving(t, dir)
	keys := func(args ...string) (code int, out, err string) {
		return do(append(append([]string{"keys"}, args...), "--url", url, "--data-dir", dir)...)
	}
	code, key, about := keys("create", "Website", "--scope", "manage,service", "--expires", "90d")
	key = strings.TrimSuffix(key, "\n")
	if code != 0 || !strings.HasPrefix(key, "elz_") || strings.ContainsAny(key, " \n") || !strings.Contains(about, "asks every caller") || strings.Contains(about, key) {
		t.Fatalf("create: %d\n%s\n%s", code, key, about)
	}
	var listed []client.APIKey
	code, text, about := keys("list", "--json")
	if err := json.Unmarshal([]byte(text), &listed); code != 0 || err != nil || len(listed) != 1 || listed[0].Name != "Website" || len(listed[0].Scopes) != 2 || listed[0].ExpiresAt == nil {
		t.Fatalf("list: %d, %v\n%s\n%s", code, err, text, about)
	}
	if code, text, _ := keys("list"); code != 0 || !strings.Contains(text, listed[0].ID.String()) || !strings.Contains(text, "manage,service") {
		t.Errorf("list: %d\n%s", code, text)
	}
	if code, _, text := keys("list", "--key", key); code != exitFailure || !strings.Contains(text, "scope admin") {
		t.Errorf("list with the key: %d %s", code, text)
	}
	if code, text, _ := keys("revoke", listed[0].ID.String()); code != 0 || !strings.Contains(text, listed[0].ID.String()) {
		t.Errorf("revoke: %d %s", code, text)
	}
	if _, text, _ := keys("list"); !strings.Contains(text, "revoked") {
		t.Errorf("the list after it:\n%s", text)
	}
	i.signals <- os.Interrupt
	if code := <-i.code; code != 0 {
		t.Errorf("exit code %d: %s", code, i.err)
	}
	if code, _, text := keys("list"); code != exitFailure || !strings.Contains(text, "no server answers") {
		t.Errorf("without a server: %d %s", code, text)
	}
}

func TestKeysUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		want string
	}{
		{"create Website", "--scope"},
		{"create Website --scope all", "--scope"},
		{"create Website --scope read --expires soon", "--expires"},
		{"create Website --scope read --url nowhere", "--url"},
		{"revoke 7", "id"},
		{"revoke", "id"},
	} {
		if code, out, text := do(append([]string{"keys"}, strings.Fields(tt.args)...)...); code != exitUsage || out != "" || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %s", tt.args, code, text)
		}
	}
}

// The owner's token is sent to this machine, however its address is written, and to no other.
func TestOwnersTokenStaysHere(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:3000": true, "http://localhost:3000": true, "http://[::1]:3000/eliza": true,
		"https://example.org": false, "http://localhost.example.org": false, "http://127.0.0.1@example.org": false, "http://10.0.0.1": false, "%": false,
	} {
		if got := isThisMachine(address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
	for host, want := range map[string]string{
		"0.0.0.0": "http://127.0.0.1:1", "::": "http://127.0.0.1:1", "[::1]": "http://[::1]:1", "192.0.2.1": "http://192.0.2.1:1",
	} {
		if got := (remote{Host: host, Port: 1}).address(); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestParseEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"12h":                  now.Add(12 * time.Hour),
		"90d":                  now.AddDate(0, 0, 90),
		"2027-01-31":           time.Date(2027, 1, 31, 0, 0, 0, 0, time.Local),
		"2027-01-31T10:00:00Z": time.Date(2027, 1, 31, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := parseEnd(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0d", "-1d", "-5h", "soon", "31.1.2027"} {
		if got, err := parseEnd(text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
