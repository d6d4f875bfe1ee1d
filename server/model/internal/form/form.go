// Package form knows the form of requests that a model takes: which of their parts it refuses, in whichever words, and in what
// form a request may succeed that was refused. What is found out is remembered for a while.
package form

import (
	"sync"
	"time"

	"github.com/elizad/elizad/server/model"
)

// Part is a part of a request that some models refuse.
type Part int

// The parts, in the order in which a refusal that names several is understood.
const (
	Pictures Part = iota
	Usage         // stream_options
	Stream
	Tools
	Cache  // the marks up to which a prompt is kept
	System // the system role
	Limit  // the token limit, under any name
	TopP
	Temperature
	Frequency
	Presence
	Stop
	parts
)

// Form is the form of requests that a model takes. The zero form is the common one.
type Form struct {
	Whole       bool // answers come in one piece
	Completion  bool // the token limit is called max_completion_tokens
	Greatest    int  // limits above it are refused; 0: none was
	NeverLimits bool // the model's own limit holds

	left    [parts]bool
	renamed bool // that the limit is called so was found out, and is not tried again
}

// Lacks reports whether requests go without a part.
func (f Form) Lacks(p Part) bool { return f.left[p] }

// Without returns the form without a part.
func (f Form) Without(p Part) Form {
	f.left[p] = true
	return f
}

// Limited returns a token limit that the model takes; 0 is none.
func (f Form) Limited(tokens int) int {
	switch {
	case f.NeverLimits:
		return 0
	case f.Greatest > 0:
		return min(tokens, f.Greatest)
	default:
		return tokens
	}
}

// blindness is said to a model that doesn't see, in place of pictures.
const blindness = "\n\n(Pictures came with this, which you can't see. Say so if it matters.)"

// Prompt returns the prompt of a request and the pictures that are shown with it.
func (f Form) Prompt(req model.Request) (string, []model.Picture) {
	if f.Lacks(Pictures) && len(req.Pictures) > 0 {
		return req.Prompt + blindness, nil
	}
	return req.Prompt, req.Pictures
}

// adapted returns the form in which a request may succeed that was refused in form f.
func (f Form) adapted(r Refusal) Form {
	switch r.Part {
	case Stream:
		f.Whole = true
	case Limit:
		switch {
		case r.AtMost > 0:
			f.Greatest = r.AtMost
		case r.Renames && !f.renamed:
			f.Completion, f.renamed = !f.Completion, true
		default:
			f.NeverLimits = true
		}
	default:
		f.left[r.Part] = true
	}
	return f
}

// Bounds of what is remembered of models.
const (
	maxForms   = 256
	formMemory = time.Hour // an account may be allowed more by then, or the model be another
)

// Memory remembers for a while in which form models take requests, so that each refusal is met once. Clients may share it.
// The zero value is ready to use.
type Memory struct {
	mu    sync.Mutex
	known map[Key]learned
}

// Key says of which model a form is: one endpoint serves many, and one address may be several endpoints.
type Key struct{ Endpoint, Model string }

type learned struct {
	Form
	at time.Time
}

// maxAdaptations bounds how often the form of one call is changed.
const maxAdaptations = 6

// Adapt makes a call in the form that a model takes, as far as it is known, and otherwise in the usual one. While the call
// returns what of its form was refused, it is reported and made once more in a form that may be taken. The call says when
// its form is accepted, so that what was found out is remembered. Adapt returns its last failure.
func (m *Memory) Adapt(key Key, usual Form, report func(model.Attempt), call func(f Form, accepted func()) (*Refusal, error)) error {
	known, passing := m.of(key, usual), false
	for attempts, f := 1, known; ; attempts++ {
		start := time.Now()
		refused, err := call(f, func() {
			if f != known && !passing {
				m.learn(key, f)
			}
		})
		if refused == nil || attempts > maxAdaptations {
			return err
		}
		report(model.Attempt{Err: err, Took: time.Since(start)})
		f, passing = f.adapted(*refused), passing || refused.Passing
	}
}

// of returns what is known of a model, or otherwise.
func (m *Memory) of(key Key, otherwise Form) Form {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l, ok := m.known[key]; ok && time.Since(l.at) < formMemory {
		return l.Form
	}
	return otherwise
}

// learn notes the form that a model took.
func (m *Memory) learn(key Key, found Form) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[Key]learned{}
	}
	if _, ok := m.known[key]; !ok && len(m.known) >= maxForms {
		for other := range m.known { // any; what is needed again is learned again
			delete(m.known, other)
			break
		}
	}
	m.known[key] = learned{found, time.Now()}
}
