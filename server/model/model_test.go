package model_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/elizad/elizad/server/model"
)

// script is a provider that answers its n-th call with the n-th reply, and the last one from then on.
type script struct {
	calls   int
	replies []reply
}

type reply struct {
	text []string
	err  error
}

func (s *script) Name() string            { return "script" }
func (s *script) Model(model.Kind) string { return "script-1" }

func (s *script) Generate(context.Context, model.Request) iter.Seq2[model.Chunk, error] {
	return func(yield func(model.Chunk, error) bool) {
		r := s.replies[min(s.calls, len(s.replies)-1)]
		s.calls++
		for _, text := range r.text {
			if !yield(model.Chunk{Text: text}, nil) {
				return
			}
		}
		if r.err != nil {
			yield(model.Chunk{}, r.err)
			return
		}
		yield(model.Chunk{Done: &model.Done{FinishReason: model.FinishStop, Model: "script-1"}}, nil)
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")

	s := &script{replies: []reply{{text: []string{"a", "b"}}, {text: []string{"c"}, err: boom}}}
	got, err := model.Collect(s.Generate(t.Context(), model.Request{}))
	if err != nil || got.Text != "ab" || got.Done.FinishReason != model.FinishStop || got.Done.Model != "script-1" {
		t.Errorf("complete answer: %+v, %v", got, err)
	}
	got, err = model.Collect(s.Generate(t.Context(), model.Request{}))
	if !errors.Is(err, boom) || got.Text != "c" {
		t.Errorf("broken answer: %+v, %v", got, err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	valid := model.Request{Kind: model.TextLarge, Prompt: "hello"}
	tests := map[string]struct {
		change func(*model.Request)
		ok     bool
	}{
		"valid":            {func(*model.Request) {}, true},
		"state only":       {func(r *model.Request) { r.Prompt, r.State = "", &model.State{Text: "hi"} }, true},
		"turns only":       {func(r *model.Request) { r.Prompt, r.Messages = "", []model.Message{{Role: model.RoleUser}} }, true},
		"nothing to say":   {func(r *model.Request) { r.Prompt = "" }, false},
		"unknown kind":     {func(r *model.Request) { r.Kind = "IMAGE" }, false},
		"negative limit":   {func(r *model.Request) { r.Params.MaxTokens = -1 }, false},
		"hot":              {func(r *model.Request) { r.Params.Temperature = new(2.1) }, false},
		"not a number":     {func(r *model.Request) { r.Params.TopP = new(math.NaN()) }, false},
		"zero temperature": {func(r *model.Request) { r.Params.Temperature = new(0.0) }, true},
		"big penalty":      {func(r *model.Request) { r.Params.PresencePenalty = new(-3.0) }, false},
		"unknown role":     {func(r *model.Request) { r.Messages = []model.Message{{Role: "system"}} }, false},
		"nameless tool":    {func(r *model.Request) { r.Tools = []model.Tool{{}} }, false},
		"broken schema":    {func(r *model.Request) { r.Tools = []model.Tool{{Name: "f", Parameters: []byte("{")}} }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := valid
			test.change(&req)
			err := req.Validate()
			if test.ok != (err == nil) || err != nil && !model.IsKind(err, model.BadRequest) {
				t.Errorf("Validate() = %v", err)
			}
		})
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	down := &model.Error{Kind: model.Unavailable, Message: "down"}
	busy := &model.Error{Kind: model.RateLimit, Message: "busy", RetryAfter: 7 * time.Second}
	exhausted := &model.Error{Kind: model.RateLimit, Message: "quota", RetryAfter: time.Hour}
	wrongKey := &model.Error{Kind: model.Auth, Message: "wrong key"}
	silent := &model.Error{Kind: model.Timeout, Message: "silent"}
	fine := reply{text: []string{"fine"}}

	tests := map[string]struct {
		replies   []reply
		calls     int
		text      string
		err       error
		atLeast   time.Duration
		lessThan  time.Duration
		cancelled bool
	}{
		"first try":             {replies: []reply{fine}, calls: 1, text: "fine", lessThan: 1},
		"one failure":           {replies: []reply{{err: down}, fine}, calls: 2, text: "fine", atLeast: 250 * time.Millisecond, lessThan: time.Second},
		"asked to wait":         {replies: []reply{{err: busy}, fine}, calls: 2, text: "fine", atLeast: 7 * time.Second, lessThan: 8 * time.Second},
		"three failures":        {replies: []reply{{err: down}}, calls: 3, err: down, lessThan: 2 * time.Second},
		"asked to wait long":    {replies: []reply{{err: exhausted}, fine}, calls: 1, err: exhausted, lessThan: 1},
		"wrong key":             {replies: []reply{{err: wrongKey}, fine}, calls: 1, err: wrongKey, lessThan: 1},
		"silence":               {replies: []reply{{err: silent}, fine}, calls: 1, err: silent, lessThan: 1},
		"failure after text":    {replies: []reply{{text: []string{"half"}, err: down}, fine}, calls: 1, text: "half", err: down, lessThan: 1},
		"cancelled during wait": {replies: []reply{{err: busy}, fine}, calls: 1, err: context.Canceled, cancelled: true, lessThan: 2 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancelled {
					time.AfterFunc(time.Second, cancel)
				}
				s := &script{replies: test.replies}
				start := time.Now()
				got, err := model.Collect(model.Retry(s).Generate(ctx, model.Request{}))
				took := time.Since(start)
				if !errors.Is(err, test.err) || got.Text != test.text || s.calls != test.calls {
					t.Errorf("got %q, %v after %d calls; want %q, %v after %d", got.Text, err, s.calls, test.text, test.err, test.calls)
				}
				if took < test.atLeast || took >= test.lessThan {
					t.Errorf("took %v, want %v to %v", took, test.atLeast, test.lessThan)
				}
			})
		})
	}
}

func TestRetryStopsWithTheReader(t *testing.T) {
	t.Parallel()
	s := &script{replies: []reply{{text: []string{"a", "b"}}}}
	var got []string
	for chunk := range model.Retry(s).Generate(t.Context(), model.Request{}) {
		got = append(got, chunk.Text)
		break
	}
	if diff := cmp.Diff([]string{"a"}, got); diff != "" || s.calls != 1 {
		t.Errorf("calls %d, chunks %s", s.calls, diff)
	}
}

func TestEstimateTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]int{"": 0, "a": 1, "The quick brown fox jumps over the lazy dog.": 12, "今日は良い天気ですね": 7}
	for text, want := range tests {
		if got := model.EstimateTokens(text); got != want {
			t.Errorf("EstimateTokens(%q) = %d, want %d", text, got, want)
		}
	}
}
