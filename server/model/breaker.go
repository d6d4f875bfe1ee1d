package model

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"
)

const (
	breakAfter  = 5                // failures in a row open a circuit
	firstRest   = 30 * time.Second // how long it is open the first time; twice as long after each probe that fails
	longestRest = 5 * time.Minute
	maxCircuits = 1024 // that are remembered
)

// CircuitState says whether an endpoint is asked.
type CircuitState string

// The states of a circuit.
const (
	CircuitClosed   CircuitState = "closed"    // it is
	CircuitOpen     CircuitState = "open"      // it failed several times in a row, and is left alone for a while
	CircuitHalfOpen CircuitState = "half_open" // one call finds out whether it works again
)

// Circuit is the state of an endpoint.
type Circuit struct {
	State   CircuitState
	RetryAt time.Time // when it is tried again; zero unless the circuit is open
}

// Breaker leaves endpoints alone that fail. Those that work take no memory. The zero value is ready to use, and safe for concurrent use.
type Breaker struct {
	mu       sync.Mutex
	circuits map[Endpoint]*circuit
}

// Endpoint names what fails or works as one: a model at an address, for the holder of a key.
type Endpoint struct{ Address, Key, Model string }

type circuit struct {
	failures int           // in a row
	rest     time.Duration // how long it is open, or was last; 0: it never was
	until    time.Time     // when the rest ends
	probing  bool
}

// Break returns a provider that doesn't ask p while the circuit of its endpoint is open: a call then fails at once. Calls that fail
// because of the request, or whose caller leaves, say nothing about the endpoint.
func (b *Breaker) Break(p Provider, address, key string) *Guarded {
	return &Guarded{Provider: p, breaker: b, address: address, key: key}
}

// State returns the state of an endpoint.
func (b *Breaker) State(e Endpoint) Circuit {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[e]
	switch {
	case c == nil || c.rest == 0:
		return Circuit{State: CircuitClosed}
	case time.Now().Before(c.until):
		return Circuit{State: CircuitOpen, RetryAt: c.until}
	default:
		return Circuit{State: CircuitHalfOpen}
	}
}

// enter reports whether a call may be made, and whether it is the probe; until then when to try again.
func (b *Breaker) enter(e Endpoint) (until time.Time, probe, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[e]
	now := time.Now()
	switch {
	case c == nil || c.rest == 0:
		return time.Time{}, false, true
	case now.Before(c.until):
		return c.until, false, false
	case c.probing:
		return now.Add(time.Second), false, false
	default:
		c.probing = true
		return time.Time{}, true, true
	}
}

// worked notes a call that shows that the endpoint works.
func (b *Breaker) worked(e Endpoint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.circuits, e)
}

// failed notes a call that failed.
func (b *Breaker) failed(e Endpoint, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[e]
	if c == nil {
		for other := range b.circuits { // any; it is found out again
			if len(b.circuits) < maxCircuits {
				break
			}
			delete(b.circuits, other)
		}
		if b.circuits == nil {
			b.circuits = map[Endpoint]*circuit{}
		}
		c = &circuit{}
		b.circuits[e] = c
	}
	c.failures++
	switch {
	case probe:
		c.probing, c.rest = false, min(2*c.rest, longestRest)
	case c.rest == 0 && c.failures >= breakAfter:
		c.rest = firstRest
	default:
		return
	}
	c.until = time.Now().Add(c.rest)
}

// unclear notes the end of a probe that showed nothing.
func (b *Breaker) unclear(e Endpoint, probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.circuits[e]; probe && c != nil {
		c.probing = false
	}
}

// Guarded is a provider that a [Breaker] keeps from an endpoint that fails.
type Guarded struct {
	Provider
	breaker      *Breaker
	address, key string
}

// Circuit returns the state of the endpoint for a kind of model.
func (p *Guarded) Circuit(kind Kind) Circuit { return p.breaker.State(p.endpoint(kind)) }

func (p *Guarded) endpoint(kind Kind) Endpoint {
	return Endpoint{Address: p.address, Key: p.key, Model: p.Model(kind)}
}

// Generate implements [Provider].
func (p *Guarded) Generate(ctx context.Context, req Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		e := p.endpoint(req.Kind)
		until, probe, ok := p.breaker.enter(e)
		if !ok {
			rest := time.Until(until)
			yield(Chunk{}, &Error{
				Kind: Unavailable, Provider: p.Name(), RetryAfter: rest,
				Message: fmt.Sprintf("The model failed several times in a row; it is tried again in %d seconds.", max(1, int(rest.Round(time.Second).Seconds()))),
			})
			return
		}
		settled := false
		defer func() {
			if !settled { // the caller left, or its time is over
				p.breaker.unclear(e, probe)
			}
		}()
		for chunk, err := range p.Provider.Generate(ctx, req) {
			switch {
			case err == nil && chunk.Done == nil:
			case err == nil:
				settled = true
				p.breaker.worked(e)
			case ctx.Err() != nil:
			case endpointFailed(err):
				settled = true
				p.breaker.failed(e, probe)
			case answered(err):
				settled = true
				p.breaker.worked(e)
			}
			if !yield(chunk, err) || err != nil {
				return
			}
		}
	}
}

// endpointFailed reports whether a failure is the endpoint's, whatever it was asked: it can't be reached, is overloaded, or silent.
func endpointFailed(err error) bool {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		return false
	case e.Kind == RateLimit, e.Kind == Timeout:
		return true
	case e.Kind == Unavailable: // an empty answer may be the fault of what was asked
		return e.Status >= http.StatusInternalServerError || e.Status == 0 && e.Err != nil
	default:
		return false
	}
}

// answered reports whether an endpoint that refuses a request works.
func answered(err error) bool { return IsKind(err, BadRequest) }
