// Package client talks to an elizad server over HTTP.
//
//	c, err := client.New("http://127.0.0.1:3000")
//	…
//	for event, err := range c.Ask(ctx, agentID, "Hello") {
//		…
//		fmt.Print(event.Text)
//	}
//
// Methods are named after the operations of the contract and return what is in the answer's data. A failure of the
// server is an [*Error]; see [IsNotFound] and [IsCode]. A client is safe for concurrent use.
//
// When the connection breaks or the server is overloaded, a request is sent again after a random pause that grows, or the one
// that the server asks for: reading and deleting, and posting, as every post carries a key by which the server does it once.
// Changes of what is there, other than of a message's text, are sent once, and so are uploads and recordings.
//
// Lists come as pages, or, by the methods with All or History in their names, as an iterator that reads page by page. The methods
// by what they are about:
//
//   - Talking to an agent: [Client.Ask], [Client.Stream]
//   - Agents: [Client.Agents], [Client.Agent], [Client.CreateAgent], [Client.UpdateAgent], [Client.DeleteAgent],
//     [Client.StartAgent], [Client.StopAgent], [Client.AgentSecrets]
//   - Their runs and logs: [Client.Runs], [Client.AllRuns], [Client.Run], [Client.CancelRun], [Client.AgentUsage], [Client.AgentLog],
//     [Client.AllAgentLog], [Client.DeleteAgentLogEntry], [Client.Panels]
//   - What they remember: [Client.Memories], [Client.AllMemories], [Client.RoomMemories], [Client.UpdateMemory],
//     [Client.DeleteMemory], [Client.ClearMemories], [Client.ClearRoomMemories]
//   - Their documents: [Client.Documents], [Client.AddDocument], [Client.AddText], [Client.Document], [Client.DeleteDocument],
//     [Client.SearchKnowledge]
//   - Rooms and worlds: [Client.Rooms], [Client.AllRooms], [Client.CreateRoom], [Client.Room], [Client.RenameRoom],
//     [Client.DeleteRoom], [Client.Worlds], [Client.CreateWorld], [Client.UpdateWorld], [Client.CreateGroup],
//     [Client.DeleteGroup], [Client.ClearGroupMemories]
//   - Message servers: [Client.CurrentMessageServer], [Client.MessageServers], [Client.CreateMessageServer],
//     [Client.DeleteMessageServer], [Client.MessageServerAgents], [Client.AddMessageServerAgent],
//     [Client.RemoveMessageServerAgent], [Client.AgentMessageServers], [Client.SyncChannels]
//   - Channels: [Client.Channels], [Client.DirectChannel], [Client.CreateChannel], [Client.Channel],
//     [Client.UpdateChannel], [Client.DeleteChannel], [Client.Participants], [Client.ChannelAgents],
//     [Client.AddChannelAgent], [Client.RemoveChannelAgent], [Client.SuggestTitle]
//   - Messages: [Client.Messages], [Client.History], [Client.Message], [Client.Post], [Client.PostMessage],
//     [Client.EditMessage], [Client.DeleteMessage], [Client.ClearChannel], [Client.CancelAnswer], [Client.Search],
//     [Client.SearchAll]
//   - Messages of agents and bridges outside of the server: [Client.Submit], [Client.SubmitAction], [Client.UpdateAction],
//     [Client.Ingest], [Client.AskExternal], [Client.CompleteMessage], [Client.CompleteChannel]
//   - Sessions: [Client.Sessions], [Client.AllSessions], [Client.CreateSession], [Client.Session], [Client.DeleteSession],
//     [Client.RenewSession], [Client.HeartbeatSession], [Client.UpdateSessionTimeout], [Client.SessionsHealth],
//     [Client.SessionMessages], [Client.SessionHistory], [Client.PostToSession], [Client.StreamSession]
//   - Jobs: [Client.Jobs], [Client.AllJobs], [Client.CreateJob], [Client.Job], [Client.AwaitJob], [Client.JobsHealth]
//   - Files and speech: [Client.UploadToAgent], [Client.UploadToChannel], [Client.Open], [Client.Transcribe],
//     [Client.Speak], [Client.SpeakMessage], [Client.Converse], [Client.ConverseRecorded]
//   - API keys: [Client.Keys], [Client.AllKeys], [Client.CreateKey], [Client.Key], [Client.RevokeKey]
//   - the audit log: [Client.AuditEntries], [Client.VerifyAudit]
//   - Users who log in: [Client.Register], [Client.Login], [Client.Refresh], [Client.Me], [Client.Logout],
//     [Client.ChangePassword], [Client.Users], [Client.AllUsers], [Client.CreateUser], [Client.UpdateUser], and [NewLogin] for
//     [WithToken]
//   - Revoked tokens: [Client.RevokeTokens], [Client.Revocations], [Client.AllRevocations]
//   - The server: [Client.Ping], [Client.Alive], [Client.Health], [Client.Version], [Client.RequiresAuth], [Client.Config], [Client.Hello],
//     [Client.Status], [Client.Debug], [Client.Stop], [Client.ServerLog], [Client.WriteServerLog],
//     [Client.ClearServerLog], [Client.StoredSettings], [Client.ReplaceStoredSettings]
//   - Live: [Client.Dial]
//
// [Client.Dial] opens a connection that delivers events as they happen: what is said in the channels that one joins, by
// whom, and what becomes of it. It survives the loss of the network and a restart of the server.
package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/apiclient"
)

