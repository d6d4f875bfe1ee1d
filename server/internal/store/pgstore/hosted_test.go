package pgstore_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store/pgstore"
)

// The TLS settings of an address have the same meaning to the server as in the programs that they were written for: whether TLS
// is used, and whether the server is verified.
func TestHostedDatabase(t *testing.T) {
	t.Parallel()
	h := pgtest.NewHosted(t)
	admin := connect(t, h.Private.URL())
	authority, foreign := url.QueryEscape(h.Authority), url.QueryEscape(pgtest.ForeignAuthority(t))
	pasted := strings.Replace(h.URL("localhost"), url.UserPassword(h.User, h.Password).String(), h.User+":"+h.Password, 1)
	for _, address := range []string{
		h.URL("localhost"), pasted, // the driver tries with TLS first
		h.URL("127.0.0.1") + "?sslmode=require",
		h.URL("localhost") + "?sslmode=require&channel_binding=require",
		h.URL("localhost") + "?ssl=require",
		h.URL("127.0.0.1") + "?sslmode=no-verify",
		h.URL("127.0.0.1") + "?sslmode=no-verify&sslrootcert=" + foreign,
		h.URL("127.0.0.1") + "?sslmode=require&sslaccept=accept_invalid_certs&sslcert=" + foreign,
		h.URL("127.0.0.1") + "?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory",
		h.URL("127.0.0.1") + "?sslmode=verify-ca&sslrootcert=" + authority,
		h.URL("localhost") + "?sslmode=verify-full&sslrootcert=" + authority,
		h.URL("localhost") + "?sslmode=require&sslaccept=strict&sslcert=" + authority,
		h.URL("localhost") + "?ssl=true&sslrootcert=" + authority,
		pasted + "?sslmode=verify-full&sslrootcert=" + authority + "&pgbouncer=true",
		"host=localhost port=" + h.Port + " dbname=" + h.Database + " user=" + h.User + " password='" + h.Password + "' sslmode=verify-full sslrootcert=" + h.Authority,
	} {
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: address})
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		var all, secured int
		if err := admin.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE client_port > 0").Scan(&all, &secured); err != nil {
			t.Fatal(err)
		}
		if all == 0 || secured != all {
			t.Errorf("%s: %d of %d connections are secured", address, secured, all)
		}
		_ = s.Close()
	}
	wrong := strings.Replace(h.URL("localhost"), url.UserPassword(h.User, h.Password).String(), h.User+":hunter2", 1)
	otherUser := strings.Replace(h.URL("localhost"), h.User+":", "bob:", 1)
	create := "createdb -h localhost -p " + h.Port + " -U postgres --owner="
	const unverified = "its TLS certificate can't be verified"
	for name, tt := range map[string]struct {
		address string
		want    []string
	}{
		"no TLS":              {h.URL("localhost") + "?sslmode=disable", []string{"no encryption", "sslmode=require"}},
		"another authority":   {h.URL("localhost") + "?sslmode=verify-full&sslrootcert=" + foreign, []string{unverified, "sslrootcert=FILE", "sslmode=no-verify"}},
		"required with one":   {h.URL("localhost") + "?sslmode=require&sslrootcert=" + foreign, []string{unverified, "sslrootcert=FILE"}},
		"an unknown one":      {h.URL("localhost") + "?sslmode=verify-full", []string{unverified, "sslrootcert=FILE", "sslmode=no-verify"}},
		"checked by ssl":      {h.URL("localhost") + "?ssl=true", []string{unverified, "sslrootcert=FILE"}},
		"checked by accept":   {h.URL("localhost") + "?sslmode=prefer&sslaccept=strict", []string{unverified, "sslrootcert=FILE"}},
		"another host":        {h.URL("127.0.0.1") + "?sslmode=verify-full&sslrootcert=" + authority, []string{unverified, "127.0.0.1", "sslrootcert=FILE"}},
		"wrong password":      {wrong + "?sslmode=require", []string{"password authentication failed", "Correct the password in POSTGRES_URL", create + h.User}},
		"its own twice":       {wrong, []string{"password authentication failed", "Correct the password in POSTGRES_URL"}},
		"no password":         {strings.Replace(wrong, ":hunter2", "", 1) + "?sslmode=require", []string{"password", "POSTGRES_URL"}},
		"no such user":        {otherUser + "?sslmode=require", []string{"password authentication failed", "createuser -h localhost -p " + h.Port + " -U postgres --pwprompt bob", create + "bob"}},
		"no such database":    {strings.Replace(h.URL("localhost"), "/"+h.Database, "/nowhere", 1) + "?sslmode=require", []string{`database "nowhere" does not exist`, create + h.User + " nowhere"}},
		"a file that is none": {h.URL("localhost") + "?sslmode=verify-full&sslrootcert=/nowhere.pem", []string{"POSTGRES_URL", "/nowhere.pem"}},
	} {
		s, err := pgstore.Open(t.Context(), pgstore.Config{URL: tt.address})
		if err == nil {
			_ = s.Close()
			t.Errorf("%s: opened", name)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", name, want, err)
			}
		}
		if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, h.Password) || strings.Contains(text, url.QueryEscape(h.Password)) {
			t.Errorf("%s: the password is in: %v", name, err)
		}
	}
}
