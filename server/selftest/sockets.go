package selftest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// hearing is how long an answer on a socket may take.
const hearing = 20 * time.Second

// The operations on sockets, as they are reported.
const (
	opConnect = "connect"
	opJoin    = "join"
	opPost    = "post"
	opHear    = "hear"
	opLogs    = "subscribe_logs"
)

// dialect is one of the two kinds of sockets.
type dialect struct {
	way, path string
	greet     func(auth map[string]string) []string // what is sent first
	welcome   []string                              // one of these says that the socket is let in
	refused   []string                              // or that it isn't, or may not do something
	join      func(channel string) string
	joined    string
	post      func(channel, sender, text string) string
	posted    string // the own message, heard
	logs      string // subscribes to the log; "" where nobody can
	logging   string
}

// dialects returns both kinds.
func dialects() []dialect {
	event := func(name string, payload map[string]any) string { return "42" + encode([]any{name, payload}) }
	return []dialect{
		{
			way: SocketIO, path: "/socket.io/?EIO=4&transport=websocket",
			greet:   func(auth map[string]string) []string { return []string{"40" + encode(auth)} },
			welcome: []string{`42["connection_established"`}, refused: []string{"44", `42["messageError"`},
			join: func(channel string) string {
				return event("join_channel", map[string]any{"channelId": channel, "lastSeq": 0})
			},
			joined: `42["channel_joined"`,
			post: func(channel, sender, text string) string {
				return event("2", map[string]any{"channelId": channel, "senderId": sender, "message": text})
			},
			posted:  `42["messageBroadcast"`,
			logs:    event("subscribe_logs", map[string]any{}),
			logging: `42["log_subscription_confirmed"`,
		},
		{
			way: Plain, path: "/ws",
			greet: func(auth map[string]string) []string {
				frame := map[string]string{"type": "auth"}
				for name, value := range auth {
					frame[name] = value
				}
				return []string{encode(frame)}
			},
			welcome: []string{`{"type":"status","status":"connected"`}, refused: []string{`{"type":"error"`},
			join:   func(channel string) string { return encode(map[string]any{"type": "join", "channelId": channel}) },
			joined: `{"type":"status","status":"joined"`,
			post: func(channel, _, text string) string {
				return encode(map[string]any{"type": "message", "channelId": channel, "content": text})
			},
			posted: `{"type":"message"`,
		},
	}
}

func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // what is sent can be encoded
	}
	return string(text)
}

// sockets tries both kinds of sockets as everybody.
func (r *run) sockets(ctx context.Context) error {
	for _, d := range dialects() {
		if r.Progress != nil {
			r.Progress(len(r.cases), d.way)
		}
		if err := r.dialect(ctx, d); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("on %s: %w", d.way, err)
		}
	}
	return nil
}

// line is a connection of a caller.
type line struct {
	dialect
	caller
	conn *websocket.Conn
	in   bool // it is let in, and open
}

// dialect tries one kind. Everybody connects, tries to join the owner's channel, to write to it and to see the log; then the owner
// says something, and who has not joined by right must not have heard it.
func (r *run) dialect(ctx context.Context, d dialect) error {
	r.things.spend(channel)
	at, err := r.things.get(ctx, channel)
	if err != nil {
		return err
	}
	if _, err := r.things.get(ctx, message); err != nil {
		return err
	}
	var lines []*line
	defer func() {
		for _, l := range lines {
			l.close()
		}
	}()
	for _, c := range r.callers {
		if c.elsewhere && r.Other.Alternating {
			continue
		}
		l := &line{dialect: d, caller: c}
		lines = append(lines, l)
		if err := r.try(ctx, l, at); err != nil {
			return err
		}
	}
	return r.overhear(ctx, lines, at)
}

// try has a caller connect and try what it may not, unless it may.
func (r *run) try(ctx context.Context, l *line, at string) error {
	chats := slices.Contains(l.scopes, "chat")
	heard, err := l.connect(ctx)
	if err != nil {
		return err
	}
	l.in = starts(heard, l.welcome)
	r.onSocket(l, opConnect, map[bool]string{true: LetIn, false: "is refused"}[chats], l.in == chats, heard)
	if !l.in {
		return nil
	}
	right := (l.owner || l.everyone) && !l.elsewhere
	want := map[bool]string{true: LetIn, false: wantHidden}[right]
	if l.elsewhere {
		want = wantNothing // a channel of that id may be its own
	}
	for _, step := range []struct {
		name, send, in string
		may            bool
		want           string
	}{
		{opJoin, l.join(at), l.joined, right, want},
		{opPost, l.post(at, l.entity.String(), "let me in"), l.posted, right, want},
		{opLogs, l.logs, l.logging, slices.Contains(l.scopes, "admin"), map[bool]string{true: LetIn, false: wantScope}[slices.Contains(l.scopes, "admin")]},
	} {
		if step.send == "" || l.elsewhere && step.name == opLogs {
			continue
		}
		heard, err := l.ask(ctx, step.send, append([]string{step.in}, l.refused...)...)
		if err != nil {
			return err
		}
		held := strings.HasPrefix(heard, step.in) == step.may || l.elsewhere
		if !step.may && strings.Contains(heard, r.things.word) {
			held = false
		}
		r.onSocket(l, step.name, step.want, held, heard)
	}
	return nil
}

