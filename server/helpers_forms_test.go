package server_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiclient"
)

// pngBytes is the smallest PNG: one transparent pixel.
const pngBytes = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89" +
	"\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"

// The beginnings of sounds, by which their types are told.
const (
	wavBytes = "RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x44\xac\x00\x00\x88\x58\x01\x00\x02\x00\x10\x00data\x00\x00\x00\x00"
	mp3Bytes = "ID3\x04\x00\x00\x00\x00\x00\x00sound"
)

// formPart is one part of a form. Without a content type it is a plain field.
type formPart struct{ field, filename, contentType, content string }

// form encodes a form.
func form(parts ...formPart) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + p.field + `"`}}
		if p.contentType != "" {
			header.Set("Content-Disposition", header.Get("Content-Disposition")+`; filename="`+p.filename+`"`)
			header.Set("Content-Type", p.contentType)
		}
		part, err := w.CreatePart(header)
		if err == nil {
			_, err = io.WriteString(part, p.content)
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// fileForm encodes a form with one file.
func fileForm(field, filename, contentType, content string) (body []byte, formType string) {
	return form(formPart{field, filename, contentType, content})
}

// uploadToAgent uploads a file for an agent.
func (n *node) uploadToAgent(id uuid.UUID, parts ...formPart) answer {
	n.t.Helper()
	body, kind := form(parts...)
	return n.read(n.api().UploadAgentMediaWithBody(n.t.Context(), id, nil, kind, bytes.NewReader(body)))
}

// uploadToChannel uploads a file for a channel.
func (n *node) uploadToChannel(channel uuid.UUID, parts ...formPart) answer {
	n.t.Helper()
	body, kind := form(parts...)
	return n.read(n.api().UploadChannelMediaWithBody(n.t.Context(), channel, nil, kind, bytes.NewReader(body)))
}

// uploadToMessage uploads a file for a message of a channel.
func (n *node) uploadToMessage(channel uuid.UUID, parts ...formPart) answer {
	n.t.Helper()
	body, kind := form(parts...)
	return n.read(n.api().UploadMessageMediaWithBody(n.t.Context(), channel, nil, kind, bytes.NewReader(body)))
}

// recordings returns the ways to have an agent hear something.
func (n *node) recordings(agent uuid.UUID) map[string]func(parts ...formPart) answer {
	type operation = func(ctx context.Context, agent api.AgentID, kind string, body io.Reader, _ ...apiclient.RequestEditorFn) (*http.Response, error)
	by := func(send operation) func(parts ...formPart) answer {
		return func(parts ...formPart) answer {
			n.t.Helper()
			body, kind := form(parts...)
			return n.read(send(n.t.Context(), agent, kind, bytes.NewReader(body)))
		}
	}
	client := n.api()
	return map[string]func(parts ...formPart) answer{
		"transcription": by(client.TranscribeWithBody), "audio message": by(client.TranscribeAudioMessageWithBody),
		"speech": by(client.ProcessSpeechWithBody), "conversation": by(client.ConverseAloudWithBody),
	}
}
