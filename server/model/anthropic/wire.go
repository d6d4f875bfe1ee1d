package anthropic

import (
	"encoding/json"
	"strings"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/internal/form"
	"github.com/elizad/elizad/server/model/internal/pieces"
)

// Token limits, which every request must have.
const (
	usualLimit = 16384 // more than a message of a conversation has, and taken by all but old models, which say what they take
	leastLimit = 4096  // taken by every model
)

// request is the body of POST /messages.
type request struct {
	Model         string    `json:"model"`
	MaxTokens     int       `json:"max_tokens"`
	System        []block   `json:"system,omitempty"`
	Messages      []message `json:"messages"`
	Stream        bool      `json:"stream"`
	Temperature   *float64  `json:"temperature,omitempty"`
	TopP          *float64  `json:"top_p,omitempty"`
	StopSequences []string  `json:"stop_sequences,omitempty"`
	Tools         []tool    `json:"tools,omitempty"`

	marked bool // some of it is marked for the cache
	shows  bool // there are pictures in it
}

type message struct {
	Role    model.Role `json:"role"`
	Content []block    `json:"content"`
}

// block is a part of a message: a text, which must not be blank, or an image.
type block struct {
	Type         string        `json:"type"`
	Text         string        `json:"text,omitempty"`
	Source       *source       `json:"source,omitempty"`
	CacheControl *cacheControl `json:"cache_control,omitempty"`
}

// source is what an image is made of.
type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"` // which JSON has in base64
}

// cacheControl marks the end of what the vendor is to keep: everything up to there. What is too short is not kept, and costs
// nothing for it.
type cacheControl struct {
	Type string `json:"type"`
}

type tool struct {
	Name         string          `json:"name"`
	Description  string          `json:"description,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema"`
	CacheControl *cacheControl   `json:"cache_control,omitempty"`
}

// newRequest translates req into the form that the model takes.
func newRequest(name string, req model.Request, f form.Form) *request {
	r := &request{Model: name, Stream: !f.Whole, MaxTokens: req.Params.MaxTokens}
	if r.MaxTokens == 0 {
		r.MaxTokens = usualLimit
	}
	if r.MaxTokens = f.Limited(r.MaxTokens); r.MaxTokens == 0 {
		r.MaxTokens = leastLimit
	}
	if t := req.Params.Temperature; t != nil && !f.Lacks(form.Temperature) {
		r.Temperature = new(min(*t, 1)) // elsewhere temperatures go up to 2
	}
	if !f.Lacks(form.TopP) {
		r.TopP = req.Params.TopP
	}
	if !f.Lacks(form.Stop) {
		for _, s := range req.Params.Stop {
			if strings.TrimSpace(s) != "" { // others are refused
				r.StopSequences = append(r.StopSequences, s)
			}
		}
	}
	if !f.Lacks(form.Tools) {
		for _, t := range req.Tools {
			r.Tools = append(r.Tools, newTool(t))
		}
	}
	if text := strings.TrimSpace(req.System); text != "" {
		r.System = []block{{Type: "text", Text: req.System}}
	}
	for _, m := range req.Messages {
		r.say(m.Role, m.Text)
	}
	if !f.Lacks(form.Cache) {
		r.mark()
	}
	prompt, pictures := f.Prompt(req)
	r.say(model.RoleUser, prompt)
	r.show(pictures)
	return r
}

func newTool(t model.Tool) tool {
	schema := t.Parameters
	if schema == nil {
		schema = json.RawMessage(`{"type":"object"}`)
	}
	return tool{Name: t.Name, Description: t.Description, InputSchema: schema}
}

// opening stands before a conversation that an assistant begins: users come first.
const opening = "…"

// say adds a message. What somebody says twice in a row is one message.
func (r *request) say(role model.Role, text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if len(r.Messages) == 0 && role == model.RoleAssistant {
		r.say(model.RoleUser, opening)
	}
	said := block{Type: "text", Text: text}
	if last := len(r.Messages) - 1; last >= 0 && r.Messages[last].Role == role {
		r.Messages[last].Content = append(r.Messages[last].Content, said)
		return
	}
	r.Messages = append(r.Messages, message{role, []block{said}})
}

