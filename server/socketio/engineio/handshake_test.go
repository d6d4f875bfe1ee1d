package engineio_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/socketio/engineio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

func TestHandshake(t *testing.T) {
	bubble(t, engineio.Config{PingInterval: 300 * time.Millisecond}, func(t *testing.T, b *bundle) {
		b.onOpen = func(r *recorder) { r.send("early") }
		reply := b.Get(t, pollingURL)
		polling := parseOpen(t, reply.Body) // alone, without the message that was sent already
		expect(t, "content type", reply.Header.Get("Content-Type"), "text/plain; charset=UTF-8")
		expect(t, "cache control", reply.Header.Get("Cache-Control"), "no-store")
		expect(t, "length of the id", len(polling.SID), 20)
		want := handshake{SID: polling.SID, Upgrades: []string{"websocket"}, PingInterval: 300, PingTimeout: 20_000, MaxPayload: 1_000_000}
		if diff := cmp.Diff(want, polling); diff != "" {
			t.Errorf("polling, -want +got:\n%s", diff)
		}
		expect(t, "first poll", b.Get(t, pollingURL+"&sid="+polling.SID).Body, "4early")

		ws := b.WebSocket(t, websocketURL)
		got := parseOpen(t, ws.Next())
		want.SID, want.Upgrades = got.SID, []string{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("websocket, -want +got:\n%s", diff)
		}
		ws.Expect("4early")
	})
}

func TestRequestChecks(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{AllowRequest: func(r *http.Request) error {
		switch {
		case r.URL.Query().Has("deny"):
			return errors.New("")
		case r.URL.Query().Has("explain"):
			return errors.New("not on Sundays")
		}
		return nil
	}}, sockettest.ServeTCP)
	ws, session := b.dial()
	defer ws.CloseNow()
	upgraded := pollingURL + "&sid=" + session.session.ID()
	polling, _ := b.open()

	for _, test := range []struct {
		name, method, target string
		status               int
		body                 string
	}{
		{"no transport", "GET", "/engine.io/?EIO=4", 400, `{"code":0,"message":"Transport unknown"}`},
		{"hostile transport", "GET", "/engine.io/?EIO=4&transport=__proto__", 400, `{"code":0,"message":"Transport unknown"}`},
		{"webtransport", "GET", "/engine.io/?EIO=4&transport=webtransport", 400, `{"code":0,"message":"Transport unknown"}`},
		{"transport before session", "GET", "/engine.io/?EIO=4&transport=x&sid=y", 400, `{"code":0,"message":"Transport unknown"}`},
		{"unknown session", "GET", pollingURL + "&sid=nope", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"unknown session, POST", "POST", pollingURL + "&sid=nope", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"POST without a session", "POST", pollingURL, 400, `{"code":2,"message":"Bad handshake method"}`},
		{"method before version", "PUT", "/engine.io/?transport=polling", 400, `{"code":2,"message":"Bad handshake method"}`},
		{"poll of an upgraded session", "GET", upgraded, 400, `{"code":3,"message":"Bad request"}`},
		{"WebSocket without an upgrade", "GET", websocketURL, 400, `{"code":3,"message":"Bad request"}`},
		{"upgrade stripped by a proxy", "GET", strings.Replace(polling, "polling", "websocket", 1), 400, `{"code":3,"message":"Bad request"}`},
		{"refused", "GET", pollingURL + "&deny", 403, `{"code":4,"message":"Forbidden"}`},
		{"refused with a text", "GET", pollingURL + "&explain", 403, `{"code":4,"message":"not on Sundays"}`},
		{"refusal before version", "GET", "/engine.io/?transport=polling&deny", 403, `{"code":4,"message":"Forbidden"}`},
		{"no version", "GET", "/engine.io/?transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"version 3", "GET", "/engine.io/?EIO=3&transport=polling", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"last duplicate wins", "GET", pollingURL + "&EIO=3", 400, `{"code":5,"message":"Unsupported protocol version"}`},
		{"other method", "PUT", polling, 405, ""},
		{"unknown and repeated parameters", "GET", polling + "&t=abc&b64=1&sid=nope&x=%00", 400, `{"code":1,"message":"Session ID unknown"}`},
		{"long URL", "GET", pollingURL + "&x=" + strings.Repeat("x", 5000), 431, `{"code":3,"message":"Request header too large"}`},
	} {
		reply := b.Do(t, b.Request(t, test.method, test.target, ""))
		expect(t, test.name+", status", reply.Status, test.status)
		expect(t, test.name+", body", reply.Body, test.body)
		expect(t, test.name+", CORS", reply.Header.Get("Access-Control-Allow-Origin"), "*")
		expect(t, test.name+", credentials", reply.Header.Get("Access-Control-Allow-Credentials"), "")
	}
}

