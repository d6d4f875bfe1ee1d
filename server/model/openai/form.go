package openai

import (
	"sync"
	"time"
)

// part is a part of a chat request that some models refuse.
type part int

// The parts, in the order in which a refusal that names several is understood.
const (
	partUsage part = iota // stream_options
	partStream
	partSystem // the system role
	partLimit  // the token limit, under either name
	partTopP
	partTemperature
	partFrequency
	partPresence
	partStop
	parts
)

// form is the form of requests that a model takes. The zero form is the common one.
type form struct {
	whole       bool // answers come in one piece
	left        [parts]bool
	completion  bool // the token limit is called max_completion_tokens
	renamed     bool // that was found out, and is not tried again
	greatest    int  // limits above it are refused; 0: none was
	neverLimits bool // the model's own limit holds
}

// lacks reports whether requests go without a part.
func (f form) lacks(p part) bool { return f.left[p] }

// limit sets the token limit of a request; 0 is none.
func (f form) limit(body *chatRequest, tokens int) {
	if f.neverLimits {
		return
	}
	if f.greatest > 0 {
		tokens = min(tokens, f.greatest)
	}
	if f.completion {
		body.MaxCompletionTokens = tokens
	} else {
		body.MaxTokens = tokens
	}
}

// adapted returns the form in which a request may succeed that was refused in form f, and whether there is one.
func (f form) adapted(r refusal) (form, bool) {
	switch r.part {
	case partStream:
		f.whole = true
	case partLimit:
		switch {
		case r.atMost > 0:
			f.greatest = r.atMost
		case r.renames && !f.renamed:
			f.completion, f.renamed = !f.completion, true
		default:
			f.neverLimits = true
		}
	default:
		f.left[r.part] = true
	}
	return f, r.part < parts
}

// Bounds of what is remembered of models.
const (
	maxForms   = 256
	formMemory = time.Hour // an account may be allowed more by then, or the model be another
)

// Forms remembers for a while in which form models take requests, so that each refusal is met once. Clients may share it.
// The zero value is ready to use.
type Forms struct {
	mu    sync.Mutex
	known map[formKey]learned
}

type formKey struct{ endpoint, model string }

type learned struct {
	form
	at time.Time
}

// of returns what is known of a model, or otherwise.
func (f *Forms) of(key formKey, otherwise form) form {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l, ok := f.known[key]; ok && time.Since(l.at) < formMemory {
		return l.form
	}
	return otherwise
}

// learn notes the form that a model took.
func (f *Forms) learn(key formKey, found form) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[formKey]learned{}
	}
	if _, ok := f.known[key]; !ok && len(f.known) >= maxForms {
		for other := range f.known { // any; what is needed again is learned again
			delete(f.known, other)
			break
		}
	}
	f.known[key] = learned{found, time.Now()}
}