// Defaults of the options.
const (
	DefaultTimeout = 30 * time.Second
	DefaultRetries = 3
)

const (
	userAgent    = "elizad-go-client"
	headerKey    = "X-API-KEY"
	headerSecret = "X-Internal-Service-Secret"
	headerBearer = "Authorization"
)

// Client sends requests to one server, as one person.
type Client struct {
	api     *apiclient.Client
	http    *http.Client
	base    *url.URL
	apiKey  string
	token   TokenSource
	entity  uuid.UUID
	timeout time.Duration
	retries int
}

// TokenSource returns the JSON Web Token of the person that the client is, and a new one before it ends. It is asked before each
// request, from any goroutine. Its errors end the request.
type TokenSource func(ctx context.Context) (string, error)

// Option changes how a client works.
type Option func(*options)

type options struct {
	http    *http.Client
	apiKey  string
	secret  string
	token   TokenSource
	entity  uuid.UUID
	timeout time.Duration
	retries int
}

// WithAPIKey sends key with every request.
func WithAPIKey(key string) Option { return func(o *options) { o.apiKey = key } }

// WithToken sends the token of source with every request, for servers that know its issuer. The person is the one that the token
// says: set it by [WithEntity], too, where a method of the client posts in its name.
func WithToken(source TokenSource) Option { return func(o *options) { o.token = source } }

// WithServiceSecret sends the secret by which a server that wants a key lets a program write as an agent; see [Client.Submit].
func WithServiceSecret(secret string) Option { return func(o *options) { o.secret = secret } }

// WithEntity sets who the client is: the id under which messages are posted and channels are found again. Without it a
// client has a new identity each time.
func WithEntity(id uuid.UUID) Option { return func(o *options) { o.entity = id } }

// WithHTTPClient uses h to send requests. Its Timeout should be zero, because it would also cut streams; see WithTimeout.
func WithHTTPClient(h *http.Client) Option { return func(o *options) { o.http = h } }

// WithTimeout bounds each call except those that wait for an agent, including its attempts. The default is DefaultTimeout; 0
// means no bound but the context's.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// WithRetries sets how often a request that may be repeated is tried again. The default is DefaultRetries.
func WithRetries(n int) Option { return func(o *options) { o.retries = n } }

// New returns a client for the server at baseURL, such as "http://127.0.0.1:3000". It sends nothing yet.
func New(baseURL string, opts ...Option) (*Client, error) {
	o := options{http: http.DefaultClient, entity: uuid.New(), timeout: DefaultTimeout, retries: DefaultRetries}
	for _, opt := range opts {
		opt(&o)
	}
	u, err := url.Parse(baseURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("client: %q is not an http or https address", baseURL)
	}
	o.http = keepKeys(o.http, u)
	generated, err := apiclient.NewClient(baseURL,
		apiclient.WithHTTPClient(&retrier{next: o.http, retries: o.retries}),
		apiclient.WithRequestEditorFn(func(ctx context.Context, r *http.Request) error {
			r.Header.Set("Accept", "application/json")
			r.Header.Set("User-Agent", userAgent)
			r.Header.Set("X-Entity-Id", o.entity.String())
			if o.apiKey != "" {
				r.Header.Set(headerKey, o.apiKey)
			}
			if o.secret != "" {
				r.Header.Set(headerSecret, o.secret)
			}
			if o.token != nil {
				token, err := o.token(ctx)
				if err != nil {
					return fmt.Errorf("client: getting a token: %w", err)
				}
				r.Header.Set(headerBearer, "Bearer "+token)
			}
			return nil
		}))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return &Client{
		api: generated, http: o.http, base: u, apiKey: o.apiKey, token: o.token, entity: o.entity, timeout: o.timeout, retries: o.retries,
	}, nil
}

// maxRedirects is how many redirects in a row are followed, as by http.Client.
const maxRedirects = 10

// keepKeys returns h, except that it doesn't send the keys of the server at base along when it is redirected elsewhere: neither
// to another host nor from https to http.
func keepKeys(h *http.Client, base *url.URL) *http.Client {
	own := *h
	own.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Hostname() != base.Hostname() || r.URL.Scheme != base.Scheme && r.URL.Scheme != "https" {
			r.Header.Del(headerKey)
			r.Header.Del(headerSecret)
			r.Header.Del(headerBearer)
		}
		switch {
		case h.CheckRedirect != nil:
			return h.CheckRedirect(r, via)
		case len(via) >= maxRedirects:
			return fmt.Errorf("stopped after %d redirects", maxRedirects)
		}
		return nil
	}
	return &own
}

// Entity returns the id of the person that the client is.
func (c *Client) Entity() uuid.UUID { return c.entity }
