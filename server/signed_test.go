package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/seal"
	"github.com/elizad/elizad/server/settings"
)

// pictures is a server that isolates data, with what people and an admin do there with files.
type pictures struct {
	*node
	cfg           settings.Settings
	issuer        issuer
	admin         *node
	owner, guest  uuid.UUID
	mine          *node // as the owner
	channel       uuid.UUID
	file          string // the address of a file there, as the upload answered
	stranger      uuid.UUID
	theirs        *node // as the stranger
	agent         uuid.UUID
	elsewhere     uuid.UUID
	agents        string // the address of a file of the agent, as the upload answered
	agentsContent string
}

func withPictures(t *testing.T, change ...func(*settings.Settings)) *pictures {
	t.Helper()
	issuer, tokens := bySecret()
	cfg := testConfig(t)
	cfg.Security.Tokens, cfg.Security.Isolation, cfg.Security.AuthToken, cfg.Security.MasterKey = tokens, true, rightKey, server.NewMasterKey()
	for _, c := range change {
		c(&cfg)
	}
	p := &pictures{node: startWith(t, cfg), cfg: cfg, issuer: issuer, owner: uuid.New(), guest: uuid.New(), stranger: uuid.New()}
	p.admin, p.mine, p.theirs = p.keyed(rightKey), p.bearing(p.token(p.owner)), p.bearing(p.token(p.stranger))
	p.agent = p.admin.agents()[0].ID
	p.channel = p.mine.group(p.owner, p.guest)
	p.elsewhere = p.theirs.group(p.stranger, p.guest)
	p.file = data[api.Upload](p.mine.uploadToChannel(p.channel, formPart{"file", "a.png", "image/png", pngBytes}).want(200)).URL
	p.agentsContent = pngBytes + " of the agent"
	p.agents = data[api.Upload](p.admin.uploadToAgent(p.agent, formPart{"file", "b.png", "image/png", p.agentsContent}).want(200)).URL
	return p
}

func (p *pictures) token(of uuid.UUID) string { return p.issuer.sign(p.t, of.String(), time.Hour) }

// post posts with attachments.
func (p *pictures) post(as *node, channel uuid.UUID, attachments any) answer {
	p.t.Helper()
	return as.post(channel, api.PostMessageRequest{Content: new("look"), Attachments: jsonOf(attachments)}).want(201)
}

// listeners joins a channel over Socket.IO and over a plain WebSocket.
func (p *pictures) listeners(who, channel uuid.UUID) (conn, plain *websocket.Conn) {
	p.t.Helper()
	conn = p.open(map[string]any{"token": p.token(who)})
	p.expect(conn, "1", map[string]any{"channelId": channel}, "channel_joined")
	plain = p.plain(map[string]any{"type": "auth", "token": p.token(who)})
	p.hear(plain)
	p.write(plain, string(jsonOf(map[string]any{"type": "join", "channelId": channel})))
	p.hear(plain)
	return conn, plain
}

// said returns the next message on a plain WebSocket.
func (p *pictures) said(conn *websocket.Conn) string {
	p.t.Helper()
	for {
		switch frame := p.hear(conn); {
		case frame == "":
			p.t.Fatal("the connection has ended")
		case strings.Contains(frame, `"type":"message"`):
			return frame
		}
	}
}

var signature = regexp.MustCompile(`\?sig=[0-9]+\.[A-Za-z0-9_-]+`)

func bare(address string) string { return signature.ReplaceAllString(address, "") }

// signedIn checks that text has an address only as it was signed, and at least so often.
func signedIn(t *testing.T, what, text, address string, least int) {
	t.Helper()
	if all, signed := strings.Count(text, bare(address)), strings.Count(text, address+`"`); signed < least || all != signed {
		t.Errorf("%s: of %d addresses %d are signed, want %d at least: %s", what, all, signed, least, text)
	}
}