// show adds pictures to what the user said last; they are best before its words.
func (r *request) show(pictures []model.Picture) {
	if len(pictures) == 0 || len(r.Messages) == 0 || r.Messages[len(r.Messages)-1].Role != model.RoleUser {
		return
	}
	last := &r.Messages[len(r.Messages)-1]
	words := last.Content[len(last.Content)-1]
	last.Content = last.Content[:len(last.Content)-1]
	for _, p := range pictures {
		last.Content = append(last.Content, block{Type: "image", Source: &source{"base64", p.MediaType, p.Data}})
	}
	last.Content = append(last.Content, words)
	r.shows = true
}

// mark marks what the next request is likely to begin with: tools and the system text, which the vendor reads in this order,
// and the messages so far. The prompt, which follows, never comes again.
func (r *request) mark() {
	mark := &cacheControl{"ephemeral"}
	if last := len(r.System) - 1; last >= 0 {
		r.System[last].CacheControl, r.marked = mark, true
	} else if last := len(r.Tools) - 1; last >= 0 {
		r.Tools[last].CacheControl, r.marked = mark, true
	}
	if last := len(r.Messages) - 1; last >= 0 {
		said := r.Messages[last].Content
		said[len(said)-1].CacheControl, r.marked = mark, true
	}
}

// Has implements [form.Request].
func (r *request) Has(p form.Part) bool {
	switch p {
	case form.Pictures:
		return r.shows
	case form.Stream:
		return r.Stream
	case form.Tools:
		return len(r.Tools) > 0
	case form.Cache:
		return r.marked
	case form.Limit:
		return r.MaxTokens > leastLimit // a limit there must be
	case form.TopP:
		return r.TopP != nil
	case form.Temperature:
		return r.Temperature != nil
	case form.Stop:
		return len(r.StopSequences) > 0
	default:
		return false
	}
}

// TokenLimit implements [form.Request].
func (r *request) TokenLimit() int { return r.MaxTokens }

// event is one event of a streamed message, or a whole message: both have a type. A message_delta has the usage of one.
type event struct {
	Type string `json:"type"`

	Message      wholeMessage    `json:"message"` // message_start
	Index        int             `json:"index"`   // content_block_…
	ContentBlock contentBlock    `json:"content_block"`
	Delta        delta           `json:"delta"` // content_block_delta, message_delta
	Error        json.RawMessage `json:"error"`

	wholeMessage
}

// wholeMessage is a message in one piece; at the beginning of a stream it is empty.
type wholeMessage struct {
	Model      string         `json:"model"`
	Content    []contentBlock `json:"content"`
	StopReason string         `json:"stop_reason"`
	Usage      *usage         `json:"usage"`
}

// contentBlock is a part of a message: text, tool_use, or what is not for people, as thinking.
type contentBlock struct {
	Type  string          `json:"type"`
	Text  pieces.Text     `json:"text"`
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

// delta is what an event adds to a block or to the message.
type delta struct {
	Type        string      `json:"type"`
	Text        pieces.Text `json:"text"`
	PartialJSON pieces.Text `json:"partial_json"`
	StopReason  string      `json:"stop_reason"`
}

// usage counts tokens. InputTokens are those that the cache has nothing to do with.
type usage struct {
	InputTokens  int `json:"input_tokens"`
	OutputTokens int `json:"output_tokens"`
	CacheWritten int `json:"cache_creation_input_tokens"`
	CacheRead    int `json:"cache_read_input_tokens"`
}

// atLeast takes over counts that are greater: those of an event are of the whole message so far, or left out.
func (u *usage) atLeast(other *usage) {
	if other == nil {
		return
	}
	u.InputTokens = max(u.InputTokens, other.InputTokens)
	u.OutputTokens = max(u.OutputTokens, other.OutputTokens)
	u.CacheWritten = max(u.CacheWritten, other.CacheWritten)
	u.CacheRead = max(u.CacheRead, other.CacheRead)
}

// counts returns the counts that the endpoint reported, if any. What was read from the cache and what was written to it are parts
// of the input that the wire counts apart.
func (u usage) counts() model.Usage {
	return model.Usage{InputTokens: u.InputTokens + u.CacheWritten + u.CacheRead, OutputTokens: u.OutputTokens, CachedTokens: u.CacheRead}
}

// finishReason translates a stop reason. Unknown ones count as a regular end.
func finishReason(stop string) model.FinishReason {
	switch stop {
	case "max_tokens", "model_context_window_exceeded", "pause_turn": // what was paused can be continued
		return model.FinishLength
	case "tool_use":
		return model.FinishTools
	case "refusal":
		return model.FinishFilter
	default:
		return model.FinishStop
	}
}
