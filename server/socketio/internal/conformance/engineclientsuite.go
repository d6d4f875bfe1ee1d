package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/elizad/elizad/server/socketio/engineio"
)

// engineClientSuite serves the suite of engine.io-client.
func engineClientSuite() http.Handler {
	var posts sync.Map // the header of the last POST by session, which the suite asks for
	server := engineio.NewServer(engineio.Config{
		PingInterval: 500 * time.Millisecond,
		MaxPayload:   100,
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Has("deny") {
				return errors.New("Forbidden")
			}
			return nil
		},
		Headers: func(_ http.Header, r *http.Request) {
			if r.Method == http.MethodPost {
				posts.Store(r.URL.Query().Get("sid"), r.Header.Clone())
			}
		},
		InitialHeaders: func(h http.Header, _ *http.Request) {
			h["Set-Cookie"] = []string{
				"1=1; Max-Age=86400",
				"2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
				"3=3; Max-Age=0",
				"4=4; Expires=" + time.Now().UTC().Format(http.TimeFormat),
			}
		},
	}, func(s *engineio.Session) engineio.Handler {
		s.Send(engineio.NewFrame([]byte("hi")), engineio.SendOptions{})
		return &suiteSession{echo: echo{s}, posts: &posts}
	})
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", server)
	return mux
}

// suiteSession echoes, but for a few requests of the suite.
type suiteSession struct {
	echo
	posts *sync.Map
}

func (s *suiteSession) OnMessage(data []byte, binary bool) {
	switch string(data) {
	case "give binary":
		s.session.Send(engineio.NewBinaryFrame([]byte{0, 1, 2, 3, 4}), engineio.SendOptions{})
	case "give utf8":
		s.echo.OnMessage([]byte("пойду спать всем спокойной ночи"), false)
	case "sendHeaders":
		s.sendHeaders()
	default:
		s.echo.OnMessage(data, binary)
	}
}

func (s *suiteSession) sendHeaders() {
	named := make(map[string]string)
	if header, ok := s.posts.Load(s.session.ID()); ok {
		for name, values := range header.(http.Header) {
			named[strings.ToLower(name)] = values[0]
		}
	}
	text, err := json.Marshal(named)
	if err != nil {
		return // unreachable: strings marshal
	}
	s.echo.OnMessage(text, false)
}

func (s *suiteSession) OnClose(string) { s.posts.Delete(s.session.ID()) }
