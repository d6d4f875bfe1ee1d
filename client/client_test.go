package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/api"
	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/apierr"
)

var (
	alice = uuid.MustParse("17dcb1c8-cf1f-438a-b8c7-dc93995e78be")
	eliza = uuid.MustParse("b850bc30-45f8-0041-a00a-83df46d8555d")
)

// wire is a server without a network: a function answers the requests. Each is checked against the contract first.
func wire(t *testing.T, answer http.HandlerFunc, opts ...client.Option) *client.Client {
	t.Helper()
	return wired(t, answer, func(*openapi3.Operation) {}, opts...)
}

// wired is wire, and reports the operation of the contract for each request.
func wired(t *testing.T, answer http.HandlerFunc, asked func(*openapi3.Operation), opts ...client.Option) *client.Client {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers, doc.Security = nil, nil
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	send := func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		route, params, err := router.FindRoute(r)
		if err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
			return nil, err
		}
		asked(route.Operation)
		input := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
			ExcludeRequestBody: strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/"), // which the library can't validate
		}}
		if err := openapi3filter.ValidateRequest(r.Context(), input); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		w := httptest.NewRecorder()
		answer(w, r)
		if w.Code == dropped {
			return nil, errors.New("connection reset by peer")
		}
		return w.Result(), nil
	}
	opts = append([]client.Option{client.WithHTTPClient(&http.Client{Transport: roundTripper(send)}), client.WithEntity(alice)}, opts...)
	c, err := client.New("http://elizad.test", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// dropped is the status that stands for a broken connection.
const dropped = 599

func ok(w http.ResponseWriter, data string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"success":true,"data":%s}`, data)
}

func fail(w http.ResponseWriter, status int, code apierr.Code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"success":false,"error":{"code":%q,"message":%q,"details":"why"}}`, code, message)
}

func want[T comparable](err error, got, want T) error {
	if err == nil && got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return err
}

