// Package call makes the calls of a model's endpoint over HTTP, whatever protocol it speaks: how a request is sent, how long
// the endpoint may stay silent, and how a failure is explained to people, with the setting to change and without a secret.
package call

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/address"
)

// Config describes an endpoint.
type Config struct {
	Name      string // of the provider, in records and messages
	BaseURL   string // as [address.Parse] reads it
	Key       string // empty for endpoints that ask for none
	Authorize func(http.Header)
	Headers   http.Header // sent with each request; their values are as secret as the key
	Model     func(model.Kind) string
	Settings  SettingNames
	Elsewhere string // what to set where the API is not at all, as the rest of a sentence; empty: nothing is known
	Discreet  bool   // errors report the status of an answer and not its text

	HTTPClient       *http.Client  // nil: a new one with at most MaxConns connections to the host
	MaxConns         int           // default DefaultMaxConns
	FirstByteTimeout time.Duration // silence allowed before the first byte of the answer; default 2 min
	IdleTimeout      time.Duration // silence allowed later; default 1 min
}

// DefaultMaxConns is how many connections a client opens to one host unless configured otherwise.
const DefaultMaxConns = 64

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

// Endpoint is an endpoint that can be called, by any number of callers at once.
type Endpoint struct {
	cfg   Config
	url   *url.URL // base URL, to which the paths of the API are added
	http  *http.Client
	found atomic.Pointer[string] // model taken from the endpoint's list, for kinds that have none configured
}

// New returns an endpoint. It connects to nothing. An unusable base URL or key is a [*model.Error] of kind Config or Auth.
func New(cfg Config) (*Endpoint, error) {
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
	base, err := address.Parse(cfg.BaseURL)
	if err != nil {
		return nil, &model.Error{Kind: model.Config, Provider: cfg.Name, Err: err,
			Message: fmt.Sprintf("The base URL is not usable; check %s.", cfg.Settings.BaseURL)}
	}
	if !printable(cfg.Key) {
		return nil, &model.Error{Kind: model.Auth, Provider: cfg.Name,
			Message: fmt.Sprintf("The key holds a space or a line break; check %s.", cfg.Settings.APIKey)}
	}
	return &Endpoint{cfg: cfg, url: base, http: httpClient(cfg)}, nil
}

// NewTransport returns a transport that suits the calls of models, with at most maxConns connections to a host; clients may
// share it.
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
func httpClient(cfg Config) *http.Client {
	client := cfg.HTTPClient
	if client == nil {
		client = &http.Client{Transport: NewTransport(cfg.MaxConns)}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Close drops the idle connections of an endpoint that is no longer used. Calls under way are not disturbed.
func (e *Endpoint) Close() { e.http.CloseIdleConnections() }

// Path returns the URL of a path of the API.
func (e *Endpoint) Path(path string) string { return e.url.JoinPath(path).String() }

// Host returns the host and port of the endpoint.
func (e *Endpoint) Host() string { return e.url.Host }

// Settings returns the names of the settings that the endpoint came from, paraphrased where they have none.
func (e *Endpoint) Settings() SettingNames { return e.cfg.Settings }

// Model returns the model that serves kind; empty while none is configured and the endpoint's list was not read yet.
func (e *Endpoint) Model(kind model.Kind) string {
	name := e.cfg.Model(kind)
	if name == "" && (kind == model.TextSmall || kind == model.TextLarge) {
		if found := e.found.Load(); found != nil {
			return *found
		}
	}
	return name
}

// Watch begins a call that is cancelled when the endpoint goes silent; the caller must call cancel.
func (e *Endpoint) Watch(ctx context.Context) (w *Watch, cancel func()) {
	return newWatch(ctx, e.cfg.FirstByteTimeout, e.cfg.IdleTimeout)
}

// Send makes one request to a path of the API. A nil payload sends no body.
func (e *Endpoint) Send(ctx context.Context, method, path string, payload []byte) (*http.Response, error) {
	var body io.Reader
	contentType := ""
	if payload != nil {
		body, contentType = bytes.NewReader(payload), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, e.Path(path), body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	req.Header.Set("Accept", "text/event-stream, application/json")
	return e.Do(req, contentType)
}

// Post sends a request to a path of the API and has its answer read; kind is of the model that is asked. The failure of an
// answer with another status than 200 comes with what it says.
func (e *Endpoint) Post(ctx context.Context, path string, payload []byte, kind model.Kind, read func(io.Reader) error) (Detail, error) {
	w, cancel := e.Watch(ctx)
	defer cancel()
	resp, err := e.Send(w.Context, http.MethodPost, path, payload)
	if err != nil {
		return Detail{}, e.ConnectionError(ctx, w, err)
	}
	defer resp.Body.Close()
	body := w.Reader(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return e.StatusError(resp, body, kind)
	}
	err = read(body)
	if err != nil && w.Ended(err) {
		err = e.ConnectionError(ctx, w, err)
	}
	return Detail{}, e.Named(err)
}

// Do sends a request with a body of the given type, with the key.
func (e *Endpoint) Do(req *http.Request, contentType string) (*http.Response, error) {
	req.Header.Set("User-Agent", "elizad")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	e.cfg.Authorize(req.Header)
	for name, values := range e.cfg.Headers {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	return e.http.Do(req)
}

// Named fills in the provider's name of an error that was made without it.
func (e *Endpoint) Named(err error) error {
	if failure, ok := errors.AsType[*model.Error](err); ok && failure.Provider == "" {
		failure.Provider = e.cfg.Name
	}
	return err
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
