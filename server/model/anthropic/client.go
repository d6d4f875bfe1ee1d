package anthropic

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/address"
	"github.com/elizad/elizad/server/model/internal/call"
	"github.com/elizad/elizad/server/model/internal/exchange"
	"github.com/elizad/elizad/server/model/internal/form"
)

// BaseURL is the vendor's own address.
const BaseURL = "https://api.anthropic.com/v1"

// version is the version of the wire that is spoken; newer ones don't exist.
const version = "2023-06-01"

// Config describes one endpoint. Every field may be empty.
type Config struct {
	Name       string // name of the provider in records and messages; default "anthropic"
	BaseURL    string // with or without /v1 and /messages: a path that ends in no version gets /v1; default the vendor's own
	APIKey     string // empty for gateways that ask for none
	SmallModel string // model for TEXT_SMALL; empty: the first model the endpoint lists
	LargeModel string // model for TEXT_LARGE; empty: the first model the endpoint lists
	Headers    http.Header
	Settings   SettingNames
	Discreet   bool // errors report the status of an answer and not its text: the address was chosen by another party

	HTTPClient       *http.Client  // nil: a new client with at most MaxConns connections to the host
	MaxConns         int           // default 64
	FirstByteTimeout time.Duration // silence allowed before the first byte of the answer; default 2 min
	IdleTimeout      time.Duration // silence allowed later; default 1 min. The vendor pings in between

	Forms *Forms // what is known of models from earlier refusals; nil: the client remembers for itself
}

// SettingNames are the names of the settings a configuration came from, so that an error can say which one to fix.
// An empty name is paraphrased.
type SettingNames = call.SettingNames

// Forms remembers for a while in which form models take requests, so that each refusal is met once. Clients may share it.
// The zero value is ready to use.
type Forms = form.Memory

// Client is a [model.Provider] on one endpoint.
type Client struct {
	cfg      Config
	endpoint *call.Endpoint
}

var _ model.Provider = (*Client)(nil)

// New returns a client for cfg. It connects to nothing. An unusable base URL or key is a [*model.Error] of kind Config or Auth.
func New(cfg Config) (*Client, error) {
	if cfg.Name == "" {
		cfg.Name = "anthropic"
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = BaseURL
	}
	if cfg.Forms == nil {
		cfg.Forms = new(Forms)
	}
	c := &Client{cfg: cfg}
	var err error
	c.endpoint, err = call.New(call.Config{
		Name: cfg.Name, BaseURL: address.Versioned(cfg.BaseURL), Key: cfg.APIKey, Authorize: c.authorize, Headers: cfg.Headers, Model: c.configured,
		Settings: cfg.Settings, Discreet: cfg.Discreet, HTTPClient: cfg.HTTPClient, MaxConns: cfg.MaxConns,
		FirstByteTimeout: cfg.FirstByteTimeout, IdleTimeout: cfg.IdleTimeout,
		Elsewhere: "of a server that speaks OpenAI's protocol and not Anthropic's, it ends in /chat/completions",
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Client) authorize(header http.Header) {
	header.Set("Anthropic-Version", version)
	if c.cfg.APIKey != "" {
		header.Set("X-Api-Key", c.cfg.APIKey)
	}
}

func (c *Client) configured(kind model.Kind) string {
	switch kind {
	case model.TextSmall:
		return c.cfg.SmallModel
	case model.TextLarge:
		return c.cfg.LargeModel
	default:
		return ""
	}
}

// Close drops the idle connections of a client that is no longer used. Calls under way are not disturbed.
func (c *Client) Close() { c.endpoint.Close() }

// Name returns the configured name.
func (c *Client) Name() string { return c.cfg.Name }

// Model returns the model that serves kind; empty while none is configured and the endpoint's list was not read yet.
func (c *Client) Model(kind model.Kind) string { return c.endpoint.Model(kind) }

// Models returns the ids of the models the endpoint lists, in its order: the vendor's begins with the newest.
func (c *Client) Models(ctx context.Context) ([]string, error) { return c.endpoint.Models(ctx) }

// Generate runs one request; see [model.Provider]. A request that the endpoint refuses because of its form is sent once
// more in the form that the model takes, which is remembered. Otherwise it makes one attempt: wrap the client in
// [model.Retry] for more.
func (c *Client) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	x := exchange.Client{Endpoint: c.endpoint, Forms: c.cfg.Forms, Path: "messages", Answers: "a message of Anthropic's protocol", Wire: wire{}}
	return x.Generate(ctx, req)
}

// wire is the protocol.
type wire struct{}

func (wire) Request(name string, req model.Request, f form.Form) form.Request {
	return newRequest(name, req, f)
}

func (wire) Reader(a *exchange.Answer) exchange.Reader { return &answer{Answer: a} }
