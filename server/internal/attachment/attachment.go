// Package attachment reads what is attached to messages, for models: the files of this server and, through the guard of the
// way out, what is elsewhere.
package attachment

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/extract"
	"github.com/elizad/elizad/server/internal/picture"
)

// maxSize is how many bytes of something that is attached are read.
const maxSize = extract.MaxSize

// Files opens the files of this server.
type Files interface {
	// Attached opens the file of an address, if it is one that this server keeps and that what is said in a channel, or to an
	// agent, may have with it. Found is false for the addresses of others; the error is for people.
	Attached(ctx context.Context, channelID, agentID uuid.UUID, address string) (file File, found bool, err error)
}

// File is a stored file, open for reading.
type File interface {
	io.ReaderAt
	Type() string // media type
	Size() int64
	Close()
}

// Request names an attachment, and says what becomes of it.
type Request struct {
	ChannelID uuid.UUID // of the message that it came with
	AgentID   uuid.UUID // who reads it
	Address   string

	// Hear returns what is said in a sound; nil: sounds can't be read.
	Hear func(ctx context.Context, sound []byte, mediaType string) (string, error)
}

// Content is what an attachment holds: a text or a picture.
type Content struct {
	Text      string // of a document, or spoken in a sound
	Cut       bool   // the document holds more
	Picture   []byte // in a format that models take
	MediaType string // of the picture
}

// A Problem is why an attachment can't be read, as what follows its name.
type Problem = extract.Problem

// The problems of attachments, beside those of documents.
const (
	Elsewhere   = Problem("is at an address that this server does not call")
	Unreachable = Problem("could not be fetched")
	Missing     = Problem("is not there any more")
	Unreadable  = Problem("is no picture that can be read")
	TooLong     = extract.TooLong
)

// Reader reads attachments. It is safe for concurrent use.
type Reader struct {
	files   Files
	away    *http.Client
	check   func(address string) error
	extract *extract.Reader
	known   *texts
}

// NewReader returns a reader of files, and of what the client gets, which must follow no redirect, from addresses that check
// lets through.
func NewReader(files Files, away *http.Client, check func(address string) error, log *slog.Logger) *Reader {
	return &Reader{files: files, away: away, check: check, extract: extract.NewReader(log), known: newTexts()}
}

// Read reads an attachment. The error is a [Problem], that of the request's function, or the cause of ctx.
func (r *Reader) Read(ctx context.Context, req Request) (Content, error) {
	file, found, err := r.files.Attached(ctx, req.ChannelID, req.AgentID, req.Address)
	if err != nil {
		return Content{}, cmp.Or(context.Cause(ctx), error(Missing))
	}
	if found {
		defer file.Close()
	}
	if k, ok := r.known.get(req.place()); ok {
		return k.Content, k.err
	}
	if found {
		return r.read(ctx, req, file.Type(), file, file.Size())
	}
	data, mediaType, err := r.fetch(ctx, req.Address)
	if err != nil {
		return Content{}, err
	}
	return r.read(ctx, req, mediaType, bytes.NewReader(data), int64(len(data)))
}

// place is an attachment of an agent: what one model heard in it, another may not.
type place struct {
	agentID uuid.UUID
	address string
}

func (r Request) place() place { return place{r.AgentID, r.Address} }

// read reads what was found. Texts are remembered, and what is wrong with documents.
func (r *Reader) read(ctx context.Context, req Request, mediaType string, data io.ReaderAt, size int64) (content Content, err error) {
	kind, _, _ := strings.Cut(mediaType, "/")
	switch {
	case size > maxSize:
		return Content{}, extract.TooLarge
	case kind == "image":
		content, err = look(data, size)
	case kind == "audio" && req.Hear != nil:
		var sound []byte
		if sound, err = all(data, size); err != nil {
			return Content{}, Missing
		}
		content.Text, err = req.Hear(ctx, sound, mediaType)
	default:
		var text extract.Text
		text, err = r.extract.Read(ctx, mediaType, data, size)
		content = Content{Text: text.Text, Cut: text.Cut}
		if problem, ok := errors.AsType[Problem](err); ok && problem != extract.TooLong {
			r.known.put(req.place(), known{err: problem})
		}
	}
	if err == nil && content.Picture == nil {
		r.known.put(req.place(), known{Content: content})
	}
	return content, err
}

// look returns a picture.
func look(data io.ReaderAt, size int64) (Content, error) {
	whole, err := all(data, size)
	if err != nil {
		return Content{}, Missing
	}
	fitting, mediaType, err := picture.Fit(whole)
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		return Content{}, extract.TooLarge
	case err != nil:
		return Content{}, Unreadable
	default:
		return Content{Picture: fitting, MediaType: mediaType}, nil
	}
}

func all(data io.ReaderAt, size int64) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(data, 0, size))
}

const (
	maxRedirects = 3
	fetchTime    = 15 * time.Second
)

// fetch gets what is at an address elsewhere, and its media type.
func (r *Reader) fetch(ctx context.Context, address string) ([]byte, string, error) {
	limited, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	for range maxRedirects + 1 {
		if r.check(address) != nil {
			return nil, "", Elsewhere
		}
		req, err := http.NewRequestWithContext(limited, http.MethodGet, address, nil)
		if err != nil {
			return nil, "", Elsewhere
		}
		req.Header.Set("User-Agent", "elizad")
		resp, err := r.away.Do(req)
		if err != nil {
			return nil, "", cmp.Or(context.Cause(ctx), error(Unreachable))
		}
		next, data, err := take(resp)
		if err != nil {
			return nil, "", cmp.Or(context.Cause(ctx), err)
		}
		if next == nil {
			return data, typeOf(resp.Header.Get("Content-Type"), data), nil
		}
		address = next.String()
	}
	return nil, "", Unreachable
}

// take returns what a response holds, or where it leads to.
func take(resp *http.Response) (next *url.URL, data []byte, err error) {
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		if next, err = resp.Location(); err != nil {
			return nil, nil, Unreachable
		}
		return next, nil, nil
	case resp.StatusCode != http.StatusOK:
		return nil, nil, Problem(fmt.Sprintf("could not be fetched: its server answers %d", resp.StatusCode))
	case resp.ContentLength > maxSize:
		return nil, nil, extract.TooLarge
	}
	if data, err = io.ReadAll(io.LimitReader(resp.Body, maxSize+1)); err != nil {
		return nil, nil, Unreachable
	}
	if len(data) > maxSize {
		return nil, nil, extract.TooLarge
	}
	return nil, data, nil
}

// typeOf returns the media type of what was fetched: what its server says, if that is read, else by its content.
func typeOf(declared string, data []byte) string {
	if mediaType, _, err := mime.ParseMediaType(declared); err == nil && mediaType != extract.PlainText {
		kind, _, _ := strings.Cut(mediaType, "/")
		if extract.Supports(mediaType) || kind == "audio" {
			return mediaType
		}
	}
	for found := mimetype.Detect(data); found != nil; found = found.Parent() {
		mediaType, _, _ := strings.Cut(found.String(), ";")
		if kind, _, _ := strings.Cut(mediaType, "/"); extract.Supports(mediaType) || kind == "image" || kind == "audio" {
			return mediaType
		}
	}
	return "application/octet-stream"
}
