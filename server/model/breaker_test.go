package model_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/model"
)

// flaky is a provider that fails with an error while there is one, and counts how often it was asked.
type flaky struct {
	name  string
	err   error
	text  string // before the failure, or the answer
	asked int
}

func (f *flaky) Name() string            { return f.name }
func (f *flaky) Model(model.Kind) string { return f.name + "-model" }

func (f *flaky) Generate(context.Context, model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		f.asked++
		if f.text != "" && !yield(model.Chunk{Text: f.text}, nil) {
			return
		}
		if f.err != nil {
			yield(model.Chunk{}, f.err)
			return
		}
		yield(model.Chunk{Done: &model.Done{FinishReason: model.FinishStop}}, nil)
	}
}

var request = model.Request{Kind: model.TextLarge, Prompt: "Hello"}

func down() *model.Error {
	return &model.Error{Kind: model.Unavailable, Status: 503, Message: "It is down."}
}

// TestBreaker follows a circuit through its states by the clock.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var breaker model.Breaker
		f := &flaky{name: "a", err: down()}
		guarded := breaker.Break(f, "https://a", "key")
		call := func() error {
			_, err := model.Collect(guarded.Generate(t.Context(), request))
			return err
		}
		expect := func(asked int, state model.CircuitState) {
			t.Helper()
			if got := guarded.Circuit(model.TextLarge); f.asked != asked || got.State != state || got.RetryAt.IsZero() != (state != model.CircuitOpen) {
				t.Errorf("after %v: asked %d times, %+v, want %d and %s", time.Now(), f.asked, got, asked, state)
			}
		}
		for range 4 {
			_ = call()
		}
		expect(4, model.CircuitClosed)
		_ = call()
		expect(5, model.CircuitOpen)
		if e, ok := errors.AsType[*model.Error](call()); !ok || e.Kind != model.Unavailable || e.RetryAfter != 30*time.Second || e.Message != "The model failed several times in a row; it is tried again in 30 seconds." {
			t.Errorf("while it is open: %v", e)
		}
		expect(5, model.CircuitOpen)
		if other := breaker.Break(f, "https://a", "another key").Circuit(model.TextLarge); other.State != model.CircuitClosed {
			t.Errorf("with another key: %+v", other)
		}

		rest := 30 * time.Second
		for asked := 6; rest < 5*time.Minute; asked++ { // each probe that fails doubles the rest, up to a bound
			time.Sleep(rest)
			expect(asked-1, model.CircuitHalfOpen)
			_ = call()
			expect(asked, model.CircuitOpen)
			rest = min(2*rest, 5*time.Minute)
			if wait := time.Until(guarded.Circuit(model.TextLarge).RetryAt); wait != rest {
				t.Errorf("it rests for %v, want %v", wait, rest)
			}
		}
		time.Sleep(rest)
		f.err = nil
		if err := call(); err != nil {
			t.Errorf("once it works: %v", err)
		}
		if state := guarded.Circuit(model.TextLarge).State; state != model.CircuitClosed {
			t.Errorf("once it works it is %s", state)
		}
	})
}

// TestBreakerProbesOnce lets one of several calls through when the rest is over, and another when the first comes to nothing.
func TestBreakerProbesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var breaker model.Breaker
		f := &flaky{name: "a", err: down()}
		guarded := breaker.Break(f, "https://a", "")
		for range 5 {
			_, _ = model.Collect(guarded.Generate(t.Context(), request))
		}
		time.Sleep(30 * time.Second)
		f.err, f.text = nil, "Yes."
		for chunk, err := range guarded.Generate(t.Context(), request) {
			if err != nil || chunk.Text == "" {
				t.Fatalf("the probe: %v", err)
			}
			asked := f.asked
			if _, err := model.Collect(guarded.Generate(t.Context(), request)); err == nil || f.asked != asked {
				t.Error("there are two probes")
			}
			break // it comes to nothing
		}
		if _, err := model.Collect(guarded.Generate(t.Context(), request)); err != nil {
			t.Errorf("the next probe: %v", err)
		}
		if state := guarded.Circuit(model.TextLarge).State; state != model.CircuitClosed {
			t.Errorf("after it the circuit is %s", state)
		}
	})
}

