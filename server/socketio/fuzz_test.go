package socketio_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/socketio"
)

// FuzzSession posts any payload to a session whose handlers use all that they get. Nothing may panic or hang, and the session
// must end. Events are handled beside the payload, which may disconnect the socket meanwhile.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"40", "40\x1e42[\"echo\",1]", "40{\"pid\":\"x\",\"offset\":\"y\"}", "40/custom,\x1e41/custom",
		"40\x1e451-7[\"echo\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID", "40\x1e430[1]\x1e3\x1e1", "40\x1e42[1,{}]\x1e41\x1e40",
		"40\x1e452-[\"echo\",[{\"a\":{\"_placeholder\":true,\"num\":1}}]]\x1ebAA==\x1ebAQ==",
	} {
		f.Add([]byte(seed))
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	f.Fuzz(func(t *testing.T, payload []byte) {
		server := socketio.NewServer(socketio.Config{Logger: log, Recovery: socketio.RecoveryConfig{Mode: socketio.RecoveryReplay}})
		for _, name := range []string{"/", "/custom"} {
			server.Of(name).OnConnect(func(s *socketio.Socket) {
				s.OnAny(func(_ context.Context, ev *socketio.Event) {
					var v any
					_ = ev.Decode(0, &v)
					_, _ = ev.Bytes(0)
					if err := ev.Ack(ev.Values()...); err != nil && !errors.Is(err, socketio.ErrDisconnected) {
						t.Errorf("sending back %q: %v", ev.Args, err)
					}
					if err := s.Emit("echo", v); err != nil && !errors.Is(err, socketio.ErrDisconnected) {
						t.Errorf("emitting %v: %v", v, err)
					}
				})
			})
		}
		do := func(method, target, body string) *httptest.ResponseRecorder {
			recorder := httptest.NewRecorder()
			server.ServeHTTP(recorder, httptest.NewRequest(method, target, strings.NewReader(body)))
			if recorder.Code >= http.StatusInternalServerError {
				t.Errorf("%s: status %d", method, recorder.Code)
			}
			return recorder
		}
		url := pollingURL + "&sid=" + strings.Split(do(http.MethodGet, pollingURL, "").Body.String(), `"`)[3]
		do(http.MethodPost, url, string(payload))
		do(http.MethodPost, url, "1")
		do(http.MethodGet, url, "") // which the session waits for, if it was open
		if err := server.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}
