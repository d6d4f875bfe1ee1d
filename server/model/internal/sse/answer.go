package sse

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"

	"github.com/elizad/elizad/server/model"
)

// Limits of one answer: no model writes that much, so more is a fault of the endpoint.
const (
	maxAnswer = 16 << 20 // bytes read in one piece
	maxStream = 64 << 20 // bytes of events
)

// ErrForeign is the failure of a body that is neither a stream of events nor JSON.
var ErrForeign = errors.New("neither a stream of events nor JSON")

// Answer is the body of an answer.
type Answer struct {
	Streamed bool // it is a stream of events, and not JSON
	body     *bufio.Reader
}

// Open finds out the form of an answer by its first bytes. Its type in the header is often another one's: gateways stream
// under the type of JSON, and send JSON in one piece under that of a stream. The error of an empty body is io.EOF.
func Open(body io.Reader) (*Answer, error) {
	a := &Answer{body: bufio.NewReader(body)}
	for {
		first, err := a.body.Peek(1)
		switch {
		case err != nil:
			return nil, err
		case first[0] == 0xEF: // a byte order mark
			if mark, err := a.body.Peek(3); err != nil || string(mark) != "\uFEFF" {
				return nil, errors.Join(ErrForeign, err)
			}
			_, _ = a.body.Discard(3)
		case isSpace(first[0]):
			_, _ = a.body.Discard(1)
		case first[0] == '{', first[0] == '[':
			return a, nil
		case bytes.IndexByte([]byte(":deir"), first[0]) >= 0: // a comment, or one of the fields data, event, error, id and retry
			a.Streamed = true
			return a, nil
		default:
			return nil, ErrForeign
		}
	}
}

// Events yields the events of a stream, or, of JSON, each value: an answer in one piece, or its chunks one after the other,
// in a list or not. JSON that ends too soon fails with io.ErrUnexpectedEOF.
func (a *Answer) Events() iter.Seq2[Event, error] {
	if !a.Streamed {
		return a.values
	}
	return func(yield func(Event, error) bool) {
		size := 0
		for e, err := range Events(a.body) {
			if size += len(e.Data); size > maxStream {
				yield(Event{}, tooLarge())
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (a *Answer) values(yield func(Event, error) bool) {
	limited := &io.LimitedReader{R: a.body, N: maxAnswer + 1}
	values := json.NewDecoder(limited)
	for {
		var value json.RawMessage
		err := values.Decode(&value)
		switch {
		case limited.N <= 0:
			yield(Event{}, tooLarge())
			return
		case err == io.EOF:
			return
		case err != nil:
			yield(Event{}, err)
			return
		}
		list := []json.RawMessage{value}
		if value[0] == '[' {
			list = nil
			_ = json.Unmarshal(value, &list) // the decoder has checked it
		}
		for _, item := range list {
			if !yield(Event{Data: item}, nil) {
				return
			}
		}
	}
}

// tooLarge is the failure of an answer beyond all reason.
func tooLarge() error {
	return &model.Error{Kind: model.Protocol, Message: "The model's answer is too large."}
}
