package egress_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/egress"
)

func guard(t *testing.T, lists ...string) *egress.Guard {
	t.Helper()
	g, err := egress.New(lists...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestListsAreRead(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"http://example.com", "10.0.0.0/99", "a b", "host:port", "host:99999", "host:0", ":80", "user@host", "a/b"} {
		if _, err := egress.New("good.example", bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, good := range []string{"", "example.com", "example.com:8080", "10.0.0.0/8", "10.0.0.0/8:11434", "10.0.0.1:80", "[fd00::1]:80", "fd00::1", "fd00::/8", " A , b "} {
		if _, err := egress.New(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestCheckBase(t *testing.T) {
	t.Parallel()
	away := guard(t, "10.1.0.0/16, lan.internal:8080", "192.168.1.5:11434").WithLoopback(func() bool { return false })
	home := guard(t).WithLoopback(func() bool { return true })
	for _, test := range []struct {
		address    string
		away, home bool
	}{
		{"https://models.example/v1", true, true},
		{"https://8.8.8.8/v1", true, true},
		{"http://models.example/v1", false, false},
		{"http://8.8.8.8/v1", false, false},
		{"http://127.0.0.1:1234/v1", false, true},
		{"http://127.9.9.9:1/v1", false, true},
		{"http://[::1]:1234/v1", false, true},
		{"http://[::ffff:127.0.0.1]:1234/v1", false, true},
		{"http://localhost:11434/v1", false, true},
		{"http://localhost.evil.example/v1", false, false},
		{"http://127.0.0.1.nip.example/v1", false, false},
		{"http://0.0.0.0:1234/v1", false, false},
		{"http://[::]:1234/v1", false, false},
		{"http://10.1.2.3:9/v1", true, false},
		{"http://10.2.2.3/v1", false, false},
		{"https://10.2.2.3/v1", false, false},
		{"http://lan.internal:8080/v1", true, false},
		{"http://lan.internal:8081/v1", false, false},
		{"http://192.168.1.5:11434/v1", true, false},
		{"https://192.168.1.5:443/v1", false, false},
		{"https://169.254.169.254/latest", false, false},
		{"https://[fd00:ec2::254]/latest", false, false},
		{"https://[64:ff9b::a9fe:a9fe]/", false, false},
		{"https://[::169.254.169.254]/", false, false},
		{"https://[::ffff:10.2.0.1]/", false, false},
		{"https://[2002:7f00:1::]/", false, false},
		{"https://100.100.100.200/", false, false},
		{"https://models.example/v1?all=1", false, false},
		{"https://models.example/v1?", false, false},
		{"https://models.example/v1#x", false, false},
		{"https://user:pw@models.example/v1", false, false},
		{"https://user@models.example/v1", false, false},
		{"ftp://models.example/", false, false},
		{"//models.example/v1", false, false},
		{"models.example", false, false},
		{"https://", false, false},
	} {
		for name, g := range map[string]*egress.Guard{"away": away, "at home": home} {
			want := test.away
			if g == home {
				want = test.home
			}
			err := g.CheckBase(test.address)
			if _, refused := egress.Reason(err); (err == nil) != want || err != nil && !refused {
				t.Errorf("%s %s: %v, want allowed %v", test.address, name, err, want)
			}
		}
	}
}

// The addresses behind a name are checked when it is connected to.
func TestNamesAreCheckedWhenConnected(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // which must not be looked up
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	byName := fmt.Sprintf("http://localhost:%s/", u.Port())
	get := func(g *egress.Guard, address string) (int, error) {
		client := g.Client(1, 10*time.Second)
		defer client.CloseIdleConnections()
		resp, err := client.Get(address)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	may := false
	g := guard(t).WithLoopback(func() bool { return may })
	for _, address := range []string{byName, server.URL} {
		if _, err := get(g, address); !errors.Is(err, egress.Private) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests came through", asked.Load())
	}
	may = true
	if status, err := get(g, byName); err != nil || status != 200 {
		t.Errorf("at home: %d, %v", status, err)
	}
	for _, allow := range []string{"localhost", "127.0.0.0/8", "localhost:" + u.Port(), "127.0.0.1:" + u.Port(), "[::1], 127.0.0.1"} {
		if status, err := get(guard(t, allow), byName); err != nil || status != 200 {
			t.Errorf("%s allowed: %d, %v", allow, status, err)
		}
	}
	if _, err := get(guard(t, "127.0.0.1:1, localhost:1"), byName); !errors.Is(err, egress.Private) {
		t.Errorf("another port allowed: %v", err)
	}
	if status, err := get(guard(t, "localhost"), strings.TrimSuffix(byName, "/")+"/away"); err != nil || status != http.StatusFound {
		t.Errorf("a redirect: %d, %v", status, err)
	}
}
