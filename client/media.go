package client

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// File is a file to send. It is read once and never held in memory completely.
type File struct {
	Name    string // for people; the server serves the file under another name
	Type    string // media type, such as "image/png"; empty: the server detects it, as it does anyway
	Content io.Reader
}

// UploadToAgent stores a file with an agent. Nothing is posted: a message refers to the file's address in its attachments. A
// file of a type that the server doesn't take is an *Error with the status 415, one that is too large with 413. An upload is
// bounded by ctx alone, and is never repeated.
func (c *Client) UploadToAgent(ctx context.Context, agentID uuid.UUID, f File) (Upload, error) {
	form := newForm("file", f, nil)
	return transfer[Upload](ctx, "uploading a file to an agent", func(ctx context.Context) (*http.Response, error) {
		return c.api.UploadAgentMediaWithBody(withoutRepeat(ctx), agentID, &api.UploadAgentMediaParams{}, form.kind, form)
	})
}

// UploadToChannel stores a file with a channel, like UploadToAgent. It is deleted with the channel.
func (c *Client) UploadToChannel(ctx context.Context, channelID uuid.UUID, f File) (Upload, error) {
	form := newForm("file", f, nil)
	return transfer[Upload](ctx, "uploading a file to a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.UploadChannelMediaWithBody(withoutRepeat(ctx), channelID, &api.UploadChannelMediaParams{}, form.kind, form)
	})
}

// transfer is call without a bound on the time.
func transfer[T any](ctx context.Context, doing string, s send) (T, error) {
	var envelope struct{ Data T }
	body, err := exchange(ctx, s, nil)
	if err == nil {
		err = decodeAnswer(body, &envelope)
	}
	if err != nil {
		return envelope.Data, fmt.Errorf("%s: %w", doing, err)
	}
	return envelope.Data, nil
}

// form is the body of a request with a file, RFC 7578: what precedes it, the file, and what follows.
type form struct {
	io.Reader
	kind string // media type of the body
}

func newForm(field string, f File, values map[string]string) form {
	var head, tail strings.Builder
	w := multipart.NewWriter(&head)
	for name, value := range values {
		if value != "" {
			_ = w.WriteField(name, value) // a Builder takes everything
		}
	}
	kind := f.Type
	if kind == "" {
		kind = "application/octet-stream"
	}
	_, _ = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(field, f.Name)}, "Content-Type": {kind},
	})
	fmt.Fprintf(&tail, "\r\n--%s--\r\n", w.Boundary())
	return form{
		Reader: io.MultiReader(strings.NewReader(head.String()), f.Content, strings.NewReader(tail.String())),
		kind:   w.FormDataContentType(),
	}
}

// Download is a file or a sound from the server. Close it, even after an error of Read.
type Download struct {
	io.ReadCloser
	Type string // media type
	Size int64  // bytes that follow; -1: not known before the end
}

// Open returns a file of the server, from an offset on, by the address in an [Upload] or a message. Only addresses on this
// server are followed. The file is streamed, bounded by ctx alone; one that doesn't exist is not found.
func (c *Client) Open(ctx context.Context, address string, from int64) (*Download, error) {
	get, err := c.file(address)
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	return download(ctx, "reading a file", func(ctx context.Context) (*http.Response, error) {
		return get(ctx, func(_ context.Context, r *http.Request) error {
			r.Header.Set("Accept", "*/*")
			if from > 0 {
				r.Header.Set("Range", "bytes="+strconv.FormatInt(from, 10)+"-")
			}
			return nil
		})
	})
}

// file returns the operation that reads the file at an address.
func (c *Client) file(address string) (func(ctx context.Context, edit func(context.Context, *http.Request) error) (*http.Response, error), error) {
	refused := fmt.Errorf("%q is not the address of a file of this server", address)
	u, err := c.base.Parse(address)
	if err != nil || u.Host != c.base.Host || u.Scheme != c.base.Scheme {
		return nil, refused
	}
	dir, name := path.Split(strings.TrimPrefix(u.Path, strings.TrimSuffix(c.base.Path, "/")))
	kind, owner := path.Split(strings.TrimSuffix(dir, "/"))
	id, err := uuid.Parse(owner)
	if err != nil || name == "" {
		return nil, refused
	}
	var sig *string
	if s := u.Query().Get("sig"); s != "" {
		sig = &s
	}
	return func(ctx context.Context, edit func(context.Context, *http.Request) error) (*http.Response, error) {
		switch kind {
		case "/media/uploads/agents/":
			return c.api.GetAgentUpload(ctx, id, name, &api.GetAgentUploadParams{Sig: sig}, edit)
		case "/media/uploads/channels/":
			return c.api.GetChannelUpload(ctx, id, name, &api.GetChannelUploadParams{Sig: sig}, edit)
		case "/media/generated/":
			return c.api.GetGeneratedFile(ctx, id, name, &api.GetGeneratedFileParams{Sig: sig}, edit)
		}
		return nil, refused
	}, nil
}

// download sends a request whose response is not JSON.
func download(ctx context.Context, doing string, s send) (*Download, error) {
	resp, err := s(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // the status says most of it
		return nil, fmt.Errorf("%s: %w", doing, errorOf(resp, body))
	}
	return &Download{ReadCloser: resp.Body, Type: resp.Header.Get("Content-Type"), Size: resp.ContentLength}, nil
}
