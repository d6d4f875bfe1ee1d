package openai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"

	"github.com/elizad/elizad/server/model"
)

// maxLine is the longest line of a stream that is read, and the longest event.
const maxLine = 1 << 20

// events yields the data of each event of a text/event-stream. Lines end in LF or CRLF; comments and fields other than
// data are skipped. Endpoints that forget the blank line between events are understood as long as each event is one JSON
// value. The yielded slice is valid until the next step.
func events(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 4096), maxLine)
		var event []byte
		pending := false
		flush := func() bool {
			if !pending {
				return true
			}
			pending = false
			return yield(event, nil)
		}
		for lines.Scan() {
			line := lines.Bytes()
			if len(line) == 0 {
				if !flush() {
					return
				}
				continue
			}
			data, ok := bytes.CutPrefix(line, []byte("data:"))
			if !ok {
				continue
			}
			data = bytes.TrimPrefix(data, []byte(" "))
			if pending && complete(event) && !flush() {
				return
			}
			if !pending {
				event, pending = append(event[:0], data...), true
				continue
			}
			if len(event)+len(data) >= maxLine {
				yield(nil, tooLong(bufio.ErrTooLong))
				return
			}
			event = append(append(event, '\n'), data...)
		}
		err := lines.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = tooLong(err)
		}
		if flush() && err != nil {
			yield(nil, err)
		}
	}
}

// complete reports whether event needs no further line.
func complete(event []byte) bool {
	return isDone(event) || json.Valid(event)
}

// isDone reports whether event is the marker that ends a stream.
func isDone(event []byte) bool { return bytes.Equal(bytes.TrimSpace(event), []byte("[DONE]")) }

func tooLong(cause error) error {
	return &model.Error{Kind: model.Protocol, Message: "The model's answer has a line of more than 1 MB.", Err: cause}
}
