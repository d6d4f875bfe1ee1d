// Package extract finds the text in documents.
//
// Documents come from strangers. Whatever is in one, reading it ends with its context, holds no more text than [MaxText], and
// never more than a few documents are read at the same time.
package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/plaintext"
)

// The media types that are read.
const (
	PlainText = "text/plain"
	HTML      = "text/html"
	PDF       = "application/pdf"
	DOCX      = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
)

const (
	// MaxText is how many bytes of a document's text are returned; more are cut off.
	MaxText = 1 << 20
	// MaxSize is how many bytes a document may have.
	MaxSize = 32 << 20

	timeLimit = 20 * time.Second
)

// A Problem is why a document has no text, as what follows its name: "is protected by a password".
type Problem string

func (p Problem) Error() string { return string(p) }

// The problems that are no fault of the document.
const (
	Unsupported = Problem("is of a kind whose text can't be read")
	TooLarge    = Problem("is too large to be read")
	TooLong     = Problem("took too long to read")
)

// The problems that a document can have.
const (
	Damaged   = Problem("is damaged")
	Protected = Problem("is protected by a password")
	Textless  = Problem("holds no text; it may be a scan")
	Unpacked  = Problem("unpacks to more than is read")
)

// Text is the text of a document.
type Text struct {
	Text string // UTF-8; paragraphs are separated by empty lines where the format has any
	Cut  bool   // the document holds more
}

// Reader reads documents. It is safe for concurrent use.
type Reader struct {
	log   *slog.Logger
	slots chan struct{} // held as long as a document is at work, even when nobody waits for it any more
}

// NewReader returns a Reader that uses at most half of the machine's processors.
func NewReader(log *slog.Logger) *Reader {
	return &Reader{log, make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// Supports reports whether documents of a media type are read.
func Supports(mediaType string) bool { return formats[mediaType] != nil }

// formats are the ways to read documents. Each gets a source whose reads fail once nobody waits for the text.
var formats = map[string]func(source, *builder) error{PlainText: readPlain, HTML: readHTML, PDF: readPDF, DOCX: readDOCX}

// source is the bytes of a document.
type source struct {
	ctx  context.Context
	data io.ReaderAt
	size int64
}

func (s source) ReadAt(p []byte, offset int64) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.data.ReadAt(p, offset)
}

// all returns the document in memory.
func (s source) all() ([]byte, error) { return io.ReadAll(io.NewSectionReader(s, 0, s.size)) }

// Read returns the text of a document of the given media type and size. The error is a [Problem], that of reading data, or
// the cause of ctx.
func (r *Reader) Read(ctx context.Context, mediaType string, data io.ReaderAt, size int64) (Text, error) {
	read := formats[mediaType]
	switch {
	case read == nil:
		return Text{}, Unsupported
	case size > MaxSize:
		return Text{}, TooLarge
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeLimit, TooLong)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
	case <-limited.Done():
		return Text{}, context.Cause(limited)
	}
	type result struct {
		text Text
		err  error
	}
	done := make(chan result, 1) // room for a text that nobody waits for any more
	go func() {
		defer lifecycle.Contain(r.log, "the reader of a document")
		defer func() { <-r.slots }()
		var out builder
		err := contain(func() error { return read(source{limited, data, size}, &out) })
		if errors.Is(err, errFull) {
			err = nil
		}
		done <- result{Text{out.String(), out.full}, err}
	}()
	select {
	case got := <-done:
		switch {
		case got.err == nil && got.text.Text == "":
			return Text{}, Textless
		case got.err != nil && limited.Err() != nil:
			return Text{}, context.Cause(limited)
		}
		return got.text, got.err
	case <-limited.Done():
		return Text{}, context.Cause(limited)
	}
}

// contain runs a reader of a format. A panic means that the document is damaged: some libraries panic on what they don't expect.
func contain(read func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = Damaged
		}
	}()
	return read()
}

// builder collects text up to its limit.
type builder struct {
	text bytes.Buffer
	full bool
}

// errFull ends the reading of a document that holds more text than is wanted.
var errFull = errors.New("there is enough text")

// write adds text, and returns errFull once there is enough.
func (b *builder) write(text string) error {
	if room := MaxText - b.text.Len(); len(text) > room {
		for room > 0 && !utf8.RuneStart(text[room]) {
			room--
		}
		b.text.WriteString(text[:room])
		b.full = true
		return errFull
	}
	b.text.WriteString(text)
	return nil
}

// String returns the text without spaces around it.
func (b *builder) String() string { return string(bytes.TrimSpace(b.text.Bytes())) }

func readPlain(s source, out *builder) error {
	data, err := s.all()
	if err != nil {
		return err
	}
	text, err := plaintext.Decode(data)
	if text == nil {
		return Damaged
	} else if err != nil { // what is neither UTF-8 nor UTF-16 is Windows-1252 most of the time
		if text, err = charmap.Windows1252.NewDecoder().Bytes(text); err != nil {
			return Damaged
		}
	}
	return out.write(strings.ReplaceAll(string(text), "\x00", ""))
}
