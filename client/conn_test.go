package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/settings"
)

// listen reads events until one is of kind N and, with ok, as wanted.
func listen[N client.Event](t *testing.T, conn *client.Conn, ok ...func(N) bool) N {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n, err := range conn.Events(ctx) {
		if err != nil {
			t.Fatalf("waiting for %T: %v", *new(N), err)
		}
		if wanted, is := n.(N); is && (len(ok) == 0 || ok[0](wanted)) {
			return wanted
		}
	}
	t.Fatalf("waiting for %T: the connection ended", *new(N))
	panic("unreachable")
}

// collect reads messages until count have arrived, and checks that their numbers are consecutive after a given one.
func collect(t *testing.T, conn *client.Conn, after int64, count int) (texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for n, err := range conn.Events(ctx) {
		if err != nil {
			t.Fatalf("after %d of %d messages: %v", len(texts), count, err)
		}
		m, isMessage := n.(client.Broadcast)
		if !isMessage {
			continue
		}
		if after++; m.Seq != after {
			t.Fatalf("message %d %q, want %d", m.Seq, m.Text, after)
		}
		if texts = append(texts, m.Text); len(texts) == count {
			return texts
		}
	}
	t.Fatal("the connection ended")
	return nil
}

func TestConversation(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	conn := h.dial(c)
	agents, err := c.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	channel, err := c.DirectChannel(t.Context(), agents[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := conn.Send(t.Context(), channel.ID, "Hello", client.SendOptions{ID: "mine", SenderName: "Alice", Metadata: map[string]any{"mood": "good"}})
	if err != nil || sent.Seq != 1 {
		t.Fatalf("sent %+v, %v", sent, err)
	}
	own := listen[client.Broadcast](t, conn)
	if own.ID != sent.ID || own.Text != "Hello" || own.SenderID != alice || own.SenderName != "Alice" || own.ClientMessageID != "mine" ||
		own.Seq != 1 || !strings.Contains(string(own.Metadata), "mood") {
		t.Errorf("own message %+v", own)
	}
	if stored, err := c.Message(t.Context(), own.ID); err != nil || int64(own.CreatedAt) != int64(stored.CreatedAtMillis) {
		t.Errorf("created at %d, stored as %+v, %v", own.CreatedAt, stored, err)
	}
	var pieces strings.Builder
	var reply client.Broadcast
	for reply.ID == uuid.Nil {
		switch n := listen[client.Event](t, conn).(type) {
		case client.StreamChunk:
			pieces.WriteString(n.Chunk)
		case client.Broadcast:
			reply = n
		}
	}
	if reply.SenderID != agents[0].ID || reply.Text == "" || pieces.String() != reply.Text || *reply.InReplyToMessageID != sent.ID {
		t.Errorf("reply %+v after the pieces %q", reply, &pieces)
	}
	end := listen[client.Complete](t, conn)
	if *end.MessageID != sent.ID || end.Status != "replied" || *end.ReplyID != reply.ID || *end.AgentID != agents[0].ID {
		t.Errorf("end %+v", end)
	}
}

func TestJoinResumes(t *testing.T) {
	t.Parallel()
	const total = 303 // more than two joins deliver
	h := newHost(t)
	c, _ := h.client(alice)
	room := h.room(c)
	fill(t, c, room, total)
	for _, tt := range []struct{ after, newest int64 }{{0, total}, {total - 3, total}, {total, total}, {client.Latest, total}, {-1, total}} {
		t.Run(fmt.Sprint(tt.after), func(t *testing.T) {
			t.Parallel()
			conn := h.dial(c)
			if newest, err := conn.Join(t.Context(), room, tt.after); err != nil || newest != tt.newest {
				t.Fatalf("newest %d, %v", newest, err)
			}
			if missed := total - int(max(0, min(total, tt.after))); missed > 0 {
				collect(t, conn, max(0, tt.after), missed)
			}
		})
	}
}

// send sends messages first+1 to last, several at once.
func send(t *testing.T, conn *client.Conn, room uuid.UUID, first, last int) {
	t.Helper()
	manyAtOnce(t, first, last, func(text string) error {
		_, err := conn.Send(t.Context(), room, text, client.SendOptions{})
		return err
	})
}

// fill posts messages 1 to total over HTTP.
func fill(t *testing.T, c *client.Client, room uuid.UUID, total int) {
	t.Helper()
	manyAtOnce(t, 0, total, func(text string) error {
		_, err := c.Post(t.Context(), room, text)
		return err
	})
}

func manyAtOnce(t *testing.T, first, last int, post func(text string) error) {
	t.Helper()
	var all sync.WaitGroup
	next := make(chan int)
	for range 32 {
		all.Go(func() {
			for i := range next {
				if err := post(fmt.Sprint(i)); err != nil {
					t.Errorf("posting %d: %v", i, err)
				}
			}
		})
	}
	for i := first + 1; i <= last; i++ {
		next <- i
	}
	close(next)
	all.Wait()
}

// Two clients talk while their connections break, and while the server is stopped and started again. Both receive every message
// once and in the same order, and what each sends is stored once.
func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		disturb func(h *host, a, b *cable)
	}{
		{"a restart", func(h *host, _, _ *cable) { h.stop(); h.start() }},
		{"broken connections", func(_ *host, a, b *cable) { a.cut(); b.cut() }},
		{"the listener's connection", func(_ *host, a, _ *cable) { a.cut() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const rounds, each = 3, 20
			h := newHost(t)
			ca, a := h.client(alice)
			cb, b := h.client(uuid.New())
			listener, speaker := h.dial(ca), h.dial(cb)
			room := h.room(ca)
			for _, conn := range []*client.Conn{listener, speaker} {
				if newest, err := conn.Join(t.Context(), room, client.Latest); err != nil || newest != 0 {
					t.Fatal(newest, err)
				}
			}
			var speaking sync.WaitGroup
			disturb := make(chan struct{})
			speaking.Go(func() {
				for round := range rounds {
					send(t, speaker, room, round*each, round*each+each/2)
					disturb <- struct{}{}
					send(t, speaker, room, round*each+each/2, (round+1)*each) // meanwhile
				}
			})
			for range rounds {
				<-disturb
				tt.disturb(h, a, b)
			}
			speaking.Wait()
			received := collect(t, listener, 0, rounds*each)
			if diff := cmp.Diff(received, collect(t, speaker, 0, rounds*each)); diff != "" {
				t.Errorf("the two received different messages:\n%s", diff)
			}
			once := map[string]bool{}
			for _, text := range received {
				once[text] = true
			}
			if len(once) != rounds*each {
				t.Errorf("%d of %d messages", len(once), rounds*each)
			}
		})
	}
}

