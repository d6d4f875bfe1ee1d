package rest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/runtime"
)

const (
	audioPrefix = "audio/"
	mpeg        = "mpeg"

	soundHead = 512      // bytes that identify the format of a sound
	maxSound  = 32 << 20 // bytes of a sound that is sent as text
)

// soundResponse answers with a sound while it is being made.
type soundResponse struct {
	sound       runtime.Sound
	head        []byte // read already
	contentType string
}

// newSoundResponse reads the beginning of a sound, which says what it is.
func newSoundResponse(sound runtime.Sound) (soundResponse, error) {
	head := make([]byte, soundHead)
	n, err := io.ReadFull(sound, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		_ = sound.Close() // nothing more is wanted of it
		if errors.Is(err, io.EOF) {
			return soundResponse{}, apierr.New(apierr.ModelFailed, "The model made no sound")
		}
		return soundResponse{}, apierr.Wrap(err, apierr.ModelFailed, "The model failed to speak")
	}
	return soundResponse{sound, head[:n], soundType(head[:n], sound.ContentType)}, nil
}

// soundType returns the media type of a sound: what its beginning shows, else what its maker says.
func soundType(head []byte, declared string) string {
	switch {
	case len(head) >= 12 && bytes.HasPrefix(head, []byte("RIFF")) && string(head[8:12]) == "WAVE":
		return audioPrefix + "wav"
	case bytes.HasPrefix(head, []byte("ID3")), len(head) >= 2 && head[0] == 0xff && head[1]&0xe0 == 0xe0 && head[1]&0x06 != 0:
		return audioPrefix + mpeg
	}
	if declared, _, err := mime.ParseMediaType(declared); err == nil && strings.HasPrefix(declared, audioPrefix) {
		return declared
	}
	return audioPrefix + mpeg
}

func (s soundResponse) format() string { return strings.TrimPrefix(s.contentType, audioPrefix) }

// all returns the whole sound.
func (s soundResponse) all() ([]byte, error) {
	defer s.sound.Close()
	data, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(s.head), s.sound), maxSound+1))
	switch {
	case err != nil:
		return nil, apierr.Wrap(err, apierr.ModelFailed, "The model failed to speak")
	case len(data) > maxSound:
		return nil, apierr.New(apierr.ModelFailed, "The sound exceeds %d bytes", maxSound)
	}
	return data, nil
}

// serve sends the sound as it comes. Where it breaks off, so does the response, lest the half be taken for the whole.
func (s soundResponse) serve(w http.ResponseWriter) error {
	defer s.sound.Close()
	w.Header().Set("Content-Type", s.contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	out := flushed{w, http.NewResponseController(w)}
	if _, err := out.Write(s.head); err != nil {
		return nil // the listener left
	}
	source := &failing{Reader: s.sound}
	if _, err := io.Copy(out, source); err != nil && source.err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (s soundResponse) VisitGenerateSpeechResponse(w http.ResponseWriter) error { return s.serve(w) }
func (s soundResponse) VisitSynthesizeAudioMessageResponse(w http.ResponseWriter) error {
	return s.serve(w)
}
func (s soundResponse) VisitConverseAloudResponse(w http.ResponseWriter) error { return s.serve(w) }

// flushed sends what is written at once.
type flushed struct {
	w   io.Writer
	ctl *http.ResponseController
}

func (f flushed) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		_ = f.ctl.Flush() // test recorders can't
	}
	return n, err
}

// failing remembers whether reading failed.
type failing struct {
	io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
