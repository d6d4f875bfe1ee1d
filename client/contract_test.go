package client_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/elizad/elizad/api"
	"github.com/elizad/elizad/client"
)

// TestCallsFitTheContract calls every operation of the contract: requests must fit it, and none may be missing.
func TestCallsFitTheContract(t *testing.T) {
	t.Parallel()
	channel, message := uuid.New(), uuid.New()
	called := map[string]bool{}
	c := wired(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-KEY") != "k" || r.Header.Get("X-Entity-Id") != alice.String() {
			t.Errorf("headers: %v", r.Header)
		}
		switch {
		case strings.HasSuffix(r.URL.Path, "/participants"):
			ok(w, `["`+alice.String()+`"]`)
		case strings.HasPrefix(r.URL.Path, "/media/"), strings.HasSuffix(r.URL.Path, "/generate"), strings.HasSuffix(r.URL.Path, "/conversation"):
			_, _ = io.WriteString(w, "bytes")
		case strings.HasSuffix(r.URL.Path, "/env/local"):
			ok(w, `{"OPENAI_API_KEY":"****"}`)
		case r.URL.Path == "/api/server/logs":
			_, _ = io.WriteString(w, `{"received":1,"cleared":3}`)
		case strings.HasPrefix(r.URL.Path, "/api/server/"):
			ok(w, `{}`)
		case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/documents"):
			ok(w, `[{"id":"`+message.String()+`","title":"Eliza"}]`)
		case strings.HasSuffix(r.URL.Path, "/generate-title"):
			ok(w, `{"title":null,"reason":"short"}`)
		case strings.HasSuffix(r.URL.Path, "/logs"), strings.HasSuffix(r.URL.Path, "/panels"), strings.HasSuffix(r.URL.Path, "/secrets"):
			ok(w, `[]`)
		case strings.Contains(r.URL.Path, "/sessions"), strings.Contains(r.URL.Path, "/jobs"):
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"renewalCount":2,"endedAt":5,"data":{"content":"Hello"}}`)
		case r.Method == http.MethodPost && r.URL.Path == "/api/agents":
			ok(w, `{"name":"Eliza","bio":"b","character":{"name":"Eliza"}}`)
		default:
			ok(w, `{"id":"`+eliza.String()+`","name":"Eliza","agents":[],"messages":[],"server":{"name":"Club"},"bio":["b"],"deleted":3,"synced":2,"text":"heard","audio":"c291bmQ=","url":"/media/x"}`)
		}
	}, func(o *openapi3.Operation) { called[o.OperationID] = true }, client.WithAPIKey("k"))
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Agents": func() error { _, err := c.Agents(ctx); return err },
		"Agent":  func() error { a, err := c.Agent(ctx, eliza); return want(err, a.Name, "Eliza") },
		"CreateAgent": func() error {
			_, err := c.CreateAgent(ctx, client.Character{Name: "Eliza", Bio: client.Text("b")})
			return err
		},
		"UpdateAgent": func() error {
			_, err := c.UpdateAgent(ctx, eliza, map[string]any{"bio": client.Texts("b", "c"), "system": nil})
			return err
		},
		"DeleteAgent": func() error { return c.DeleteAgent(ctx, eliza) },
		"StartAgent":  func() error { _, err := c.StartAgent(ctx, eliza); return err },
		"StopAgent":   func() error { _, err := c.StopAgent(ctx, eliza); return err },
		"Runs": func() error {
			_, err := c.Runs(ctx, eliza, client.RunsQuery{Channel: channel, Status: "error", Limit: 5, From: time.UnixMilli(1), To: time.Now()})
			return err
		},
		"Run":                  func() error { _, err := c.Run(ctx, eliza, message); return err },
		"CancelRun":            func() error { _, err := c.CancelRun(ctx, eliza, message); return err },
		"CancelAnswer":         func() error { _, err := c.CancelAnswer(ctx, channel, message); return err },
		"CurrentMessageServer": func() error { _, err := c.CurrentMessageServer(ctx); return err },
		"MessageServers":       func() error { _, err := c.MessageServers(ctx); return err },
		"CreateMessageServer": func() error {
			s, err := c.CreateMessageServer(ctx, client.NewMessageServer{Name: "Club", SourceType: "x"})
			return want(err, s.Name, "Club")
		},
		"MessageServerAgents":      func() error { _, err := c.MessageServerAgents(ctx, uuid.Nil); return err },
		"AddMessageServerAgent":    func() error { return c.AddMessageServerAgent(ctx, uuid.Nil, eliza) },
		"RemoveMessageServerAgent": func() error { return c.RemoveMessageServerAgent(ctx, uuid.Nil, eliza) },
		"AgentMessageServers":      func() error { _, err := c.AgentMessageServers(ctx, eliza); return err },
		"Channels": func() error {
			_, err := c.Channels(ctx, uuid.Nil, client.ChannelsQuery{Internal: true, Limit: 1, Offset: 2})
			return err
		},
		"DirectChannel": func() error { ch, err := c.DirectChannel(ctx, eliza); return want(err, ch.Name, "Eliza") },
		"CreateChannel": func() error {
			_, err := c.CreateChannel(ctx, client.NewChannel{Name: "c", ParticipantCentralUserIds: []uuid.UUID{alice}})
			return err
		},
		"Channel": func() error { _, err := c.Channel(ctx, channel); return err },
		"UpdateChannel": func() error {
			_, err := c.UpdateChannel(ctx, channel, client.ChannelPatch{ParticipantCentralUserIds: &[]uuid.UUID{}})
			return err
		},
		"DeleteChannel":      func() error { return c.DeleteChannel(ctx, channel) },
		"Participants":       func() error { ids, err := c.Participants(ctx, channel); return want(err, ids[0], alice) },
		"ChannelAgents":      func() error { _, err := c.ChannelAgents(ctx, channel); return err },
		"AddChannelAgent":    func() error { return c.AddChannelAgent(ctx, channel, eliza) },
		"RemoveChannelAgent": func() error { return c.RemoveChannelAgent(ctx, channel, eliza) },
		"Messages": func() error {
			_, err := c.Messages(ctx, channel, client.MessagesQuery{Limit: 1, Offset: 1, Before: time.Now(), After: time.UnixMilli(1)})
			return err
		},
		"Post":             func() error { _, err := c.Post(ctx, channel, "Hello"); return err },
		"DeleteMessage":    func() error { return c.DeleteMessage(ctx, channel, message) },
		"ClearChannel":     func() error { return c.ClearChannel(ctx, channel) },
		"Sessions":         func() error { _, err := c.Sessions(ctx, client.SessionsQuery{Limit: 1, Offset: 1}); return err },
		"CreateSession":    func() error { _, err := c.CreateSession(ctx, client.NewSession{AgentID: eliza}); return err },
		"Session":          func() error { s, err := c.Session(ctx, channel); return want(err, s.RenewalCount, 2) },
		"DeleteSession":    func() error { return c.DeleteSession(ctx, channel) },
		"RenewSession":     func() error { _, err := c.RenewSession(ctx, channel); return err },
		"HeartbeatSession": func() error { _, err := c.HeartbeatSession(ctx, channel); return err },
		"UpdateSessionTimeout": func() error {
			_, err := c.UpdateSessionTimeout(ctx, channel, client.TimeoutPatch{AutoRenew: new(false)})
			return err
		},
		"SessionsHealth": func() error { _, err := c.SessionsHealth(ctx); return err },
		"SessionMessages": func() error {
			_, err := c.SessionMessages(ctx, channel, client.SessionMessagesQuery{Limit: 1, Before: time.Now(), After: time.UnixMilli(1)})
			return err
		},
		"PostToSession": func() error {
			_, err := c.PostToSession(ctx, channel, client.NewSessionMessage{Content: "Hello"})
			return err
		},
		"Jobs":      func() error { _, err := c.Jobs(ctx, client.JobsQuery{Status: "failed", Limit: 1}); return err },
		"CreateJob": func() error { _, err := c.CreateJob(ctx, client.NewJob{Content: "Hello"}); return err },
		"Job":       func() error { _, err := c.Job(ctx, channel); return err },
		"AwaitJob":  func() error { j, err := c.AwaitJob(ctx, channel); return want(err, *j.EndedAt, 5) },
		"AuditEntries": func() error {
			for range c.AuditEntries(ctx, client.AuditQuery{Action: "key.create", Who: alice, Target: eliza, From: time.UnixMilli(1), To: time.UnixMilli(2)}) {
			}
			return nil
		},
		"Keys": func() error { _, err := c.Keys(ctx, 7); return err },
		"CreateKey": func() error {
			_, err := c.CreateKey(ctx, client.NewKey{Name: "Website", Scopes: []client.KeyScope{"chat"}})
			return err
		},
		"Key":       func() error { k, err := c.Key(ctx, channel); return want(err, k.Name, "Eliza") },
		"RevokeKey": func() error { return c.RevokeKey(ctx, channel) },
		"Register": func() error {
			_, err := c.Register(ctx, client.NewUser{Email: "ada@example.com", Username: "ada", Password: "correct horse"})
			return err
		},
		"Login":          func() error { _, err := c.Login(ctx, "ada@example.com", "correct horse"); return err },
		"Refresh":        func() error { _, err := c.Refresh(ctx, "elr_x"); return err },
		"Me":             func() error { _, err := c.Me(ctx); return err },
		"Logout":         func() error { return c.Logout(ctx) },
		"ChangePassword": func() error { return c.ChangePassword(ctx, "correct horse", "staple cell") },
		"Users":          func() error { _, err := c.Users(ctx, 7); return err },
		"CreateUser": func() error {
			_, err := c.CreateUser(ctx, client.NewUserByAdmin{Email: "ada@example.com", Username: "ada", Password: "correct horse", Admin: true})
			return err
		},
		"UpdateUser": func() error {
			disabled := true
			_, err := c.UpdateUser(ctx, channel, client.UserChange{Disabled: &disabled})
			return err
		},
		"RevokeTokens": func() error { _, err := c.RevokeTokens(ctx, client.RevokedTokens{EntityID: &channel}); return err },
		"Revocations":  func() error { _, err := c.Revocations(ctx, 7); return err },
		"JobsHealth":   func() error { _, err := c.JobsHealth(ctx); return err },
		"Memories": func() error {
			_, err := c.Memories(ctx, eliza, client.MemoriesQuery{Room: channel, Table: "facts", Search: "tea", Embeddings: true, Limit: 1, Offset: 1, From: time.UnixMilli(1), To: time.Now()})
			return err
		},
		"RoomMemories": func() error {
			_, err := c.RoomMemories(ctx, eliza, channel, client.MemoriesQuery{Table: "facts", Search: "tea", Embeddings: true, Limit: 1, Offset: 1})
			return err
		},
		"UpdateMemory": func() error {
			_, err := c.UpdateMemory(ctx, eliza, message, client.MemoryPatch{Content: client.Text("tea")})
			return err
		},
		"DeleteMemory":      func() error { return c.DeleteMemory(ctx, eliza, message) },
		"ClearMemories":     func() error { n, err := c.ClearMemories(ctx, eliza); return want(err, n, 3) },
		"ClearRoomMemories": func() error { return c.ClearRoomMemories(ctx, eliza, channel) },
		"Documents":         func() error { _, err := c.Documents(ctx, eliza, 7, 1); return err },
		"AddDocument":       func() error { d, err := c.AddDocument(ctx, eliza, file()); return want(err, d.Title, "Eliza") },
		"AddText":           func() error { _, err := c.AddText(ctx, eliza, "Manual", "The pump needs oil."); return err },
		"Document":          func() error { _, err := c.Document(ctx, eliza, message); return err },
		"DeleteDocument":    func() error { return c.DeleteDocument(ctx, eliza, message) },
		"SearchKnowledge":   func() error { _, err := c.SearchKnowledge(ctx, eliza, "oil", 3); return err },
		"Rooms":             func() error { _, err := c.Rooms(ctx, eliza, client.RoomsQuery{Limit: 1, Offset: 1}); return err },
		"CreateRoom":        func() error { _, err := c.CreateRoom(ctx, eliza, client.NewRoom{Name: new("Den")}); return err },
		"Room":              func() error { r, err := c.Room(ctx, eliza, channel); return want(err, r.Name, "Eliza") },
		"RenameRoom":        func() error { _, err := c.RenameRoom(ctx, eliza, channel, "Den"); return err },
		"DeleteRoom":        func() error { return c.DeleteRoom(ctx, eliza, channel) },
		"Worlds":            func() error { _, err := c.Worlds(ctx); return err },
		"CreateWorld":       func() error { _, err := c.CreateWorld(ctx, eliza, client.NewWorld{Name: new("Club")}); return err },
		"UpdateWorld": func() error {
			_, err := c.UpdateWorld(ctx, eliza, channel, client.WorldPatch{Name: new("Club")})
			return err
		},
		"CreateGroup":        func() error { _, err := c.CreateGroup(ctx, channel, client.NewGroup{Name: new("Club")}); return err },
		"DeleteGroup":        func() error { return c.DeleteGroup(ctx, channel) },
		"ClearGroupMemories": func() error { return c.ClearGroupMemories(ctx, channel) },
		"AgentLog": func() error {
			l, err := c.AgentLog(ctx, eliza, client.LogQuery{Room: channel, Type: "a", Exclude: []string{"b", "c"}, Search: "d", Limit: 1, Offset: 1, From: time.UnixMilli(1), To: time.Now()})
			return want(err, len(l), 0)
		},
		"DeleteAgentLogEntry": func() error { return c.DeleteAgentLogEntry(ctx, eliza, message) },
		"AgentSecrets":        func() error { _, err := c.AgentSecrets(ctx, eliza); return err },
		"AgentUsage": func() error {
			_, err := c.AgentUsage(ctx, eliza, time.UnixMilli(1), time.Now())
			return err
		},
		"Panels": func() error { _, err := c.Panels(ctx, eliza); return err },
		"Alive":  func() error { return c.Alive(ctx) },
		"Ping":   func() error { return c.Ping(ctx) },
		"Health": func() error { _, err := c.Health(ctx); return err },
		"Hello":  func() error { _, err := c.Hello(ctx); return err },
		"Status": func() error { _, err := c.Status(ctx); return err },
		"Debug":  func() error { _, err := c.Debug(ctx); return err },
		"Stop":   func() error { return c.Stop(ctx) },
		"StoredSettings": func() error {
			s, err := c.StoredSettings(ctx)
			return want(err, s["OPENAI_API_KEY"], "****")
		},
		"ReplaceStoredSettings": func() error { return c.ReplaceStoredSettings(ctx, map[string]string{"OPENAI_API_KEY": "k"}) },
		"ServerLog": func() error {
			_, err := c.ServerLog(ctx, client.ServerLogQuery{Since: time.UnixMilli(1), Level: "error", AgentName: "Eliza", Agent: eliza, Limit: 3})
			return err
		},
		"WriteServerLog": func() error {
			n, err := c.WriteServerLog(ctx, client.SubmittedLog{Message: "m"})
			return want(err, n, 1)
		},
		"ClearServerLog":      func() error { n, err := c.ClearServerLog(ctx); return want(err, n, 3) },
		"DeleteMessageServer": func() error { return c.DeleteMessageServer(ctx, channel) },
		"SyncChannels": func() error {
			n, err := c.SyncChannels(ctx, uuid.Nil, client.SourceChannel{SourceID: "1", Name: "c"})
			return want(err, n, 2)
		},
		"SuggestTitle": func() error {
			_, reason, err := c.SuggestTitle(ctx, channel, eliza, 10)
			return want(err, reason, "short")
		},
		"Message":     func() error { _, err := c.Message(ctx, message); return err },
		"EditMessage": func() error { _, err := c.EditMessage(ctx, message, "x"); return err },
		"Search": func() error {
			_, err := c.Search(ctx, client.Search{Text: "tea", Channel: channel, Author: alice, From: time.UnixMilli(1), To: time.Now(), Limit: 1, Cursor: "c"})
			return err
		},
		"Submit": func() error {
			_, err := c.Submit(ctx, client.SubmittedMessage{AuthorID: eliza, ChannelID: channel, Content: "x"})
			return err
		},
		"SubmitAction": func() error {
			_, err := c.SubmitAction(ctx, client.SubmittedMessage{AuthorID: eliza, ChannelID: channel, Content: "x"})
			return err
		},
		"UpdateAction": func() error {
			_, err := c.UpdateAction(ctx, message, client.ActionPatch{Content: new("x")})
			return err
		},
		"Ingest": func() error {
			_, err := c.Ingest(ctx, client.ExternalMessages{ChannelID: channel.String(), AuthorID: &alice, Content: new("x")})
			return err
		},
		"AskExternal": func() error {
			_, err := c.AskExternal(ctx, client.ExternalMessages{ChannelID: channel.String(), AuthorID: &alice, Content: new("x")})
			return err
		},
		"CompleteMessage": func() error { return c.CompleteMessage(ctx, message, "it broke") },
		"CompleteChannel": func() error { return c.CompleteChannel(ctx, channel, "") },
		"UploadToAgent":   func() error { u, err := c.UploadToAgent(ctx, eliza, file()); return want(err, u.URL, "/media/x") },
		"UploadToChannel": func() error { _, err := c.UploadToChannel(ctx, channel, file()); return err },
		"Open": func() error {
			for _, address := range []string{"/media/uploads/agents/" + eliza.String() + "/a.png", "/media/uploads/channels/" + channel.String() + "/a.png", "http://elizad.test/media/generated/" + eliza.String() + "/a.png"} {
				d, err := c.Open(ctx, address, 1)
				if err := heard(d, err); err != nil {
					return err
				}
			}
			return nil
		},
		"Transcribe": func() error {
			got, err := c.Transcribe(ctx, eliza, client.Recording{File: file(), Language: "en"})
			return want(err, got, "heard")
		},
		"Speak": func() error {
			return heard(c.Speak(ctx, eliza, client.Speech{Text: "x", Voice: "v", Format: "mp3", Speed: 1.5}))
		},
		"SpeakMessage": func() error {
			sound, _, err := c.SpeakMessage(ctx, eliza, message, client.Speech{})
			return want(err, string(sound), "sound")
		},
		"Converse": func() error { return heard(c.Converse(ctx, eliza, "x", client.Conversation{Channel: channel})) },
		"ConverseRecorded": func() error {
			got, err := c.ConverseRecorded(ctx, eliza, client.Recording{File: file()}, client.Conversation{Channel: channel, UserName: "Alice"})
			return want(err, string(got.Sound), "sound")
		},
		"Version":      func() error { _, err := c.Version(ctx); return err },
		"RequiresAuth": func() error { _, err := c.RequiresAuth(ctx); return err },
		"Config":       func() error { _, err := c.Config(ctx); return err },
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for operation, why := range offered() {
		if called[operation] {
			t.Errorf("%s is called, and the table of what isn't says: %s", operation, why)
		}
		called[operation] = true
	}
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			if !called[operation.OperationID] {
				t.Errorf("no method of the client asks for %s (%s %s)", operation.OperationID, method, path)
			}
		}
	}
}

// offered holds the operations that the client doesn't call, because something else does the same.
func offered() map[string]string {
	return map[string]string{
		"getServerHealth":        "Health asks for getHealth, which is the same",
		"uploadMessageMedia":     "UploadToChannel asks for uploadChannelMedia, which is the same",
		"listModels":             "OpenAI's packages speak its interface; Agents lists the agents",
		"getModel":               "OpenAI's packages speak its interface; Agent reads one",
		"createChatCompletion":   "OpenAI's packages speak its interface; Ask and Stream ask an agent",
		"transcribeAudioMessage": "Transcribe asks for transcribe, which is the same in another form",
	}
}

func file() client.File {
	return client.File{Name: "a.png", Type: "image/png", Content: strings.NewReader("png")}
}

// heard reads a download to its end.
func heard(d *client.Download, err error) error {
	if err != nil {
		return err
	}
	got, err := io.ReadAll(d)
	return errors.Join(want(err, string(got), "bytes"), d.Close())
}

// The package comment mentions every method.
func TestPackageCommentNamesEveryMethod(t *testing.T) {
	t.Parallel()
	var comment strings.Builder
	var methods []string
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		comment.WriteString(file.Doc.Text())
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() {
				continue
			}
			if star, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok && star.X.(*ast.Ident).Name == "Client" {
				methods = append(methods, f.Name.Name)
			}
		}
	}
	for _, name := range methods {
		if !strings.Contains(comment.String(), "[Client."+name+"]") && name != "Entity" {
			t.Errorf("the package comment doesn't name %s", name)
		}
	}
	if len(methods) < 100 {
		t.Errorf("found %d methods", len(methods))
	}
}
