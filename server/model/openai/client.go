package openai

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/call"
	"github.com/elizad/elizad/server/model/internal/exchange"
	"github.com/elizad/elizad/server/model/internal/form"
)

// DefaultMaxConns is how many connections a client opens to one host unless configured otherwise.
const DefaultMaxConns = call.DefaultMaxConns

// Config describes one endpoint. Only BaseURL is required.
type Config struct {
	Name       string // name of the provider in records and messages; default "openai-compatible"
	BaseURL    string // with or without /v1, with or without /chat/completions; a bare host gets a scheme
	APIKey     string // empty for endpoints that ask for none
	SmallModel string // model for TEXT_SMALL; empty: the first text model the endpoint lists
	LargeModel string // model for TEXT_LARGE; empty: the first text model the endpoint lists
	Headers    http.Header
	Settings   SettingNames
	Discreet   bool // errors report the status of an answer and not its text: the address was chosen by another party

	TranscriptionModel string // model that turns speech into text; empty: there is none
	SpeechModel        string // model that reads aloud; empty: there is none
	Voice              string // its usual voice; empty leaves it to the caller

	HTTPClient       *http.Client  // nil: a new client with at most MaxConns connections to the host
	MaxConns         int           // default DefaultMaxConns
	FirstByteTimeout time.Duration // silence allowed before the first byte of the answer, while a local model may load; default 2 min
	IdleTimeout      time.Duration // silence allowed later; default 1 min

	CompletionTokens bool // the token limit is called max_completion_tokens
	NoStream         bool // the endpoint can't stream: answers come in one chunk
	NoStreamUsage    bool // the endpoint refuses stream_options

	Forms *Forms // what is known of models from earlier refusals; nil: the client remembers for itself
}

// Model returns the configured model for kind; empty where there is none.
func (c *Config) Model(kind model.Kind) string {
	switch kind {
	case model.TextSmall:
		return c.SmallModel
	case model.TextLarge:
		return c.LargeModel
	case model.Transcription:
		return c.TranscriptionModel
	case model.TextToSpeech:
		return c.SpeechModel
	default:
		return ""
	}
}

// SettingNames are the names of the settings a configuration came from, so that an error can say which one to fix.
// An empty name is paraphrased.
type SettingNames = call.SettingNames

// Forbidden is the error of a transport that does not go to an address, for any caller. Its text follows the name of the host.
type Forbidden = call.Forbidden

// Forms remembers for a while in which form models take requests, so that each refusal is met once. Clients may share it.
// The zero value is ready to use.
type Forms = form.Memory

// Client is a [model.Provider] on one OpenAI-compatible endpoint.
type Client struct {
	cfg      Config
	endpoint *call.Endpoint
}

var (
	_ model.Provider    = (*Client)(nil)
	_ model.Transcriber = (*Client)(nil)
	_ model.Speaker     = (*Client)(nil)
)

// New returns a client for cfg. It connects to nothing. An unusable base URL or key is a [*model.Error] of kind Config or Auth.
func New(cfg Config) (*Client, error) {
	if cfg.Name == "" {
		cfg.Name = "openai-compatible"
	}
	if cfg.Forms == nil {
		cfg.Forms = new(Forms)
	}
	c := &Client{cfg: cfg}
	var err error
	c.endpoint, err = call.New(call.Config{
		Name: cfg.Name, BaseURL: cfg.BaseURL, Key: cfg.APIKey, Authorize: c.authorize, Headers: cfg.Headers, Model: c.cfg.Model,
		Settings: cfg.Settings, Discreet: cfg.Discreet, HTTPClient: cfg.HTTPClient, MaxConns: cfg.MaxConns,
		FirstByteTimeout: cfg.FirstByteTimeout, IdleTimeout: cfg.IdleTimeout,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Client) authorize(header http.Header) {
	if c.cfg.APIKey != "" {
		header.Set("Authorization", "Bearer "+c.cfg.APIKey)
	}
}

// NewTransport returns a transport that suits the wire, with at most maxConns connections to a host; clients may share it.
func NewTransport(maxConns int) *http.Transport { return call.NewTransport(maxConns) }

// Close drops the idle connections of a client that is no longer used. Calls under way are not disturbed.
func (c *Client) Close() { c.endpoint.Close() }

// Name returns the configured name.
func (c *Client) Name() string { return c.cfg.Name }

// Model returns the model that serves kind; empty while none is configured and the endpoint's list was not read yet.
func (c *Client) Model(kind model.Kind) string { return c.endpoint.Model(kind) }

// Models returns the ids of the models the endpoint lists, in its order.
func (c *Client) Models(ctx context.Context) ([]string, error) { return c.endpoint.Models(ctx) }

// Generate runs one request; see [model.Provider]. A request that the endpoint refuses because of its form is sent once
// more in the form that the model takes, which is remembered. Otherwise it makes one attempt: wrap the client in
// [model.Retry] for more.
func (c *Client) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	x := exchange.Client{Endpoint: c.endpoint, Forms: c.cfg.Forms, Usual: c.usualForm(), Path: "chat/completions", Answers: "a chat completion", Wire: wire{}}
	return x.Generate(ctx, req)
}

// wire is the protocol.
type wire struct{}

func (wire) Request(name string, req model.Request, f form.Form) form.Request {
	return newChatRequest(name, req, f)
}

func (wire) Reader(a *exchange.Answer) exchange.Reader { return &answer{Answer: a} }

// usualForm is the form in which the endpoint is configured to take requests.
func (c *Client) usualForm() form.Form {
	f := form.Form{Whole: c.cfg.NoStream, Completion: c.cfg.CompletionTokens}
	if c.cfg.NoStreamUsage {
		f = f.Without(form.Usage)
	}
	return f
}