// An agent that was asked before a restart answers after it, to a client that noticed no disconnection.
func TestRestartInTheMiddleOfAConversation(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	conn := h.dial(c)
	agents, err := c.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	channel, err := c.DirectChannel(t.Context(), agents[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		sent, err := conn.Send(t.Context(), channel.ID, fmt.Sprint("Hello ", round), client.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		h.stop()
		h.start()
		answer := listen(t, conn, func(m client.Broadcast) bool { return m.SenderID == agents[0].ID })
		if answer.InReplyToMessageID == nil || *answer.InReplyToMessageID != sent.ID || answer.Seq != int64(2*round+2) {
			t.Errorf("round %d: %+v", round, answer)
		}
	}
}

// Messages that are not read are not buffered without bound, and not lost.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const total = 1150 // more than the client buffers for a reader
	h := newHost(t)
	c, _ := h.client(alice)
	room := h.room(c)
	conn := h.dial(c)
	if _, err := conn.Join(t.Context(), room, client.Latest); err != nil {
		t.Fatal(err)
	}
	fill(t, c, room, total)
	if _, err := conn.Send(t.Context(), room, "last", client.SendOptions{}); err != nil { // the acknowledgement arrives although the events are not read
		t.Fatal(err)
	}
	collect(t, conn, 0, total)
	if m := listen[client.Broadcast](t, conn); m.Seq != total+1 || m.Text != "last" {
		t.Errorf("then %+v", m)
	}
}

// A network that fails silently is noticed by the heartbeats.
func TestSilence(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *settings.Settings) {
		c.Sockets.PingInterval, c.Sockets.PingTimeout = 200*time.Millisecond, 300*time.Millisecond
	})
	c, cable := h.client(alice)
	room := h.room(c)
	conn := h.dial(c)
	if _, err := conn.Join(t.Context(), room, client.Latest); err != nil {
		t.Fatal(err)
	}
	cable.mute()
	if lost := listen[client.Disconnected](t, conn); !strings.Contains(fmt.Sprint(lost.Err), "silent") {
		t.Errorf("lost: %v", lost.Err)
	}
	listen[client.Reconnected](t, conn)
	if again := listen[client.Rejoined](t, conn); again != (client.Rejoined{ChannelID: room}) {
		t.Errorf("rejoined: %+v", again)
	}
}

