package model

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Fallback returns a provider that asks each of providers in turn until one answers. The next is asked only when the one before
// failed in a way that another may mend, and before any text was yielded. The last chunk of an answer names the provider that gave it.
// It has the name and the models of the first.
func Fallback(first Provider, others ...Provider) Provider {
	return fallback{Provider: first, all: append([]Provider{first}, others...)}
}

type fallback struct {
	Provider
	all []Provider
}

func (f fallback) Generate(ctx context.Context, req Request) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for i, p := range f.all {
			last := i == len(f.all)-1
			if !f.ask(ctx, p, req, i > 0, last, yield) {
				return
			}
		}
	}
}

// ask passes the answer of one provider on, and reports whether the next is to be asked.
func (f fallback) ask(ctx context.Context, p Provider, req Request, stepsIn, last bool, yield func(Chunk, error) bool) (next bool) {
	began, start := false, time.Now()
	req.Report = from(p, req)
	for chunk, err := range p.Generate(ctx, req) {
		if err != nil && !began && !last && ctx.Err() == nil && mendable(err) {
			req.Attempted(Attempt{Err: err, Took: time.Since(start)})
			return true
		}
		if chunk.Done != nil && chunk.Done.Provider == "" {
			done := *chunk.Done
			done.Provider, done.Fallback, chunk.Done = p.Name(), stepsIn, &done
		}
		began = began || chunk.Text != ""
		if !yield(chunk, err) || err != nil {
			return false
		}
	}
	return false
}

// from returns the Report of a request that says which provider failed.
func from(p Provider, req Request) func(Attempt) {
	report := req.Report
	if report == nil {
		return nil
	}
	return func(a Attempt) {
		if a.Provider == "" {
			a.Provider, a.Model = p.Name(), p.Model(req.Kind)
		}
		report(a)
	}
}

// mendable reports whether another provider may answer what one failed to: everything but a request that is wrong by itself.
func mendable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind != BadRequest
}

// ByKind returns a provider that asks one of two by the kind of a request. It has the name of the large one.
func ByKind(small, large Provider) Provider { return byKind{large, small} }

type byKind struct {
	Provider
	small Provider
}

func (b byKind) of(kind Kind) Provider {
	if kind == TextSmall {
		return b.small
	}
	return b.Provider
}

func (b byKind) Model(kind Kind) string { return b.of(kind).Model(kind) }

func (b byKind) Generate(ctx context.Context, req Request) iter.Seq2[Chunk, error] {
	return Fallback(b.of(req.Kind)).Generate(ctx, req) // which names the provider
}