func TestErrors(t *testing.T) {
	t.Parallel()
	c := wire(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "r1")
		fail(w, 404, apierr.NotFound, "Agent not found")
	})
	_, err := c.Agent(t.Context(), eliza)
	got, isError := errors.AsType[*client.Error](err)
	if !isError || !client.IsNotFound(err) || !client.IsCode(err, apierr.NotFound) || client.IsCode(err, apierr.Conflict) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(&client.Error{Status: 404, Code: "NOT_FOUND", Message: "Agent not found", Details: "why", RequestID: "r1"}, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if text := err.Error(); !strings.Contains(text, "reading an agent") || !strings.Contains(text, "Agent not found") {
		t.Errorf("text: %s", text)
	}

	proxy := wire(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusForbidden) })
	if err := proxy.Ping(t.Context()); !strings.Contains(fmt.Sprint(err), "403 Forbidden") || client.IsNotFound(err) {
		t.Errorf("a response of another server: %v", err)
	}
	for _, bad := range []string{"", "elizad", "ftp://x", "http://"} {
		if _, err := client.New(bad); err == nil {
			t.Errorf("%q was taken for an address", bad)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	create := func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateChannel(ctx, client.NewChannel{Name: "c"})
		return err
	}
	tests := []struct {
		name  string
		call  func(ctx context.Context, c *client.Client) error
		fail  int // status of all attempts but the last
		after string
		want  int // attempts
	}{
		{"reading, overloaded", func(ctx context.Context, c *client.Client) error { return c.Ping(ctx) }, 503, "", 3},
		{"reading, behind a broken proxy", func(ctx context.Context, c *client.Client) error { return c.Ping(ctx) }, 502, "", 3},
		{"reading, broken connection", func(ctx context.Context, c *client.Client) error { return c.Ping(ctx) }, dropped, "", 3},
		{"deleting", func(ctx context.Context, c *client.Client) error { return c.DeleteAgent(ctx, eliza) }, 429, "2", 3},
		{"posting carries its own id", func(ctx context.Context, c *client.Client) error { _, err := c.Post(ctx, eliza, "x"); return err }, dropped, "", 3},
		{"a failed agent stays failed", func(ctx context.Context, c *client.Client) error { _, err := c.Post(ctx, eliza, "x"); return err }, 502, "", 1},
		{"creating carries a key", create, 503, "", 3},
		{"creating, broken connection", create, dropped, "", 3},
		{"creating, while the first attempt is at work", create, 409, "1", 3},
		{"what is there already stays in conflict", create, 409, "", 1},
		{"changing is not repeated", func(ctx context.Context, c *client.Client) error {
			_, err := c.UpdateChannel(ctx, eliza, client.ChannelPatch{Name: new("c")})
			return err
		}, 503, "", 1},
		{"a refusal is final", func(ctx context.Context, c *client.Client) error { return c.Ping(ctx) }, 400, "", 1},
		{"a server that wants to be left alone", func(ctx context.Context, c *client.Client) error { return c.Ping(ctx) }, 429, "3600", 1},
		{"a server that wants to be left alone for ages", func(ctx context.Context, c *client.Client) error { return c.Ping(ctx) }, 429, "36893488147", 1},
		{"health is asked once", func(ctx context.Context, c *client.Client) error { _, err := c.Health(ctx); return err }, 503, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				attempts, bodies, keys := 0, map[string]bool{}, map[string]bool{}
				c := wire(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					bodies[string(body)], keys[r.Header.Get("Idempotency-Key")] = true, true
					if attempts++; attempts < 3 {
						w.Header().Set("Retry-After", tt.after)
						fail(w, tt.fail, "X", "x")
						return
					}
					ok(w, `{}`)
				})
				began := time.Now()
				err := tt.call(t.Context(), c)
				if attempts != tt.want || (err == nil) != (tt.want == 3 || tt.name == "health is asked once") {
					t.Errorf("%d attempts, want %d: %v", attempts, tt.want, err)
				}
				if len(bodies) != 1 || len(keys) != 1 {
					t.Errorf("attempts differ: %v %v", bodies, keys)
				}
				if waited := time.Since(began); tt.after == "2" && waited != 4*time.Second {
					t.Errorf("waited %v for Retry-After", waited)
				}
			})
		})
	}
}

// A server that redirects its clients elsewhere, as a proxy may, doesn't get their keys sent along.
func TestKeysAreNotSentElsewhere(t *testing.T) {
	t.Parallel()
	for target, stays := range map[string]bool{
		"https://elizad.test/api/server/ping": false, "https://elsewhere.test/": true, "http://elizad.test.evil.test/": true,
	} {
		var asked []string
		c, err := client.New("http://elizad.test", client.WithAPIKey("k"), client.WithServiceSecret("s"),
			client.WithToken(func(context.Context) (string, error) { return "t", nil }),
			client.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				w := httptest.NewRecorder()
				if asked = append(asked, r.Header.Get("X-API-KEY")+r.Header.Get("X-Internal-Service-Secret")+r.Header.Get("Authorization")); len(asked) == 1 {
					http.Redirect(w, r, target, http.StatusTemporaryRedirect)
				} else {
					ok(w, `{}`)
				}
				return w.Result(), nil
			})}))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Ping(t.Context()); err != nil || len(asked) != 2 || asked[0] != "ksBearer t" || (asked[1] == "") != stays {
			t.Errorf("%s: keys %q, %v", target, asked, err)
		}
	}
}