func TestChannelEvents(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	other, _ := h.client(uuid.New())
	room := h.room(c)
	conn, second := h.dial(c), h.dial(other)
	for _, conn := range []*client.Conn{conn, second} {
		if _, err := conn.Join(t.Context(), room, client.Latest); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	if err := second.Typing(ctx, room, true); err != nil {
		t.Fatal(err)
	}
	if n := listen[client.Typing](t, conn); n != (client.Typing{ChannelID: room, EntityID: other.Entity()}) {
		t.Errorf("typing: %+v", n)
	}
	if err := second.Typing(ctx, room, false); err != nil {
		t.Fatal(err)
	}
	if n := listen[client.Typing](t, conn); !n.Stopped {
		t.Errorf("typing: %+v", n)
	}
	sent, err := second.Send(ctx, room, "Hello", client.SendOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := listen[client.Complete](t, conn); n.MessageID == nil || *n.MessageID != sent.ID || n.Status != "unhandled" || n.AgentID != nil || n.Detail == "" {
		t.Errorf("complete: %+v", n)
	}
	if err := c.DeleteMessage(ctx, room, sent.ID); err != nil {
		t.Fatal(err)
	}
	if n := listen[client.MessageDeleted](t, conn); n != (client.MessageDeleted{MessageID: sent.ID, ChannelID: room, RoomID: room}) {
		t.Errorf("deleted: %+v", n)
	}
	if err := c.ClearChannel(ctx, room); err != nil {
		t.Fatal(err)
	}
	listen[client.ChannelCleared](t, conn)
	if _, err := c.UpdateChannel(ctx, room, client.ChannelPatch{Name: new("Salon")}); err != nil {
		t.Fatal(err)
	}
	if n := listen[client.ChannelUpdated](t, conn); n.Updates.Name != "Salon" || n.Updates.CreatedAt.IsZero() || n.Updates.Participants[0] != alice {
		t.Errorf("updated: %+v", n)
	}
	if err := conn.Leave(ctx, room); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteChannel(ctx, room); err != nil {
		t.Fatal(err)
	}
	listen[client.ChannelDeleted](t, second)
	if got := append(conn.Channels(), second.Channels()...); len(got) != 0 {
		t.Errorf("still joined: %v", got)
	}
}

// A connection whose token ends is made again with the next one of the source, which is asked for each.
func TestTokenSource(t *testing.T) {
	t.Parallel()
	const secret = "a secret of more than thirty-two bytes"
	h := newHost(t, func(c *settings.Settings) { c.Security.Tokens.Secret = secret })
	lifetimes := []time.Duration{-28 * time.Second, time.Hour} // the clocks may be half a minute apart
	var dialed atomic.Int64
	c, _ := h.client(alice, client.WithToken(func(context.Context) (string, error) {
		left := lifetimes[min(int(dialed.Add(1))-1, len(lifetimes)-1)]
		return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": alice.String(), "exp": time.Now().Add(left).Unix()}).SignedString([]byte(secret))
	}))
	conn := h.dial(c)
	listen[client.Reconnected](t, conn)
	if _, err := c.Agents(t.Context()); err != nil {
		t.Error(err)
	}
	none, _ := h.client(alice, client.WithToken(func(context.Context) (string, error) { return "", errors.New("signed out") }))
	if _, err := none.Agents(t.Context()); err == nil || !strings.Contains(err.Error(), "signed out") {
		t.Errorf("without a token: %v", err)
	}
}

func TestSocketRefusals(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *settings.Settings) { c.Security.AuthToken = "sesame" })
	wrong, _ := h.client(alice, client.WithAPIKey("open"))
	if _, err := wrong.Dial(t.Context()); !client.IsCode(err, apierr.Unauthorized) {
		t.Errorf("a wrong key: %v", err)
	}
	c, cable := h.client(alice, client.WithAPIKey("sesame"))
	conn := h.dial(c)
	room := uuid.New()
	if _, err := conn.Send(t.Context(), room, "", client.SendOptions{}); !client.IsCode(err, "INVALID_MESSAGE") {
		t.Errorf("no text: %v", err)
	}
	if _, err := conn.Send(t.Context(), room, strings.Repeat("x", 200_001), client.SendOptions{}); !client.IsCode(err, apierr.ValidationFailed) {
		t.Errorf("a long text: %v", err)
	}
	if _, err := conn.Send(t.Context(), room, strings.Repeat("x", 2<<20), client.SendOptions{}); !client.IsCode(err, apierr.TooLarge) {
		t.Errorf("a text larger than a frame: %v", err)
	}
	_, err := conn.Send(t.Context(), room, "Hello", client.SendOptions{Server: uuid.New()})
	if !client.IsNotFound(err) {
		t.Errorf("an unknown server: %v", err)
	}

	h.stop()
	h.config.Security.AuthToken = "another"
	h.start()
	cable.cut()
	var end error
	for _, err := range conn.Events(t.Context()) {
		end = err
	}
	if !client.IsCode(end, apierr.Unauthorized) {
		t.Errorf("the end: %v", end)
	}
	if _, err := conn.Join(t.Context(), uuid.New(), 0); !client.IsCode(err, apierr.Unauthorized) {
		t.Errorf("after the end: %v", err)
	}
}

