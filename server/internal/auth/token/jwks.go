package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/elizad/elizad/server/internal/lifecycle"
)

const (
	fetchEvery = 10 * time.Minute // so long at most a key that the issuer has withdrawn is taken
	fetchAgain = 30 * time.Second // after a failure; and between two that were asked for by tokens
	fetchTime  = 5 * time.Second
	maxSet     = 256 << 10 // bytes
	maxKeys    = 100
	maxWaiting = 64 // callers that wait for one fetch; the others are told that it can't be decided
)

// remoteKeys are the keys that an issuer publishes as a JSON Web Key Set (RFC 7517). They are read again in the background, and
// at once when a token names a key that is not among them, which is how the rotation of keys is noticed; that at most twice
// a minute, however many tokens do. Keys that were read hold until others are: an issuer that is away keeps nobody out.
//
// It is the storage of a [keyfunc.Keyfunc], which chooses the key for a token. The embedded one is always empty: nobody asks for the
// set as a document.
type remoteKeys struct {
	jwkset.Storage
	choose  keyfunc.Keyfunc
	address string
	client  *http.Client
	log     *slog.Logger
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time // of the background

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	keys     []jwkset.JWK
	running  chan struct{} // closed when the fetch ends that goes on; nil if none does
	waiting  int           // callers, for that
	began    time.Time     // of the last fetch
	failed   bool          // the last fetch, or there was none
	warned   bool          // of the failure
	finished bool
}

func openRemote(w way, o Options) (source, []string, error) {
	u, err := url.Parse(w.value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, nil, fmt.Errorf("%s is no address; write the one of the issuer's keys, such as https://issuer.example/.well-known/jwks.json", w.setting)
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, nil, fmt.Errorf("%s begins with http, so that whoever is on the way could put in keys of his own; write https", w.setting)
	}
	k := &remoteKeys{Storage: jwkset.NewMemoryStorage(), address: w.value, log: o.Log, now: o.Now, after: time.After, failed: true}
	if k.choose, err = keyfunc.New(keyfunc.Options{Storage: k}); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", w.setting, err)
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	transport := o.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:             http.ProxyFromEnvironment,
			DialContext:       (&net.Dialer{}).DialContext,
			DisableKeepAlives: true, // it is ten minutes to the next request
			ForceAttemptHTTP2: true,
		}
	}
	k.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // which might be to http
	}
	return k, []string{"EdDSA", "ES256", "ES384", "ES512", "RS256", "PS256", "RS384", "PS384", "RS512", "PS512"}, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

func (k *remoteKeys) start() {
	k.work.Go(func() { lifecycle.Persist(k.ctx, k.log, "the fetching of keys", k.refresh) })
}

// refresh fetches the keys again and again.
func (k *remoteKeys) refresh() {
	for {
		pause := fetchAgain
		if done := k.fetch(true); done != nil {
			<-done
			k.mu.Lock()
			if !k.failed {
				pause = fetchEvery
			}
			k.mu.Unlock()
		}
		select {
		case <-k.ctx.Done():
			return
		case <-k.after(pause):
		}
	}
}

func (k *remoteKeys) stop() {
	k.mu.Lock()
	k.finished = true
	k.mu.Unlock()
	k.cancel()
	k.work.Wait()
}

// find implements source.
func (k *remoteKeys) find(ctx context.Context) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		key, err := k.choose.KeyfuncCtx(context.WithValue(ctx, algorithmKey{}, t.Method.Alg()))(t)
		set, several := key.(jwt.VerificationKeySet)
		switch {
		case errors.Is(err, errUndecided):
			return nil, errUndecided
		case err != nil:
			return nil, UnknownKey
		case !several:
			set.Keys = []jwt.VerificationKey{key}
		}
		set.Keys = slices.DeleteFunc(set.Keys, func(key jwt.VerificationKey) bool { return !slices.Contains(algorithmsOf(key), t.Method.Alg()) })
		return set, refusedIf(len(set.Keys) == 0)
	}
}

func refusedIf(refused bool) error {
	if refused {
		return UnknownKey
	}
	return nil
}

// algorithmKey is the place of a token's algorithm in a context.
type algorithmKey struct{}

// KeyRead returns the key with an id; of several, which RFC 7517 allows for keys of different kinds, the one for the algorithm in
// ctx. The error is [UnknownKey] or errUndecided.
func (k *remoteKeys) KeyRead(ctx context.Context, id string) (jwkset.JWK, error) {
	keys, err := k.await(ctx, func(key jwkset.JWK) bool { return key.Marshal().KID == id })
	if err != nil {
		return jwkset.JWK{}, err
	}
	algorithm, _ := ctx.Value(algorithmKey{}).(string)
	for _, key := range keys {
		if slices.Contains(algorithmsOf(key.Key()), algorithm) {
			return key, nil
		}
	}
	return keys[0], nil // which is refused
}