// A caller that gives up while the client pauses learns both: that the context ended, and why the client paused.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := client.New("http://elizad.test", client.WithRetries(1000), client.WithHTTPClient(&http.Client{
			Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/socket.io/" {
					return nil, errors.New("connection refused")
				}
				w := httptest.NewRecorder()
				if r.Header.Get("Last-Event-ID") == "" {
					_, _ = io.WriteString(w, frameSent)
				}
				return w.Result(), nil
			})}))
		if err != nil {
			t.Fatal(err)
		}
		for name, call := range map[string]func(ctx context.Context) error{
			"broken": func(ctx context.Context) error {
				_, err := client.Reply(c.Stream(ctx, eliza, client.NewMessage{Content: new("Hello")}))
				return err
			},
			"refused": func(ctx context.Context) error { _, err := c.Dial(ctx); return err },
		} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := call(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := wire(t, func(w http.ResponseWriter, _ *http.Request) { fail(w, 503, apierr.Unavailable, "starting") },
			client.WithTimeout(time.Second), client.WithRetries(1000))
		began := time.Now()
		err := c.Ping(t.Context())
		if took := time.Since(began); !client.IsCode(err, apierr.Unavailable) || took == 0 || took >= time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestHistoryReadsPageByPage(t *testing.T) {
	t.Parallel()
	const total = 450
	var requests atomic.Int32
	c := wire(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		before, limit := total+1, 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("cursor"), "before%d", &before)
		_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &limit)
		var messages []map[string]any
		for seq := before - 1; seq > 0 && len(messages) < limit; seq-- {
			messages = append(messages, map[string]any{"id": uuid.New(), "seq": seq, "createdAt": time.UnixMilli(int64(seq)).UTC()})
		}
		cursors := map[string]any{}
		if oldest := before - len(messages); oldest > 1 {
			cursors["next"] = fmt.Sprintf("before%d", oldest)
		}
		data, _ := json.Marshal(map[string]any{"messages": messages, "hasMore": cursors["next"] != nil, "cursors": cursors})
		ok(w, string(data))
	})
	next := int64(total)
	for m, err := range c.History(t.Context(), eliza) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Seq != next {
			t.Fatalf("message %d, want %d", m.Seq, next)
		}
		next--
	}
	if next != 0 || requests.Load() != 3 {
		t.Errorf("%d messages are missing after %d requests", next, requests.Load())
	}
	requests.Store(0)
	for range c.History(t.Context(), eliza) {
		break
	}
	if requests.Load() != 1 {
		t.Errorf("%d requests for one message", requests.Load())
	}
}

// A job may take longer than the client's time-out for a response, and the server longer than the client asks for.
func TestAwaitJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const took = 45 * time.Second
		ends, requests := time.Now().Add(took), 0
		c := wire(t, func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 2 { // it is about to stop, and ends waits
				_, _ = io.WriteString(w, `{"status":"processing"}`)
				return
			}
			wait := 0
			if _, err := fmt.Sscanf(r.Header.Get("Prefer"), "wait=%d", &wait); err != nil {
				t.Error(err)
			}
			waiting := time.NewTimer(min(time.Duration(wait)*time.Second, time.Until(ends)))
			defer waiting.Stop()
			select {
			case <-waiting.C:
			case <-r.Context().Done():
			}
			if time.Now().Before(ends) {
				_, _ = io.WriteString(w, `{"status":"processing"}`)
				return
			}
			_, _ = io.WriteString(w, `{"status":"completed","endedAt":5}`)
		}, client.WithTimeout(time.Second))
		began := time.Now()
		job, err := c.AwaitJob(t.Context(), eliza)
		if err != nil || job.EndedAt == nil || time.Since(began) != took || requests > 5 {
			t.Errorf("%+v, %v after %v and %d requests", job, err, time.Since(began), requests)
		}
	})
}

func TestHealthOfASickServer(t *testing.T) {
	t.Parallel()
	c := wire(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(503)
		_, _ = io.WriteString(w, `{"status":"DEGRADED","version":"1","timestamp":"2026-11-20T15:33:10.230Z","agentCount":0}`)
	})
	h, err := c.Health(t.Context())
	if err != nil || h.Status != "DEGRADED" {
		t.Errorf("%v %v", h, err)
	}
}