// overhear has the owner say something and looks who hears it. When the owner has heard a second message, the first has been written to
// everybody who gets it; what they are answered after that comes behind it.
func (r *run) overhear(ctx context.Context, lines []*line, at string) error {
	word := "canary" + strings.ReplaceAll(uuid.NewString(), "-", "")
	mine := lines[slices.IndexFunc(lines, func(l *line) bool { return l.owner })]
	for _, text := range []string{word, "end of " + word} {
		body := encode(map[string]any{"author_id": mine.entity, "message_server_id": r.things.ids[server], "content": text})
		if _, err := r.things.ask(ctx, mine.caller, "POST", "/api/messaging/channels/{channel}/messages", body); err != nil {
			return err
		}
	}
	heard, err := mine.until(ctx, func(frame string) bool { return strings.Contains(frame, "end of "+word) })
	if err != nil {
		return fmt.Errorf("the owner does not hear its own channel: %w", err)
	}
	r.onSocket(mine, opHear, LetIn, true, heard)
	for _, l := range lines {
		if !l.in || l == mine {
			continue
		}
		right := l.everyone && !l.elsewhere
		var all strings.Builder
		if right {
			_, err = l.until(ctx, func(frame string) bool { all.WriteString(frame); return strings.Contains(frame, "end of "+word) })
		} else {
			nowhere := uuid.NewString() // which its own message makes, or nobody finds
			if err = l.write(ctx, l.post(nowhere, l.entity.String(), "my own")); err == nil {
				_, err = l.until(ctx, func(frame string) bool {
					all.WriteString(frame)
					return starts(frame, l.refused) || strings.HasPrefix(frame, l.posted) && strings.Contains(frame, "my own")
				})
			}
		}
		if err != nil {
			return fmt.Errorf("as %s: %w", l.name, err)
		}
		r.onSocket(l, opHear, map[bool]string{true: LetIn, false: wantNothing}[right], strings.Contains(all.String(), word) == right, all.String())
	}
	return nil
}

func (r *run) onSocket(l *line, what, want string, held bool, heard string) {
	out := Case{Operation: what, Way: l.way, Caller: l.name, Want: want, Held: held}
	if !held {
		out.Found = fmt.Sprintf("it heard %.300s", heard)
	}
	r.cases = append(r.cases, out)
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.CloseNow()
	}
}

// connect opens the connection, shows the credential and returns the answer.
func (l *line) connect(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(l.base, "http")+l.path, nil)
	if err != nil {
		return "", fmt.Errorf("connecting: %w", err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	l.conn = conn
	conn.SetReadLimit(maxAnswer)
	auth := map[string]string{}
	if l.key != "" {
		auth["apiKey"] = l.key
	}
	if l.token != "" {
		auth["token"] = l.token
	}
	if l.claims != uuid.Nil {
		auth["entityId"] = l.claims.String()
	} else if l.entity != uuid.Nil {
		auth["entityId"] = l.entity.String()
	}
	for _, frame := range l.greet(auth) {
		if err := l.write(ctx, frame); err != nil {
			return "", err
		}
	}
	return l.until(ctx, func(frame string) bool { return starts(frame, l.welcome) || starts(frame, l.refused) })
}

func (l *line) write(ctx context.Context, frame string) error {
	return l.conn.Write(ctx, websocket.MessageText, []byte(frame))
}

// ask sends a frame and returns the first that begins with one of some texts.
func (l *line) ask(ctx context.Context, frame string, answers ...string) (string, error) {
	if err := l.write(ctx, frame); err != nil {
		return "", err
	}
	return l.until(ctx, func(frame string) bool { return starts(frame, answers) })
}

// until reads frames up to one that is meant, and answers pings meanwhile.
func (l *line) until(ctx context.Context, isMeant func(frame string) bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	for {
		_, raw, err := l.conn.Read(ctx)
		if err != nil {
			return "", fmt.Errorf("reading from the socket of %s: %w", l.name, err)
		}
		frame := string(raw)
		if l.way == SocketIO && frame == "2" {
			if err := l.write(ctx, "3"); err != nil {
				return "", err
			}
			continue
		}
		if isMeant(frame) {
			return frame, nil
		}
	}
}

func starts(frame string, texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return strings.HasPrefix(frame, text) })
}