// What the HTTP server lets through need not be safe to echo.
func TestHeadersThatAreRefused(t *testing.T) {
	t.Parallel()
	server := engineio.NewServer(engineio.Config{MaxHeaderBytes: 1000}, nil)
	for _, test := range []struct {
		name, header, value, target string
		status                      int
		body                        string
	}{
		{"origin with a control character", "Origin", "https://a\x7f", pollingURL, 400, `{"code":3,"message":"Bad request"}`},
		{"the same after the transport", "Origin", "https://a\r\nx", "/engine.io/?transport=x", 400, `{"code":0,"message":"Transport unknown"}`},
		{"the same before the session", "Origin", "\x00", pollingURL + "&sid=nope", 400, `{"code":3,"message":"Bad request"}`},
		{"much of a header", "X-Long", strings.Repeat("x", 1000), pollingURL, 431, `{"code":3,"message":"Request header too large"}`},
	} {
		r := httptest.NewRequest(http.MethodGet, test.target, nil)
		r.Header[test.header] = []string{test.value}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		expect(t, test.name+", status", w.Code, test.status)
		expect(t, test.name+", body", w.Body.String(), test.body)
	}
}

func TestFailingUpgradeGetsPlainText(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{CORS: engineio.CORS{Origins: []string{"https://app.example"}}}, sockettest.ServeTCP)
	for _, test := range []struct{ target, origin, body string }{
		{websocketURL + "&sid=nope", "", "Session ID unknown"},
		{"/engine.io/?transport=websocket", "", "Unsupported protocol version"},
		{websocketURL, "https://evil.example", "Forbidden"},
		{pollingURL, "", "Bad request"},
	} {
		r := b.Request(t, http.MethodGet, test.target, "")
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		reply := b.Do(t, r)
		expect(t, test.target+", status", reply.Status, 400)
		expect(t, test.target+", body", reply.Body, test.body)
		expect(t, test.target+", content type", reply.Header.Get("Content-Type"), "text/html")
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	listed := engineio.CORS{Origins: []string{"https://app.example"}}
	for _, test := range []struct {
		name                string
		cors                engineio.CORS
		origin, method      string
		status              int
		allowed, credential string
	}{
		{"any", engineio.CORS{}, "https://x.example", "GET", 200, "*", ""},
		{"listed", listed, "https://app.example", "GET", 200, "https://app.example", "true"},
		{"not listed", listed, "https://x.example", "GET", 200, "", ""},
		{"no origin", listed, "", "GET", 200, "", ""},
		{"preflight", listed, "https://app.example", "OPTIONS", 204, "https://app.example", "true"},
		{"preflight, any", engineio.CORS{}, "https://x.example", "OPTIONS", 204, "*", ""},
		{"preflight, not listed", listed, "https://x.example", "OPTIONS", 204, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, engineio.Config{CORS: test.cors}, sockettest.ServeTCP)
			r := b.Request(t, test.method, pollingURL, "")
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			r.Header.Set("Access-Control-Request-Headers", "x-api-key")
			reply := b.Do(t, r)
			expect(t, "status", reply.Status, test.status)
			expect(t, "origin", reply.Header.Get("Access-Control-Allow-Origin"), test.allowed)
			expect(t, "credentials", reply.Header.Get("Access-Control-Allow-Credentials"), test.credential)
			if test.method == "OPTIONS" {
				methods, headers := "GET,POST", "x-api-key"
				if test.allowed == "" {
					methods, headers = "", ""
				}
				expect(t, "methods", reply.Header.Get("Access-Control-Allow-Methods"), methods)
				expect(t, "headers", reply.Header.Get("Access-Control-Allow-Headers"), headers)
				expect(t, "varies", strings.Contains(strings.Join(reply.Header.Values("Vary"), ","), "Access-Control-Request-Headers"), true)
				expect(t, "sessions", len(b.all()), 0)
			}
			for _, r := range b.all() {
				r.session.Abort("done")
			}
		})
	}
}

