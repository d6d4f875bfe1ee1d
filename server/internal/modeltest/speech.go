package modeltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Heard is one transcription request as it arrived.
type Heard struct {
	Header      http.Header
	Fields      map[string]string // of the form: model, response_format, language, …
	Filename    string
	ContentType string // of the recording
	Audio       []byte
	Length      int64 // announced length of the request; -1 for a chunked one
}

// Spoken is one speech request as it arrived.
type Spoken struct {
	Header http.Header
	Model  string  `json:"model"`
	Input  string  `json:"input"`
	Voice  string  `json:"voice"`
	Format string  `json:"response_format"`
	Speed  float64 `json:"speed"`
}

// Sound is what the server answers to a speech request.
type Sound struct {
	ContentType string   // default audio/mpeg
	Pieces      [][]byte // each is flushed
	Ending      Ending   // Complete or Cut
	Status      int      // other than 0 and 200: an error, with Body as it stands
	Body        string
}

// Hear makes the server transcribe by answer. Call it before the first request; without it there is no such endpoint.
func (s *Server) Hear(answer func(Heard) Script) { s.hear = answer }

// Speak makes the server speak by answer. Call it before the first request; without it there is no such endpoint.
func (s *Server) Speak(answer func(Spoken) Sound) { s.speak = answer }

// transcribe serves POST /v1/audio/transcriptions: a form in, an object with the text and its cost out.
func (s *Server) transcribe(w http.ResponseWriter, r *http.Request) {
	if s.hear == nil {
		http.NotFound(w, r)
		return
	}
	heard, err := readRecording(r)
	if err != nil {
		refuse(w, err.Error(), "file")
		return
	}
	if heard.Fields["model"] == "" {
		refuse(w, "you must provide a model parameter", "model")
		return
	}
	script := s.hear(heard)
	if !end(r, script) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if script.Status != 0 && script.Status != http.StatusOK {
		w.WriteHeader(script.Status)
		fmt.Fprint(w, script.Body)
		return
	}
	text := ""
	for _, c := range script.Chunks {
		text += c
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"text": text, "usage": map[string]any{ // a client that left has no use for it
		"type": "tokens", "input_tokens": 14, "output_tokens": 4, "total_tokens": 18,
		"input_token_details": map[string]any{"text_tokens": 0, "audio_tokens": 14},
	}})
}

func readRecording(r *http.Request) (Heard, error) {
	heard := Heard{Header: r.Header.Clone(), Fields: map[string]string{}, Length: r.ContentLength}
	form, err := r.MultipartReader()
	if err != nil {
		return heard, err
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return heard, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return heard, err
		}
		if part.FormName() == "file" {
			heard.Filename, heard.ContentType, heard.Audio = part.FileName(), part.Header.Get("Content-Type"), data
		} else {
			heard.Fields[part.FormName()] = string(data)
		}
	}
	if heard.Filename == "" {
		return heard, errors.New("the request has no file")
	}
	return heard, nil
}

// say serves POST /v1/audio/speech: an object in, bytes out as they are made.
func (s *Server) say(w http.ResponseWriter, r *http.Request) {
	if s.speak == nil {
		http.NotFound(w, r)
		return
	}
	spoken := Spoken{Header: r.Header.Clone()}
	if err := json.NewDecoder(r.Body).Decode(&spoken); err != nil {
		refuse(w, "the body is not JSON", "")
		return
	}
	for _, required := range []struct{ name, value string }{{"model", spoken.Model}, {"input", spoken.Input}, {"voice", spoken.Voice}} {
		if required.value == "" {
			refuse(w, "Missing required parameter: '"+required.name+"'.", required.name)
			return
		}
	}
	sound := s.speak(spoken)
	if sound.Status != 0 && sound.Status != http.StatusOK {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(sound.Status)
		fmt.Fprint(w, sound.Body)
		return
	}
	if sound.ContentType == "" {
		sound.ContentType = "audio/mpeg"
	}
	w.Header().Set("Content-Type", sound.ContentType)
	flusher := http.NewResponseController(w)
	for _, piece := range sound.Pieces {
		if _, err := w.Write(piece); err != nil {
			return
		}
		_ = flusher.Flush() // a client that left is noticed by the next write
	}
	if sound.Ending == Cut {
		panic(http.ErrAbortHandler)
	}
}

// refuse answers with a bad request in OpenAI's shape.
func refuse(w http.ResponseWriter, message, param string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{ // a client that left has no use for it
		"message": message, "type": "invalid_request_error", "param": param, "code": nil,
	}})
}
