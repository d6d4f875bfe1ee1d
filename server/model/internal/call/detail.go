package call

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Detail is what an error answer says, whichever shape it has.
type Detail struct {
	Message string
	Code    string // a word or a number
	Kind    string // the type, in the words of the endpoint
	Param   string // the parameter that was refused
	reason  string // Google's name of the cause
	wait    time.Duration
}

// detailBody covers the shapes in use:
//
//	{"error":{"message","type","param","code"}}           OpenAI, Ollama, Groq, newer vLLM
//	{"error":{"message","code":402,"metadata"}}            OpenRouter
//	{"error":"text"}                                      Ollama's and LM Studio's own
//	{"object":"error","message":"text","type","code"}      older vLLM
//	{"object":"error","message":{"detail":[…]}}            Mistral
//	{"detail":"text"} or {"detail":[{"loc":[…],"msg"}]}    FastAPI
//	[{"error":{"code","message","details":[{"reason"}]}}]  Google; another of the details holds retryDelay
//	{"type":"error","error":{"type","message"}}           Anthropic
//	{"error":{"message","metadata":{"raw"}}}               OpenRouter, with what the provider behind it said
type detailBody struct {
	Error   json.RawMessage   `json:"error"`
	Message json.RawMessage   `json:"message"`
	Detail  json.RawMessage   `json:"detail"`
	Msg     json.RawMessage   `json:"msg"`
	Loc     []json.RawMessage `json:"loc"`
	Code    json.RawMessage   `json:"code"`
	Type    json.RawMessage   `json:"type"`
	Param   json.RawMessage   `json:"param"`
	Reason  json.RawMessage   `json:"reason"`
	Details json.RawMessage   `json:"details"`

	Metadata     json.RawMessage `json:"metadata"`
	Raw          json.RawMessage `json:"raw"`
	RetryDelay   json.RawMessage `json:"retryDelay"`  // "4.5s"
	RetryAfter   json.RawMessage `json:"retry_after"` // seconds
	RetryAfterS  json.RawMessage `json:"retry_after_seconds"`
	RetryAfterMS json.RawMessage `json:"retry_after_ms"`
}

// maxDetailDepth bounds how far explanations are followed into one another.
const maxDetailDepth = 9

// parseDetail reads an error body. What it doesn't understand, a page of HTML for instance, has no detail.
func parseDetail(data []byte) Detail {
	var d Detail
	d.read(data, maxDetailDepth)
	return d
}

// read fills the empty fields of d from raw.
func (d *Detail) read(raw json.RawMessage, depth int) {
	if len(raw) == 0 || depth == 0 {
		return
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if inner := strings.TrimSpace(text); strings.HasPrefix(inner, "{") && json.Valid([]byte(inner)) {
			d.read(json.RawMessage(inner), depth-1) // an explanation wrapped in text by a proxy
			return
		}
		setEmpty(&d.Message, text)
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, item := range list {
			d.read(item, depth-1)
		}
		return
	}
	var body detailBody
	if json.Unmarshal(raw, &body) != nil {
		return
	}
	setEmpty(&d.Code, word(body.Code))
	if kind := word(body.Type); kind != "error" { // Anthropic's object around the error
		setEmpty(&d.Kind, kind)
	}
	setEmpty(&d.Param, word(body.Param))
	setEmpty(&d.reason, word(body.Reason))
	if len(body.Loc) > 1 && word(body.Loc[0]) == "body" {
		setEmpty(&d.Param, word(body.Loc[1]))
	}
	d.readWait(body)
	for _, inner := range []json.RawMessage{body.Error, body.Metadata, body.Raw, body.Message, body.Detail, body.Msg, body.Details} {
		d.read(inner, depth-1)
	}
}

// readWait takes over how long the endpoint asks to wait.
func (d *Detail) readWait(body detailBody) {
	for _, asked := range []struct {
		value json.RawMessage
		unit  time.Duration
	}{{body.RetryDelay, time.Second}, {body.RetryAfter, time.Second}, {body.RetryAfterS, time.Second}, {body.RetryAfterMS, time.Millisecond}} {
		if d.wait > 0 {
			return
		}
		text := strings.TrimSuffix(word(asked.value), "s")
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			d.wait = duration(n, asked.unit)
		}
	}
}

// word returns a JSON text or number as a word; anything else is empty.
func word(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}

func setEmpty(field *string, value string) {
	if *field == "" {
		*field = value
	}
}