func TestCookieAndHeaderHooks(t *testing.T) {
	bubble(t, engineio.Config{
		Cookie:         &http.Cookie{Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode},
		InitialHeaders: func(h http.Header, _ *http.Request) { h.Set("X-Initial", "1") },
		Headers:        func(h http.Header, _ *http.Request) { h.Set("X-Every", "1") },
		KeepHeaders:    []string{"user-agent"},
	}, func(t *testing.T, b *bundle) {
		reply := b.Get(t, pollingURL)
		sid := parseOpen(t, reply.Body).SID
		expect(t, "cookie", reply.Header.Get("Set-Cookie"), "io="+sid+"; Path=/; HttpOnly; SameSite=Lax")
		expect(t, "initial header", reply.Header.Get("X-Initial"), "1")
		kept := b.session(sid).session.Request()
		expect(t, "headers kept", len(kept.Header), 1)
		expect(t, "query kept", kept.Query().Get("transport"), "polling")

		b.session(sid).send("x")
		reply = b.Get(t, pollingURL+"&sid="+sid)
		expect(t, "cookie of the second response", reply.Header.Get("Set-Cookie"), "")
		expect(t, "initial header of the second response", reply.Header.Get("X-Initial"), "")
		expect(t, "header of the second response", reply.Header.Get("X-Every"), "1")

		ws, response, err := websocket.Dial(t.Context(), b.URL+websocketURL, &websocket.DialOptions{HTTPClient: b.Client})
		if err != nil {
			t.Fatal(err)
		}
		_, open, err := ws.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "cookie over WebSocket", response.Header.Get("Set-Cookie"), "io="+parseOpen(t, string(open)).SID+"; Path=/; HttpOnly; SameSite=Lax")
		expect(t, "initial header over WebSocket", response.Header.Get("X-Initial"), "1")
		_ = ws.CloseNow()
	})
}

func TestSessionLimits(t *testing.T) {
	bubble(t, engineio.Config{MaxSessionsPerIP: 1, ClientIP: func(r *http.Request) string { return r.Header.Get("X-Real-IP") }},
		func(t *testing.T, b *bundle) {
			from := func(ip string) int {
				r := b.Request(t, http.MethodGet, pollingURL, "")
				r.Header.Set("X-Real-IP", ip)
				return b.Do(t, r).Status
			}
			expect(t, "first", from("10.0.0.1"), 200)
			expect(t, "second", from("10.0.0.1"), 503)
			expect(t, "another address", from("10.0.0.2"), 200)
			for _, r := range b.all() {
				r.session.Abort("done")
			}
			expect(t, "after the end of the first", from("10.0.0.1"), 200)
		})
}

func TestHandshakesAreThrottled(t *testing.T) {
	var asked string
	wait := time.Duration(0)
	cfg := engineio.Config{Throttle: func(address string) time.Duration {
		asked = address
		return wait
	}, ClientIP: func(*http.Request) string { return "10.0.0.1" }}
	bubble(t, cfg, func(t *testing.T, b *bundle) {
		url, _ := b.open()
		expect(t, "address", asked, "10.0.0.1")
		wait = 1500 * time.Millisecond
		reply := b.Get(t, pollingURL)
		expect(t, "status", reply.Status, 429)
		expect(t, "body", reply.Body, `{"code":4,"message":"Too many connections"}`)
		expect(t, "retry after", reply.Header.Get("Retry-After"), "2")
		_, response, err := websocket.Dial(t.Context(), b.URL+websocketURL, &websocket.DialOptions{HTTPClient: b.Client})
		if err == nil || response == nil || response.StatusCode != 429 {
			t.Errorf("a WebSocket is answered with %v, %v", response, err)
		}
		ws := b.WebSocket(t, asWebSocket(url)) // existing sessions may go on
		ws.Send("2probe")
		ws.Expect("3probe")
		ws.CloseNow()
	})
}