// TestSignedAddresses follows a file through everything that shows it: whoever sees it has an address that a browser can load.
func TestSignedAddresses(t *testing.T) {
	t.Parallel()
	called := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&body) // what isn't JSON has no address
		called <- string(body)
	}))
	t.Cleanup(receiver.Close)
	p := withPictures(t, func(c *settings.Settings) { c.Sessions.WebhookAllow = "127.0.0.0/8" })
	p.do("GET", bare(p.file), nil).want(404)
	if got := p.do("GET", p.file, nil).want(200); string(got.body) != pngBytes {
		t.Errorf("%q", got.body)
	}
	if got := p.do("GET", p.agents, nil).want(200); string(got.body) != p.agentsContent {
		t.Errorf("%q", got.body)
	}
	conn, plain := p.listeners(p.guest, p.channel)
	attachments := []any{map[string]any{"url": p.file, "title": "a"}, p.agents}
	shows := func(what, text string, least int) {
		t.Helper()
		signedIn(t, what, text, p.file, least)
		signedIn(t, what, text, p.agents, least)
	}
	posted := p.post(p.mine, p.channel, attachments)
	message := into[api.MessagePostedEnvelope](posted).UserMessage.ID
	shows("the answer to a post", string(posted.body), 1)
	e := readEvent(t, conn)
	for ; e.name != "messageBroadcast"; e = readEvent(t, conn) {
		continue
	}
	shows("Socket.IO", string(e.payload), 1)
	shows("a plain WebSocket", p.said(plain), 1)
	p.mine.edit(message, "changed").want(200)
	for ; e.name != "messageUpdated"; e = readEvent(t, conn) {
		continue
	}
	shows("a changed message on Socket.IO", string(e.payload), 1)
	shows("a changed message on a plain WebSocket", p.said(plain), 1)
	for _, path := range []string{"/messages", "/messages?limit=1"} {
		shows(path, string(p.mine.do("GET", "/api/messaging/channels/"+p.channel.String()+path, nil).want(200).body), 1)
	}
	shows("one message", string(p.mine.do("GET", "/api/messaging/messages/"+message.String(), nil).want(200).body), 1)
	found := p.mine.read(p.mine.api().SearchMessages(t.Context(), api.SearchMessagesRequest{Query: new("changed"), ChannelID: &p.channel})).want(200)
	shows("a search", string(found.body), 1)
	caught := p.open(map[string]any{"token": p.token(p.guest)})
	p.emit(caught, "1", map[string]any{"channelId": p.channel, "lastSeq": 0})
	for e = readEvent(t, caught); e.name != "messageBroadcast"; e = readEvent(t, caught) {
		continue
	}
	shows("what a socket missed", string(e.payload), 1)

	dm := p.mine.dmBetween(p.agent, p.owner)
	p.file = data[api.Upload](p.mine.uploadToMessage(dm, formPart{"file", "a.png", "image/png", pngBytes}).want(200)).URL
	attachments[0] = p.file
	streamed := p.mine.post(dm, api.PostMessageRequest{Content: new("Hi"), Transport: new(api.TransportSse), Attachments: jsonOf(attachments)}).want(200)
	shows("server-sent events", string(streamed.body), 1)
	submitted := p.keyed(p.admin.newKey("bridge", "service").Key).submit(api.SubmitMessageRequest{ChannelID: dm, AuthorID: p.agent, Content: "Here", Attachments: jsonOf(attachments)}).want(201)
	shows("what an agent submits", string(submitted.body), 1)

	session := p.mine.sessionOf(p.owner)
	p.file = data[api.Upload](p.mine.uploadToChannel(session.ChannelID, formPart{"file", "a.png", "image/png", pngBytes}).want(200)).URL
	attachments[0] = p.file
	body := api.PostSessionMessageRequest{Content: "Hi", Transport: new(api.TransportHTTP), Attachments: jsonOf(attachments)}
	shows("a post in a session", string(p.mine.read(p.mine.api().PostSessionMessage(t.Context(), session.SessionID, nil, body)).want(201).body), 1)
	shows("a session's messages", string(p.mine.do("GET", sessionsPath+"/"+session.SessionID.String()+"/messages", nil).want(200).body), 1)

	about := jsonOf(map[string]any{"picture": p.agents})
	begun := p.mine.createSession(api.CreateSessionRequest{AgentID: p.agent, UserID: p.owner, Metadata: about}).want(201)
	signedIn(t, "a session", string(begun.body), p.agents, 1)
	job := p.mine.job(api.CreateJobRequest{UserID: p.owner, Content: "Hi", Metadata: about, CallbackURL: new(receiver.URL)})
	signedIn(t, "a job", string(jsonOf(p.mine.endedJob(job.JobID))), p.agents, 1)
	signedIn(t, "a webhook", <-called, p.agents, 1)
	made := p.mine.createChannel(api.CreateChannelRequest{Name: "c", MessageServerID: new(uuid.Nil), ParticipantCentralUserIds: []uuid.UUID{p.owner}, Metadata: about}).want(201)
	signedIn(t, "a channel", string(made.body), p.agents, 1)
	changed := p.admin.changeAgent(p.agent, map[string]any{"settings": map[string]any{"avatar": p.agents}}).want(200)
	signedIn(t, "the answer to a change of an agent", string(changed.body), p.agents, 1)
	shown := p.mine.do("GET", "/api/agents/"+p.agent.String(), nil).want(200)
	signedIn(t, "an agent", string(shown.body), p.agents, 1)

	// Its tag changes with the signature, and is good for If-Match without.
	tag := shown.header.Get("ETag")
	thing, _, ok := strings.Cut(tag, ".")
	if !ok {
		t.Fatalf("the tag is %s", tag)
	}
	p.mine.do("GET", "/api/agents/"+p.agent.String(), nil, "If-None-Match", tag).want(304)
	p.mine.do("GET", "/api/agents/"+p.agent.String(), nil, "If-None-Match", thing+`"`).want(200)
	p.admin.do("PATCH", "/api/agents/"+p.agent.String(), map[string]any{"system": "x"}, "If-Match", thing+`.00000000"`).want(200)
	p.admin.do("PATCH", "/api/agents/"+p.agent.String(), map[string]any{"system": "y"}, "If-Match", tag).want(412)
}