// KeyReadAll returns all keys. The error is [UnknownKey] or errUndecided.
func (k *remoteKeys) KeyReadAll(ctx context.Context) ([]jwkset.JWK, error) {
	return k.await(ctx, func(jwkset.JWK) bool { return true })
}

// await returns the keys that are wanted, of which there is at least one. If none is known, it looks whether the issuer has some.
func (k *remoteKeys) await(ctx context.Context, wanted func(jwkset.JWK) bool) ([]jwkset.JWK, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if keys := k.known(wanted); keys != nil {
		return keys, nil
	}
	done := k.fetchLocked(false)
	if done == nil || k.waiting >= maxWaiting {
		return nil, k.unknown(done == nil)
	}
	k.waiting++
	k.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
	k.mu.Lock()
	k.waiting--
	if keys := k.known(wanted); keys != nil {
		return keys, nil
	}
	return nil, k.unknown(ctx.Err() == nil)
}

// unknown returns what is to be said of a token whose key is not known, after the set was looked at or not.
func (k *remoteKeys) unknown(looked bool) error {
	if k.failed || !looked {
		return errUndecided
	}
	return UnknownKey
}

// known returns the keys that are wanted, nil for none. The caller holds the lock.
func (k *remoteKeys) known(wanted func(jwkset.JWK) bool) (keys []jwkset.JWK) {
	for _, key := range k.keys {
		if wanted(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// fetch reads the keys, or joins in reading them. What it returns is closed when that is done; nil if it is too early.
func (k *remoteKeys) fetch(due bool) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fetchLocked(due)
}

func (k *remoteKeys) fetchLocked(due bool) <-chan struct{} {
	if k.running != nil {
		return k.running
	}
	if k.finished || !due && k.now().Sub(k.began) < fetchAgain {
		return nil
	}
	done := make(chan struct{})
	k.running, k.began = done, k.now()
	k.work.Go(func() {
		defer lifecycle.Contain(k.log, "the reading of keys")
		var keys []jwkset.JWK
		err := errors.New("panic")
		defer func() { k.settle(keys, err) }()
		keys, err = k.read()
	})
	return done
}

// settle ends a fetch.
func (k *remoteKeys) settle(keys []jwkset.JWK, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		k.keys = keys
		if k.warned {
			k.log.Info("the keys of the issuer of tokens can be read again")
		}
	case k.ctx.Err() == nil && !k.warned:
		k.log.Warn("the keys of the issuer of tokens can't be read; those that are known go on to hold", "known", len(k.keys), "error", err)
	}
	k.failed, k.warned = err != nil, err != nil
	close(k.running)
	k.running = nil
}

// read asks the issuer for its keys.
func (k *remoteKeys) read() ([]jwkset.JWK, error) {
	ctx, cancel := context.WithTimeout(k.ctx, fetchTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSet+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxSet {
		return nil, fmt.Errorf("more than %d bytes", maxSet)
	}
	return parseSet(body)
}

// parseSet reads the keys of a set that verify signatures. Others are left out, as the standard has it: an issuer may publish
// what is not for us. A set without any is an error, so that nonsense doesn't take the place of keys.
func parseSet(body []byte) ([]jwkset.JWK, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, errors.New("no JSON Web Key Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("more than %d keys", maxKeys)
	}
	var out []jwkset.JWK
	for _, raw := range set.Keys {
		if key, ok := parseKey(raw); ok {
			out = append(out, key)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("a JSON Web Key Set without keys for signatures")
	}
	return out, nil
}

func parseKey(raw json.RawMessage) (key jwkset.JWK, ok bool) {
	var private struct {
		D json.RawMessage `json:"d"`
	}
	if json.Unmarshal(raw, &private) != nil || private.D != nil { // known to everybody by now
		return key, false
	}
	key, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{}) // no symmetric ones
	if err != nil {
		return key, false
	}
	about := key.Marshal()
	if about.USE != "" && about.USE != jwkset.UseSig || len(about.KEYOPS) > 0 && !slices.Contains(about.KEYOPS, jwkset.KeyOpsVerify) {
		return key, false
	}
	algorithms := algorithmsOf(key.Key())
	return key, len(algorithms) > 0 && (about.ALG == "" || slices.Contains(algorithms, about.ALG.String()))
}
