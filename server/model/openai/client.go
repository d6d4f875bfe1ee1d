package openai

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/elizad/elizad/server/model"
)

// DefaultMaxConns is how many connections a client opens to one host unless configured otherwise.
const DefaultMaxConns = 64

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
type SettingNames struct {
	APIKey     string
	BaseURL    string
	SmallModel string
	LargeModel string

	TranscriptionModel string
	SpeechModel        string
	Voice              string
}

// Client is a [model.Provider] on one OpenAI-compatible endpoint.
type Client struct {
	cfg      Config
	endpoint *url.URL // base URL, to which the paths of the API are added
	http     *http.Client
	found    atomic.Pointer[string] // model taken from the endpoint's list, for kinds that have none configured
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
	cfg.Settings = cfg.Settings.orParaphrased()
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = DefaultMaxConns
	}
	if cfg.FirstByteTimeout <= 0 {
		cfg.FirstByteTimeout = 2 * time.Minute
	}
	if cfg.IdleTimeout <= 0 {
		cfg.IdleTimeout = time.Minute
	}
	if cfg.Forms == nil {
		cfg.Forms = new(Forms)
	}
	endpoint, err := parseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, &model.Error{Kind: model.Config, Provider: cfg.Name, Err: err,
			Message: fmt.Sprintf("The base URL is not usable; check %s.", cfg.Settings.BaseURL)}
	}
	if !printable(cfg.APIKey) {
		return nil, &model.Error{Kind: model.Auth, Provider: cfg.Name,
			Message: fmt.Sprintf("The key holds a space or a line break; check %s.", cfg.Settings.APIKey)}
	}
	c := &Client{cfg: cfg, endpoint: endpoint}
	c.http = c.httpClient()
	return c, nil
}

// NewTransport returns a transport that suits the wire, with at most maxConns connections to a host; clients may share it.
func NewTransport(maxConns int) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxConnsPerHost:     maxConns,
		MaxIdleConnsPerHost: maxConns,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		DisableCompression:  true, // a compressing proxy would hold chunks back
	}
}

