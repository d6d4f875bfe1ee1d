package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/dialogue"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/openaierr"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/model"
)

type openaiHandlers struct {
	agents    Agents
	dialogues *dialogue.Service
	messages  messageHandlers
}

func (h openaiHandlers) ListModels(ctx context.Context, _ apiserver.ListModelsRequestObject) (apiserver.ListModelsResponseObject, error) {
	models, err := h.models(ctx)
	if err != nil {
		return nil, err
	}
	return apiserver.ListModels200JSONResponse{Object: api.OpenAIModelListObjectList, Data: present.Each(models, agentModel.shown)}, nil
}

func (h openaiHandlers) GetModel(ctx context.Context, req apiserver.GetModelRequestObject) (apiserver.GetModelResponseObject, error) {
	m, err := h.model(ctx, req.Model)
	if err != nil {
		return nil, err
	}
	return apiserver.GetModel200JSONResponse(m.shown()), nil
}

// agentModel is an agent that runs, under its id as a model.
type agentModel struct {
	runtime.Summary
	id string
}

func (m agentModel) shown() api.OpenAIModel {
	return api.OpenAIModel{ID: m.id, Object: api.OpenAIModelObjectModel, Created: m.CreatedAt.Unix(), OwnedBy: "elizad", Name: m.Name}
}

// models returns the agents that run, by name. Of several of one name the oldest is called by the name alone, so that no id changes
// when an agent is made.
func (h openaiHandlers) models(ctx context.Context) ([]agentModel, error) {
	agents, err := h.agents.List(ctx, auth.FromContext(ctx))
	if err != nil {
		return nil, err
	}
	first := map[string]runtime.Summary{}
	for _, a := range agents {
		name := modelName(a)
		if f, taken := first[name]; !taken || cmp.Or(a.CreatedAt.Compare(f.CreatedAt), slices.Compare(a.ID[:], f.ID[:])) < 0 {
			first[name] = a
		}
	}
	models := make([]agentModel, 0, len(agents))
	for _, a := range agents {
		id := modelName(a)
		if first[id].ID != a.ID {
			id += "-" + a.ID.String()[:8]
		}
		if a.Running {
			models = append(models, agentModel{a, id})
		}
	}
	return models, nil
}

