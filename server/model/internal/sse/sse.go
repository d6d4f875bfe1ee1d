// Package sse reads the answers of models that come as a stream of events or as JSON: both are events here, whatever the endpoint calls
// its type.
package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"

	"github.com/elizad/elizad/server/model"
)

// maxLine is the longest line of a stream that is read, and the longest event.
const maxLine = 1 << 20

// Event is one event of a stream.
type Event struct {
	Name string // empty, unless the stream names its events
	Data []byte // valid until the next event
}

// Events yields the events of a text/event-stream that carry data. Lines end in LF, CRLF or CR; comments and fields that
// mean nothing here are skipped. Endpoints that forget the blank line between events are understood as long as each event
// is one JSON value, and so are those that write a value without a field name, or errors in a separate field. Each
// byte is looked at once, however the stream is cut into lines and events.
func Events(r io.Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 0, 4096), maxLine)
		lines.Split(splitLines())
		var p pendingEvent
		for lines.Scan() {
			line := lines.Bytes()
			if len(line) == 0 {
				if !p.flush(yield) {
					return
				}
				continue
			}
			name, data := field(line)
			switch string(name) {
			case "event":
				if p.complete() && !p.flush(yield) {
					return
				}
				p.Name = string(data)
				continue
			case "error":
				p.Name = "error"
			case "data":
			default:
				continue
			}
			if p.complete() && !p.flush(yield) {
				return
			}
			if !p.add(data) {
				yield(Event{}, tooLong(bufio.ErrTooLong))
				return
			}
		}
		err := lines.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = tooLong(err)
		}
		if p.flush(yield) && err != nil {
			yield(Event{}, err)
		}
	}
}

// field takes a line apart. A line that begins a JSON object is data without its field name.
func field(line []byte) (name, data []byte) {
	if line[0] == '{' {
		return []byte("data"), line
	}
	name, data, _ = bytes.Cut(line, []byte(":"))
	return name, bytes.TrimPrefix(data, []byte(" "))
}

// splitLines returns a split function for the line ends that event streams may have. After a CR it doesn't wait for the
// LF that may belong to it, because the event is complete.
func splitLines() bufio.SplitFunc {
	afterCR := false
	return func(data []byte, atEOF bool) (advance int, token []byte, err error) {
		skipped := 0
		if afterCR && len(data) > 0 {
			afterCR = false
			if data[0] == '\n' {
				data, skipped = data[1:], 1
			}
		}
		if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
			afterCR = data[i] == '\r'
			return skipped + i + 1, data[:i:i], nil
		}
		if atEOF && len(data) > 0 {
			return skipped + len(data), data, nil
		}
		return skipped, nil, nil
	}
}

// pendingEvent is an event whose end has not come yet.
type pendingEvent struct {
	Event
	begun bool
	value jsonExtent
}

// add appends one line of data and reports whether the event is within bounds.
func (p *pendingEvent) add(line []byte) bool {
	if p.begun {
		p.Data = append(p.Data, '\n')
	}
	if len(p.Data)+len(line) >= maxLine {
		return false
	}
	p.begun = true
	p.Data = append(p.Data, line...)
	p.value.read(line)
	return true
}

// complete reports whether the data so far needs no further line.
func (p *pendingEvent) complete() bool { return p.begun && p.value.ended }

// flush yields the event, unless it is empty, which counts as none. It reports whether more is wanted.
func (p *pendingEvent) flush(yield func(Event, error) bool) bool {
	out := p.Event
	p.Event, p.begun, p.value = Event{Data: p.Data[:0]}, false, jsonExtent{}
	return len(bytes.TrimSpace(out.Data)) == 0 || yield(out, nil)
}

// jsonExtent finds the end of a JSON object or list in text that comes piece by piece. It reads each byte once.
type jsonExtent struct {
	steps            int // bytes looked at
	depth            int
	inText, escaped  bool
	begun, ended, no bool // no: the text is neither an object nor a list
}

func (x *jsonExtent) read(piece []byte) {
	if x.no || x.ended {
		return
	}
	for _, c := range piece {
		x.steps++
		switch {
		case x.escaped:
			x.escaped = false
		case x.inText:
			x.escaped, x.inText = c == '\\', c != '"'
		case c == '"' && x.begun:
			x.inText = true
		case c == '{', c == '[':
			x.depth, x.begun = x.depth+1, true
		case !x.begun && !isSpace(c):
			x.no = true
			return
		case c == '}', c == ']':
			if x.depth--; x.depth == 0 {
				x.ended = true
				return
			}
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// IsDone reports whether the event is the marker that ends a stream.
func (e Event) IsDone() bool { return bytes.Equal(bytes.TrimSpace(e.Data), []byte("[DONE]")) }

// heartbeats are the words by which endpoints and gateways say that they are still there, letters only.
var heartbeats = []string{"ping", "pong", "keepalive", "heartbeat", "processing"}

// IsHeartbeat reports whether a word, the name, the type or the text of an event, only keeps the connection open.
func IsHeartbeat[T string | []byte](word T) bool {
	letters := make([]byte, 0, 16)
	for _, c := range []byte(word) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if 'a' <= c && c <= 'z' {
			letters = append(letters, c)
		}
		if len(letters) == cap(letters) {
			return false
		}
	}
	return slices.Contains(heartbeats, string(letters))
}

func tooLong(cause error) error {
	return &model.Error{Kind: model.Protocol, Message: "The model's answer has a line of more than 1 MB.", Err: cause}
}