// TestAddressesOfFiles tries what is no good address, and what goes with one that is.
func TestAddressesOfFiles(t *testing.T) {
	t.Parallel()
	p := withPictures(t, func(c *settings.Settings) { c.Storage.ServerID = "here" })
	keys, err := seal.Parse(p.cfg.Security.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	by := func(tenant string, at time.Time) *fileurl.Signer {
		return fileurl.New(keys.Derived("addresses of files"), agent.UUIDOf(tenant), func() time.Time { return at })
	}
	path := bare(p.file)
	if again := by("here", time.Now()).Signed(path); again != p.file {
		t.Fatalf("%s is not %s: the tests below prove nothing", p.file, again)
	}
	other := data[api.Upload](p.mine.uploadToChannel(p.channel, formPart{"file", "a.png", "image/png", pngBytes}).want(200)).URL
	last := "A"
	if strings.HasSuffix(p.file, last) {
		last = "Q"
	}
	for name, address := range map[string]string{
		"none": path, "another letter": p.file[:len(p.file)-1] + last, "of another file": path + signature.FindString(other), "cut": p.file[:len(p.file)-1],
		"of another server": by("there", time.Now()).Signed(path), "empty": path + "?sig=", "of another area": strings.Replace(p.file, "channels", "agents", 1),
		"later": signature.ReplaceAllStringFunc(p.file, func(s string) string { return strings.Replace(s, "=1", "=9", 1) }),
	} {
		clearError(t, name, p.do("GET", address, nil), 404, "NOT_FOUND")
	}
	expired := by("here", time.Now().Add(-25*time.Hour)).Signed(path)
	gone := p.do("GET", expired, nil)
	clearError(t, "expired", gone, 404, "NOT_FOUND")
	if !strings.Contains(string(gone.body), "expired") {
		t.Errorf("nobody learns why: %s", gone.body)
	}
	p.mine.do("GET", expired, nil).want(200) // which a credential makes good
	p.mine.do("GET", path, nil).want(200)
	p.theirs.do("GET", path, nil).want(404)
	p.theirs.do("GET", expired, nil).want(404)
	p.theirs.do("GET", p.file, nil).want(200)
	p.with("Authorization", "Bearer x.y.z").do("GET", p.file, nil).want(401)
	p.theirs.do("GET", bare(p.agents), nil).want(404) // what belongs to agents needs the scope manage
	p.admin.do("GET", bare(p.agents), nil).want(200)

	got := p.do("GET", p.file, nil).want(200)
	var seconds int
	if _, err := fmt.Sscanf(got.header.Get("Cache-Control"), "private, max-age=%d, immutable", &seconds); err != nil || seconds > 24*60*60 || seconds < 12*60*60-60 {
		t.Errorf("Cache-Control is %q: %v", got.header.Get("Cache-Control"), err)
	}
	if part := p.do("GET", p.file, nil, "Range", "bytes=1-3").want(206); string(part.body) != "PNG" {
		t.Errorf("a range is %q", part.body)
	}
	p.do("HEAD", p.file, nil).want(200)
	p.do("GET", p.file, nil, "If-None-Match", got.header.Get("ETag")).want(304)
	p.mine.read(p.mine.api().DeleteChannel(t.Context(), p.channel)).want(204)
	p.do("GET", p.file, nil).want(404)
}

// TestForeignAddresses has a stranger post addresses of files that aren't theirs: nobody gets a signature for them.
func TestForeignAddresses(t *testing.T) {
	t.Parallel()
	p := withPictures(t)
	place := filepath.Join(p.cfg.Storage.Dir, "uploads", "agents", p.agent.String(), filepath.Base(bare(p.agents)))
	foreign := []any{
		map[string]any{"url": bare(p.file)}, map[string]any{"url": p.file}, bare(p.agents), bare(p.agents) + "?sig=1800000000.AAAAAAAAAAAAAAAAAAAAAA",
		fileurl.Path(fileurl.Generated, p.agent.String(), "guess.png"), map[string]any{"url": place},
	}
	conn, plain := p.listeners(p.guest, p.elsewhere)
	outside, outsidePlain := p.listeners(p.stranger, p.elsewhere)
	unsigned := func(what, text string) {
		t.Helper()
		if signature.MatchString(text) || !strings.Contains(text, "/media/") {
			t.Errorf("%s: %s", what, text)
		}
	}
	heard := func(what string) {
		t.Helper()
		e := readEvent(t, conn)
		for ; e.name != "messageBroadcast"; e = readEvent(t, conn) {
			continue
		}
		unsigned(what+", on Socket.IO", string(e.payload))
		unsigned(what+", on a plain WebSocket", p.said(plain))
	}
	unsigned("the answer", string(p.post(p.theirs, p.elsewhere, foreign).body))
	heard("posted")
	p.emit(outside, "2", map[string]any{"channelId": p.elsewhere, "senderId": p.stranger, "message": "look", "attachments": foreign, "metadata": map[string]any{"media": foreign}})
	heard("sent by Socket.IO")
	p.write(outsidePlain, string(jsonOf(map[string]any{"type": "message", "channelId": p.elsewhere, "content": "look", "attachments": foreign})))
	heard("sent by a plain WebSocket")
	unsigned("the list", string(p.theirs.do("GET", "/api/messaging/channels/"+p.elsewhere.String()+"/messages", nil).want(200).body))
	about := jsonOf(map[string]any{"pictures": foreign})
	unsigned("a session", string(p.theirs.createSession(api.CreateSessionRequest{AgentID: p.agent, UserID: p.stranger, Metadata: about}).want(201).body))
	unsigned("a channel", string(p.theirs.createChannel(api.CreateChannelRequest{Name: "c", MessageServerID: new(uuid.Nil), ParticipantCentralUserIds: []uuid.UUID{p.stranger}, Metadata: about}).want(201).body))

	// Who was given an agent's file may hand it on.
	signedIn(t, "what was given", string(p.post(p.theirs, p.elsewhere, []any{p.agents}).body), p.agents, 1)
}

// TestSignaturesAreNotStored sends signed addresses back in every way, and reads what was stored on a server that signs nothing.
func TestSignaturesAreNotStored(t *testing.T) {
	t.Parallel()
	p := withPictures(t)
	full := []any{
		p.file, map[string]any{"url": p.file, "thumbnail": p.file}, map[string]any{"url": "http://localhost:3000" + p.file}, p.agents,
	}
	about := jsonOf(map[string]any{"media": full, "avatar": p.file})
	p.mine.post(p.channel, api.PostMessageRequest{Content: new("see " + p.file), Attachments: jsonOf(full), Metadata: about, RawMessage: about}).want(201)
	typed := data[api.Message](p.mine.post(p.channel, api.PostMessageRequest{Content: &p.file}).want(201))
	escaped := strings.ReplaceAll(string(jsonOf(map[string]any{"content": "x", "attachments": full})), "/", `\/`)
	p.mine.do("POST", "/api/messaging/channels/"+p.channel.String()+"/messages", json.RawMessage(escaped)).want(201)
	conn, plain := p.listeners(p.owner, p.channel)
	p.emit(conn, "2", map[string]any{"channelId": p.channel, "senderId": p.owner, "message": "x", "attachments": full, "metadata": map[string]any{"media": full}})
	for readEvent(t, conn).name != "messageAck" {
		continue
	}
	p.said(plain)
	p.write(plain, string(jsonOf(map[string]any{"type": "message", "channelId": p.channel, "content": "x", "attachments": full})))
	p.said(plain)
	_ = errors.Join(conn.CloseNow(), plain.CloseNow())
	session := into[api.Session](p.mine.createSession(api.CreateSessionRequest{AgentID: p.agent, UserID: p.owner, Metadata: about}).want(201))
	p.mine.read(p.mine.api().PostSessionMessage(t.Context(), session.SessionID, nil, api.PostSessionMessageRequest{Content: "x", Attachments: jsonOf(full), Metadata: about})).want(201)
	p.mine.read(p.mine.api().UpdateChannel(t.Context(), p.channel, &api.UpdateChannelParams{}, api.ChannelPatch{Metadata: about})).want(200)
	p.admin.changeAgent(p.agent, map[string]any{"settings": map[string]any{"avatar": p.agents}}).want(200)
	p.stop()

	cfg := p.cfg
	cfg.Security.Isolation, cfg.Security.Unisolated = false, true
	n := startWith(t, cfg).keyed(rightKey)
	for path, least := range map[string]int{
		"/api/messaging/channels/" + p.channel.String() + "/messages": 20, "/api/messaging/channels/" + session.ChannelID.String() + "/messages": 5,
		"/api/messaging/sessions/" + session.SessionID.String(): 5, "/api/messaging/channels/" + p.channel.String() + "/details": 5, "/api/agents/" + p.agent.String(): 1,
	} {
		var value any
		body := n.do("GET", path, nil).want(200).body
		if err := json.Unmarshal(body, &value); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"content", "text"} {
			forget(value, name)
		}
		text := string(jsonOf(value))
		if strings.Contains(text, "sig=") || strings.Contains(text, "unsigned") || strings.Contains(text, "localhost") || strings.Count(text, "/media/") < least {
			t.Errorf("%s: stored was %s", path, text)
		}
	}
	if m := data[api.Message](n.do("GET", "/api/messaging/messages/"+typed.ID.String(), nil).want(200)); m.Content != p.file {
		t.Errorf("the text is %q, typed was %q", m.Content, p.file)
	}
	n.bare().do("GET", bare(p.file), nil).want(200) // as ever without isolation
}

// TestSignaturesWhileKeysChange restarts a server with a new key beside the older one, and then without that.
func TestSignaturesWhileKeysChange(t *testing.T) {
	t.Parallel()
	p := withPictures(t)
	older, newer := p.cfg.Security.MasterKey, server.NewMasterKey()
	p.stop()
	cfg := p.cfg
	cfg.Security.MasterKey = newer + "," + older
	n := startWith(t, cfg)
	n.do("GET", p.file, nil).want(200)
	fresh := data[api.Upload](n.bearing(p.token(p.owner)).uploadToChannel(p.channel, formPart{"file", "a.png", "image/png", pngBytes}).want(200)).URL
	n.stop()
	cfg.Security.MasterKey = newer
	n = startWith(t, cfg)
	n.do("GET", fresh, nil).want(200)
	n.do("GET", p.file, nil).want(404)
}