func TestSocketWaitsForRateLimits(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(c *settings.Settings) {
		c.Limits.RateLimit, c.Limits.SocketMax, c.Limits.SocketWindow = true, 5, time.Second
	})
	c, _ := h.client(alice)
	conn := h.dial(c)
	room := h.room(c)
	send(t, conn, room, 0, 8)
	collect(t, conn, 0, 8)
}

func TestDialFails(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice, client.WithRetries(1))
	h.stop()
	if _, err := c.Dial(t.Context()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("without a server: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	patient, _ := h.client(alice, client.WithRetries(1000))
	if _, err := patient.Dial(ctx); err == nil || ctx.Err() == nil {
		t.Errorf("with a deadline: %v", err)
	}
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	elsewhere, err := client.New(page.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Dial(t.Context()); !client.IsNotFound(err) {
		t.Errorf("another server: %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	c, _ := h.client(alice)
	conn := h.dial(c)
	room := h.room(c)
	if _, err := conn.Join(t.Context(), room, client.Latest); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for n, err := range conn.Events(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v, %v", n, err)
		}
	}
	if _, err := conn.Join(ctx, uuid.New(), 0); !errors.Is(err, context.Canceled) || len(conn.Channels()) != 1 {
		t.Errorf("%v, joined %v", err, conn.Channels())
	}
	h.stop()
	listen[client.Disconnected](t, conn)
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Send(t.Context(), room, "Is anybody there?", client.SendOptions{})
		ended <- err
	}()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, client.ErrClosed) {
		t.Errorf("sending: %v", err)
	}
	for n, err := range conn.Events(t.Context()) {
		t.Errorf("after the end: %v, %v", n, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
