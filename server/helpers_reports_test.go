package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/settings"
)

// ingest stands for the endpoint of Sentry that takes envelopes.
type ingest struct {
	t    testing.TB
	http *httptest.Server
	came chan reported
}

// reported is an item of an envelope.
type reported struct {
	path, auth string
	item       string // its type
	raw        string // the whole request: headers and body
	event      struct {
		Level       string
		Platform    string
		Environment string
		Release     string
		ServerName  string `json:"server_name"`
		Transaction string
		Tags        map[string]string
		Contexts    map[string]map[string]any
		Fingerprint []string
		Start       time.Time `json:"start_timestamp"`
		Timestamp   time.Time
		Exception   []struct {
			Type, Value string
			Stacktrace  struct {
				Frames []struct {
					Module, Function, Filename string
					AbsPath                    string `json:"abs_path"`
				}
			}
		}
	}
}

// newIngest starts an endpoint. Each request is first given to before, if that is not nil.
func newIngest(t testing.TB, before func(*http.Request)) *ingest {
	in := &ingest{t: t, came: make(chan reported, 100)}
	in.http = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if before != nil {
			before(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // given up
		}
		var raw bytes.Buffer
		_ = r.Header.Write(&raw)
		raw.Write(body)
		in.read(reported{path: r.URL.Path, auth: r.Header.Get("X-Sentry-Auth"), raw: raw.String()}, body)
	}))
	t.Cleanup(in.http.Close)
	return in
}

// read takes an envelope apart: a line of JSON about it and, for each item, one about the item and the item, of the length that
// is said there.
func (in *ingest) read(r reported, envelope []byte) {
	lines := bufio.NewReader(bytes.NewReader(envelope))
	line := func(into any) bool {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return false
		}
		if err := json.Unmarshal(text, into); err != nil {
			in.t.Errorf("a line of the envelope is no JSON: %s", text)
		}
		return true
	}
	var about struct {
		DSN string
	}
	if !line(&about) || about.DSN == "" {
		in.t.Errorf("the envelope has no header: %s", envelope)
	}
	for {
		var item struct {
			Type   string
			Length int
		}
		if !line(&item) {
			return
		}
		payload := make([]byte, item.Length+1)
		if _, err := io.ReadFull(lines, payload); err != nil || payload[item.Length] != '\n' {
			in.t.Errorf("the item has not the length %d: %s", item.Length, envelope)
			return
		}
		r.item = item.Type
		if err := json.Unmarshal(payload, &r.event); err != nil {
			in.t.Errorf("the item is no event: %v", err)
		}
		in.came <- r
	}
}

// next waits for an item.
func (in *ingest) next() reported {
	in.t.Helper()
	select {
	case r := <-in.came:
		return r
	case <-time.After(patience):
		in.t.Fatal("nothing was reported")
		return reported{}
	}
}

// none says what came that should not have.
func (in *ingest) none() {
	in.t.Helper()
	select {
	case r := <-in.came:
		in.t.Errorf("reported: %s", r.raw)
	default:
	}
}

// dsn is the address of a project there.
func (in *ingest) dsn() string {
	return strings.Replace(in.http.URL, "http://", "http://publickey@", 1) + "/42"
}

// reporting returns settings of a server that reports there.
func (in *ingest) reporting() settings.Settings {
	cfg := testConfig(in.t)
	cfg.Reports.SentryDSN = in.dsn()
	return cfg
}