// TestWhatOpensACircuit counts failures of the endpoint, and nothing that whoever asks may cause.
func TestWhatOpensACircuit(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		open bool
	}{
		"overloaded":    {&model.Error{Kind: model.Unavailable, Status: 529}, true},
		"unreachable":   {&model.Error{Kind: model.Unavailable, Err: io.ErrUnexpectedEOF}, true},
		"limited":       {&model.Error{Kind: model.RateLimit, Status: 429}, true},
		"silent":        {&model.Error{Kind: model.Timeout}, true},
		"nothing said":  {&model.Error{Kind: model.Unavailable}, false},
		"bad request":   {&model.Error{Kind: model.BadRequest, Status: 400}, false},
		"wrong key":     {&model.Error{Kind: model.Auth, Status: 401}, false},
		"no such model": {&model.Error{Kind: model.Config, Status: 404}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var breaker model.Breaker
			guarded := breaker.Break(&flaky{name: "a", err: tt.err}, "https://a", "")
			for range 6 {
				_, _ = model.Collect(guarded.Generate(t.Context(), request))
			}
			if state := guarded.Circuit(model.TextLarge).State; (state == model.CircuitOpen) != tt.open {
				t.Errorf("the circuit is %s", state)
			}
		})
	}
}

func TestFallback(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first    flaky
		second   error
		provider string // that answers; "" for none
		asked    int    // how often the second is
	}{
		"the first answers":      {flaky{name: "a", text: "A"}, nil, "a", 0},
		"the first is down":      {flaky{name: "a", err: down()}, nil, "b", 1},
		"the first has no key":   {flaky{name: "a", err: &model.Error{Kind: model.Auth}}, nil, "b", 1},
		"the first has no model": {flaky{name: "a", err: &model.Error{Kind: model.Config}}, nil, "b", 1},
		"the first is limited":   {flaky{name: "a", err: &model.Error{Kind: model.RateLimit}}, nil, "b", 1},
		"both are down":          {flaky{name: "a", err: down()}, down(), "", 1},
		"the request is wrong":   {flaky{name: "a", err: &model.Error{Kind: model.BadRequest}}, nil, "", 0},
		"a part was shown":       {flaky{name: "a", text: "A", err: down()}, nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := &flaky{name: "b", text: "B", err: tt.second}
			if tt.second != nil {
				second.text = ""
			}
			var attempts []model.Attempt
			req := request
			req.Report = func(a model.Attempt) { attempts = append(attempts, a) }
			answer, err := model.Collect(model.Fallback(&tt.first, second).Generate(t.Context(), req))
			if (err == nil) != (tt.provider != "") || err == nil && (answer.Done.Provider != tt.provider || answer.Done.Fallback != (tt.provider == "b")) {
				t.Errorf("%+v, %v", answer, err)
			}
			if second.asked != tt.asked || len(attempts) != tt.asked {
				t.Errorf("the second was asked %d times, and %d attempts are reported", second.asked, len(attempts))
			}
			if len(attempts) > 0 && (attempts[0].Provider != "a" || attempts[0].Model != "a-model" || attempts[0].Err == nil) {
				t.Errorf("reported: %+v", attempts[0])
			}
		})
	}
}

func TestByKind(t *testing.T) {
	t.Parallel()
	small, large := &flaky{name: "s", text: "S"}, &flaky{name: "l", text: "L"}
	p := model.ByKind(small, large)
	if p.Name() != "l" || p.Model(model.TextSmall) != "s-model" || p.Model(model.TextLarge) != "l-model" {
		t.Errorf("it is called %s, %s, %s", p.Name(), p.Model(model.TextSmall), p.Model(model.TextLarge))
	}
	for kind, want := range map[model.Kind]string{model.TextSmall: "s", model.TextLarge: "l"} {
		answer, err := model.Collect(p.Generate(t.Context(), model.Request{Kind: kind, Prompt: "Hello"}))
		if err != nil || answer.Done.Provider != want || answer.Done.Fallback {
			t.Errorf("%s: %+v, %v", kind, answer, err)
		}
	}
}
