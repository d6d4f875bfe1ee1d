package client

import (
	"bufio"
	"bytes"
	"io"
)

// maxLine bounds one line of a stream.
const maxLine = 16 << 20

// frame is one server-sent event.
type frame struct {
	id    string
	event string
	data  []byte
}

// frameReader reads server-sent events (HTML standard, §9.2) and calls alive for every line, comments included.
type frameReader struct {
	lines *bufio.Scanner
	alive func()
}

func newFrameReader(r io.Reader, alive func()) *frameReader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 4096), maxLine)
	return &frameReader{lines: s, alive: alive}
}

// next returns the next event that has data. One that is truncated by the end of the stream is dropped; the error is io.EOF
// then.
func (r *frameReader) next() (frame, error) {
	var f frame
	for r.lines.Scan() {
		r.alive()
		line := bytes.TrimSuffix(r.lines.Bytes(), []byte("\r"))
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) == 0 && f.data != nil:
			return f, nil
		case len(line) == 0:
			f = frame{}
		case string(name) == "id":
			f.id = string(value)
		case string(name) == "event":
			f.event = string(value)
		case string(name) == "data" && f.data == nil:
			f.data = append([]byte{}, value...)
		case string(name) == "data":
			f.data = append(append(f.data, '\n'), value...)
		}
	}
	if err := r.lines.Err(); err != nil {
		return frame{}, err
	}
	return frame{}, io.EOF
}