// modelName returns an agent's name as ids of models are written.
func modelName(a runtime.Summary) string {
	words := strings.FieldsFunc(strings.ToLower(a.Name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	return cmp.Or(strings.Join(words, "-"), a.ID.String())
}

// model finds an agent that runs by its id as a model, or by its UUID.
func (h openaiHandlers) model(ctx context.Context, name string) (agentModel, error) {
	models, err := h.models(ctx)
	if err != nil {
		return agentModel{}, err
	}
	for _, m := range models {
		if m.id == name || strings.EqualFold(m.ID.String(), name) {
			return m, nil
		}
	}
	return agentModel{}, apierr.New(apierr.AgentNotFound, "The model '%s' does not exist", name).WithDetails("/model")
}

func (h openaiHandlers) CreateChatCompletion(ctx context.Context, req apiserver.CreateChatCompletionRequestObject) (apiserver.CreateChatCompletionResponseObject, error) {
	b := *req.Body
	if err := answerable(b); err != nil {
		return nil, err
	}
	agent, err := h.model(ctx, b.Model)
	if err != nil {
		return nil, err
	}
	q, err := chatQuestion(b)
	if err != nil {
		return nil, err
	}
	q.AgentID = agent.ID
	q.UserID = speaker(auth.FromContext(ctx), cmp.Or(deref(req.Params.XOpenWebUIUserID), deref(b.User)))
	if name, err := url.PathUnescape(deref(req.Params.XOpenWebUIUserName)); err == nil {
		q.AuthorName = name
	}
	if q.Chat, err = chatName(req.Params, b); err != nil {
		return nil, err
	}
	exchange, err := h.dialogues.Ask(ctx, auth.FromContext(ctx), q)
	if err != nil {
		return nil, err
	}
	chat := present.Chat{Turn: exchange.Turn, Model: b.Model, At: exchange.Message.CreatedAt}
	if deref(b.Stream) {
		s := &chatStream{ctx: ctx, chat: chat, exchange: exchange}
		if b.StreamOptions != nil && deref(b.StreamOptions.IncludeUsage) {
			s.usage = func(end messaging.TurnResult) api.OpenAIUsage { return h.usage(ctx, q, end) }
		}
		return s, nil
	}
	end, err := h.messages.await(ctx, exchange)
	if err != nil {
		return nil, err
	}
	completion, err := chat.Completion(end, h.usage(ctx, q, end))
	if err != nil {
		return nil, err
	}
	return apiserver.CreateChatCompletion200JSONResponse(completion), nil
}

// answerable refuses what no agent's answer could fulfil.
func answerable(b api.OpenAIChatRequest) error {
	refuse := func(field, format string, args ...any) error {
		return apierr.New(apierr.InvalidRequest, format, args...).WithDetails("/" + field)
	}
	if b.N != nil && *b.N != 1 {
		return refuse("n", "n must be 1: an agent gives one answer")
	}
	for _, m := range b.Modalities {
		if m != "text" {
			return refuse("modalities", "Agents answer here in text only")
		}
	}
	if f := b.ResponseFormat; f != nil && deref(f.Type) != "" && *f.Type != "text" {
		return refuse("response_format", "Agents answer in text, and promise no other form")
	}
	if choice := strings.Trim(string(b.ToolChoice), `"`); choice != "" && choice != "none" && choice != "auto" {
		return refuse("tool_choice", "Agents call no tools of clients")
	}
	return nil
}

// speaker returns who asks: the caller's entity, or one that stands for the client's user, apart for each proven caller.
func speaker(who auth.Identity, user string) uuid.UUID {
	switch {
	case who.Entity() != uuid.Nil:
		return who.Entity()
	case user == "" && who.Principal() == "":
		return messaging.AnonymousID
	default:
		return uuid.NewSHA1(messaging.AnonymousID, []byte("openai:"+who.Principal()+":"+user))
	}
}

// chatName returns the client's name for the chat; empty if it has none.
func chatName(p api.CreateChatCompletionParams, b api.OpenAIChatRequest) (string, error) {
	inMetadata := func(key string) string { text, _ := b.Metadata[key].(string); return text }
	name := cmp.Or(deref(p.XOpenWebUIChatID), deref(p.XConversationID), deref(p.XSessionID), inMetadata("chat_id"), inMetadata("conversation_id"))
	if len(name) > dialogue.MaxName {
		return "", apierr.New(apierr.InvalidRequest, "The name of the chat exceeds %d bytes", dialogue.MaxName).WithDetails("/metadata")
	}
	return name, nil
}

// openWebUITask begins what Open WebUI asks for itself: titles, tags, what to ask next.
const openWebUITask = "### Task:"

// chatQuestion reads the last message as a question, and the others as what was said before and what the client wants.
func chatQuestion(b api.OpenAIChatRequest) (q dialogue.Question, err error) {
	var wanted []string
	for i, m := range b.Messages {
		place := fmt.Sprintf("messages/%d", i)
		line, err := lineFrom(m.Content, place)
		if err != nil {
			return q, err
		}
		switch m.Role {
		case api.OpenAIMessageRoleSystem, api.OpenAIMessageRoleDeveloper:
			wanted = append(wanted, line.Text)
		case api.OpenAIMessageRoleUser, api.OpenAIMessageRoleAssistant:
			line.FromAgent = m.Role == api.OpenAIMessageRoleAssistant
			q.Before = append(q.Before, line)
		default:
			return q, apierr.New(apierr.InvalidRequest, "Agents call no tools of clients, so there is no message of one").WithDetails("/" + place + "/role")
		}
	}
	last := len(q.Before) - 1
	if last < 0 || q.Before[last].FromAgent {
		return q, apierr.New(apierr.InvalidRequest, "The last message must be the user's").WithDetails("/messages")
	}
	q.Line, q.Before = q.Before[last], q.Before[:last]
	if strings.TrimSpace(q.Text) == "" && len(q.Pictures) == 0 {
		return q, apierr.New(apierr.InvalidRequest, "The last message is empty").WithDetails("/messages")
	}
	q.Instructions = strings.Join(wanted, "\n\n")
	q.Passing = len(q.Before) == 0 && strings.HasPrefix(strings.TrimSpace(q.Text), openWebUITask)
	return q, nil
}

// lineFrom reads the content of a message: a text, or a list of parts.
func lineFrom(raw json.RawMessage, place string) (line dialogue.Line, err error) {
	if len(raw) == 0 || json.Unmarshal(raw, &line.Text) == nil {
		return line, nil
	}
	var parts []struct {
		Type     string
		Text     string
		Refusal  string
		ImageURL json.RawMessage `json:"image_url"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return line, apierr.New(apierr.InvalidRequest, "The content must be a text, or a list of parts").WithDetails("/" + place + "/content")
	}
	var texts []string
	for i, part := range parts {
		at := fmt.Sprintf("/%s/content/%d", place, i)
		switch part.Type {
		case "text", "input_text", "output_text":
			texts = append(texts, part.Text)
		case "refusal":
			texts = append(texts, part.Refusal)
		case "image_url", "input_image":
			address, err := pictureAddress(part.ImageURL, at)
			if err != nil {
				return line, err
			}
			line.Pictures = append(line.Pictures, address)
		default:
			return line, apierr.New(apierr.InvalidRequest, "A part is a text or a picture here, and nothing else").WithDetails(at + "/type")
		}
	}
	line.Text = strings.Join(texts, "\n")
	return line, nil
}

// pictureAddress reads the address of a picture.
func pictureAddress(raw json.RawMessage, place string) (string, error) {
	var given struct{ URL string }
	if json.Unmarshal(raw, &given.URL) != nil && json.Unmarshal(raw, &given) != nil {
		return "", apierr.New(apierr.InvalidRequest, "A picture has an address").WithDetails(place + "/image_url")
	}
	if u, err := url.Parse(given.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", apierr.New(apierr.InvalidRequest, "A picture is taken by an address of http or https only, not within the request").WithDetails(place + "/image_url")
	}
	return given.URL, nil
}

// usage returns the tokens that an answer took, by the record of the run, or else by an estimate of what was sent and said.
func (h openaiHandlers) usage(ctx context.Context, q dialogue.Question, end messaging.TurnResult) api.OpenAIUsage {
	var u api.OpenAIUsage
	if run, _, err := h.messages.messages.Run(ctx, auth.FromContext(ctx), end.Turn.AgentID, end.Turn.ID); err == nil {
		u.PromptTokens, u.CompletionTokens = int(run.Usage.InputTokens), int(run.Usage.OutputTokens)
	}
	if u.PromptTokens+u.CompletionTokens == 0 {
		u.PromptTokens = model.EstimateTokens(q.Instructions) + model.EstimateTokens(q.Text)
		for _, l := range q.Before {
			u.PromptTokens += model.EstimateTokens(l.Text)
		}
		if end.Reply != nil {
			u.CompletionTokens = model.EstimateTokens(end.Reply.Content)
		}
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// chatStream answers a question with chunks as clients of OpenAI's interface read them.
type chatStream struct {
	ctx      context.Context // the request's: the method that writes a response gets none
	chat     present.Chat
	exchange *messaging.Exchange
	usage    func(end messaging.TurnResult) api.OpenAIUsage // nil: nobody asked
}

// VisitCreateChatCompletionResponse writes the stream.
func (s *chatStream) VisitCreateChatCompletionResponse(w http.ResponseWriter) error {
	return follow(s.ctx, w, s.exchange.Events, s.exchange.Close, s)
}

func (s *chatStream) begin(out *eventWriter) bool {
	return out.data(s.chat.Piece(api.OpenAIChatDelta{Role: new(api.OpenAIChatDeltaRoleAssistant), Content: new("")}))
}

func (s *chatStream) write(out *eventWriter, e messaging.TurnEvent, err error) bool {
	if err == nil && e.End == nil {
		return out.data(s.chat.Piece(api.OpenAIChatDelta{Content: &e.Text}))
	}
	if err == nil {
		err = present.NoCompletion(*e.End)
	}
	if err != nil {
		out.data(openaierr.Of(err))
		return false
	}
	if out.data(s.chat.End(*e.End)) && (s.usage == nil || out.data(s.chat.Usage(s.usage(*e.End)))) {
		out.last()
	}
	return false
}
