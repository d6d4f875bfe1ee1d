package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/call"
)

// maxTranscript is the largest answer to a transcription that is read.
const maxTranscript = 4 << 20

// Transcribe sends a recording to POST /audio/transcriptions as it is read; see [model.Transcriber].
func (c *Client) Transcribe(ctx context.Context, r model.Recording) (string, error) {
	form, contentType, length, err := c.recordingForm(r)
	if err != nil {
		return "", fmt.Errorf("encoding a recording: %w", err)
	}
	watch, cancel := c.endpoint.Watch(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(watch.Context, http.MethodPost, c.endpoint.Path("audio/transcriptions"), form)
	if err != nil {
		return "", fmt.Errorf("building the request: %w", err)
	}
	req.ContentLength = length // some servers read no chunked bodies
	req.Header.Set("Accept", "application/json")
	resp, err := c.endpoint.Do(req, contentType)
	if err != nil {
		return "", c.endpoint.ConnectionError(ctx, watch, err)
	}
	defer resp.Body.Close()
	body := watch.Reader(resp.Body)
	if resp.StatusCode != http.StatusOK {
		_, err := c.endpoint.StatusError(resp, body, model.Transcription)
		return "", err
	}
	data, err := io.ReadAll(io.LimitReader(body, maxTranscript))
	if err != nil {
		return "", c.endpoint.ConnectionError(ctx, watch, err)
	}
	var answer struct {
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || answer.Text == nil {
		return "", &model.Error{Kind: model.Protocol, Provider: c.cfg.Name, Err: err,
			Message: fmt.Sprintf("The endpoint's transcription is not readable; check %s.", c.endpoint.Settings().BaseURL)}
	}
	return *answer.Text, nil
}

// recordingForm returns the form of a transcription. The recording itself is read when the form is.
func (c *Client) recordingForm(r model.Recording) (form io.Reader, contentType string, length int64, err error) {
	var around bytes.Buffer
	w := multipart.NewWriter(&around)
	fields := [][2]string{{"model", c.cfg.TranscriptionModel}, {"response_format", "json"}}
	if r.Language != "" {
		fields = append(fields, [2]string{"language", r.Language})
	}
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			return nil, "", 0, err
		}
	}
	if _, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition("file", r.Name)},
		"Content-Type":        {r.ContentType},
	}); err != nil {
		return nil, "", 0, err
	}
	before := bytes.Clone(around.Bytes())
	around.Reset()
	if err := w.Close(); err != nil {
		return nil, "", 0, err
	}
	after := around.Bytes()
	form = io.MultiReader(bytes.NewReader(before), io.LimitReader(r.Content, r.Size), bytes.NewReader(after))
	return form, w.FormDataContentType(), int64(len(before)) + r.Size + int64(len(after)), nil
}

// speechRequest is the body of POST /audio/speech.
type speechRequest struct {
	Model          string  `json:"model"`
	Input          string  `json:"input"`
	Voice          string  `json:"voice,omitempty"`
	ResponseFormat string  `json:"response_format,omitempty"`
	Speed          float64 `json:"speed,omitempty"`
}

// Speak asks POST /audio/speech for a sound and returns it as it comes; see [model.Speaker].
func (c *Client) Speak(ctx context.Context, u model.Utterance) (model.Sound, error) {
	voice := u.Voice
	if voice == "" {
		voice = c.cfg.Voice
	}
	payload, err := json.Marshal(speechRequest{Model: c.cfg.SpeechModel, Input: u.Text, Voice: voice, ResponseFormat: u.Format, Speed: u.Speed})
	if err != nil {
		return model.Sound{}, fmt.Errorf("encoding the speech request: %w", err)
	}
	watch, cancel := c.endpoint.Watch(ctx)
	req, err := http.NewRequestWithContext(watch.Context, http.MethodPost, c.endpoint.Path("audio/speech"), bytes.NewReader(payload))
	if err != nil {
		cancel()
		return model.Sound{}, fmt.Errorf("building the request: %w", err)
	}
	resp, err := c.endpoint.Do(req, "application/json")
	if err != nil {
		defer cancel()
		return model.Sound{}, c.endpoint.ConnectionError(ctx, watch, err)
	}
	sound := &sound{Reader: watch.Reader(resp.Body), client: c, ctx: ctx, watch: watch, body: resp.Body, cancel: cancel}
	if resp.StatusCode != http.StatusOK {
		defer sound.Close()
		_, err := c.endpoint.StatusError(resp, sound.Reader, model.TextToSpeech)
		return model.Sound{}, err
	}
	return model.Sound{ReadCloser: sound, ContentType: resp.Header.Get("Content-Type")}, nil
}

// sound is the body of an answer whose failures are explained.
type sound struct {
	io.Reader
	client *Client
	ctx    context.Context // the caller's
	watch  *call.Watch
	body   io.Closer
	cancel func()
}

func (s *sound) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.client.endpoint.ConnectionError(s.ctx, s.watch, err)
	}
	return n, err
}

func (s *sound) Close() error {
	s.cancel()
	return s.body.Close()
}