// httpClient returns the configured client or one with a new transport, changed not to follow redirects: they
// would carry custom headers to another host and turn a POST into a GET.
func (c *Client) httpClient() *http.Client {
	client := c.cfg.HTTPClient
	if client == nil {
		client = &http.Client{Transport: NewTransport(c.cfg.MaxConns)}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Close drops the idle connections of a client that is no longer used. Calls under way are not disturbed.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Name returns the configured name.
func (c *Client) Name() string { return c.cfg.Name }

// Model returns the model that serves kind; empty while none is configured and the endpoint's list was not read yet.
func (c *Client) Model(kind model.Kind) string {
	name := c.cfg.Model(kind)
	if name == "" && (kind == model.TextSmall || kind == model.TextLarge) {
		if found := c.found.Load(); found != nil {
			return *found
		}
	}
	return name
}

// maxAdaptations bounds how often the form of one call is changed.
const maxAdaptations = 6

// Generate runs one request; see [model.Provider]. A request that the endpoint refuses because of its form is sent once
// more in the form that the model takes, which is remembered. Otherwise it makes one attempt: wrap the client in
// [model.Retry] for more.
func (c *Client) Generate(ctx context.Context, req model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		if err := req.Validate(); err != nil {
			yield(model.Chunk{}, c.named(err))
			return
		}
		name, err := c.resolveModel(ctx, req.Kind)
		if err != nil {
			yield(model.Chunk{}, err)
			return
		}
		key := formKey{c.endpoint.String(), name}
		known := c.cfg.Forms.of(key, c.usualForm())
		for attempts, f := 1, known; ; attempts++ {
			x := exchange{client: c, body: newChatRequest(name, req, f), yield: yield}
			if f != known {
				x.accepted = func() { c.cfg.Forms.learn(key, f) }
			}
			start := time.Now()
			refused, err := x.run(ctx)
			if refused == nil {
				return
			}
			next, ok := f.adapted(*refused)
			if !ok || attempts > maxAdaptations {
				yield(model.Chunk{}, err)
				return
			}
			req.Attempted(model.Attempt{Err: err, Took: time.Since(start)})
			f = next
		}
	}
}

// usualForm is the form in which the endpoint is configured to take requests.
func (c *Client) usualForm() form {
	f := form{whole: c.cfg.NoStream, completion: c.cfg.CompletionTokens}
	f.left[partUsage] = c.cfg.NoStreamUsage
	return f
}

// exchange is one request and its answer.
type exchange struct {
	client   *Client
	body     *chatRequest
	yield    func(model.Chunk, error) bool
	accepted func() // called when the endpoint takes the form of the request; may be nil
}

// run sends the request and yields the answer, or the failure. Nothing is yielded when the endpoint refuses the form of the
// request: then the refusal is returned, with the failure that it otherwise is.
func (x *exchange) run(ctx context.Context) (*refusal, error) {
	c := x.client
	payload, err := json.Marshal(x.body)
	if err != nil {
		x.yield(model.Chunk{}, fmt.Errorf("encoding the chat request: %w", err))
		return nil, nil
	}
	call, cancel := newWatch(ctx, c.cfg.FirstByteTimeout, c.cfg.IdleTimeout)
	defer cancel()
	resp, err := c.send(call.ctx, http.MethodPost, "chat/completions", payload)
	if err != nil {
		x.yield(model.Chunk{}, c.connectionError(ctx, call, err))
		return nil, nil
	}
	defer resp.Body.Close()
	content := call.reader(resp.Body)
	if resp.StatusCode != http.StatusOK {
		said, failure := c.statusError(resp, content, x.body.kind)
		if r := refusalOf(resp.StatusCode, said, x.body); r.part < parts {
			return &r, failure
		}
		x.yield(model.Chunk{}, failure)
		return nil, nil
	}
	answer := &answer{exchange: x, prompt: payload}
	err = answer.read(content)
	switch {
	case err == nil, errors.Is(err, errReaderLeft):
		return nil, nil
	case answer.refused != nil:
		return answer.refused, c.named(err)
	case call.ended(err):
		err = c.connectionError(ctx, call, err)
	}
	x.yield(model.Chunk{}, c.named(err))
	return nil, nil
}

// send makes one HTTP request below the base URL. A nil payload sends no body.
func (c *Client) send(ctx context.Context, method, path string, payload []byte) (*http.Response, error) {
	var body io.Reader
	contentType := ""
	if payload != nil {
		body, contentType = bytes.NewReader(payload), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, c.endpoint.JoinPath(path).String(), body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.Header.Set("Accept", "text/event-stream, application/json")
	return c.do(req, contentType)
}

// do sends a request with a body of the given type, as this client.
func (c *Client) do(req *http.Request, contentType string) (*http.Response, error) {
	req.Header.Set("User-Agent", "elizad")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.cfg.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.APIKey)
	}
	for name, values := range c.cfg.Headers {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return c.http.Do(req)
}

// named fills in the provider's name of an error that was made without it.
func (c *Client) named(err error) error {
	if e, ok := errors.AsType[*model.Error](err); ok && e.Provider == "" {
		e.Provider = c.cfg.Name
	}
	return err
}

// orParaphrased returns n with a description in place of every empty name.
func (n SettingNames) orParaphrased() SettingNames {
	return SettingNames{
		APIKey:     cmp.Or(n.APIKey, "the API key"),
		BaseURL:    cmp.Or(n.BaseURL, "the base URL"),
		SmallModel: cmp.Or(n.SmallModel, "the small model"),
		LargeModel: cmp.Or(n.LargeModel, "the large model"),

		TranscriptionModel: cmp.Or(n.TranscriptionModel, "the transcription model"),
		SpeechModel:        cmp.Or(n.SpeechModel, "the speech model"),
		Voice:              cmp.Or(n.Voice, "the voice"),
	}
}

// model returns the name of the setting that chooses the model for kind.
func (n SettingNames) model(kind model.Kind) string {
	switch kind {
	case model.TextSmall:
		return n.SmallModel
	case model.Transcription:
		return n.TranscriptionModel
	case model.TextToSpeech:
		return n.SpeechModel
	default:
		return n.LargeModel
	}
}

// printable reports whether s can be in a header: HTTP allows no control characters, and a key has no spaces.
func printable(s string) bool {
	for _, r := range s {
		if r <= ' ' || r == 0x7f {
			return false
		}
	}
	return true
}
