package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/pluginhttp"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/runtime"
)

type agentHandlers struct {
	agents Agents
	docs   present.Documents
}

func (h agentHandlers) ListAgents(ctx context.Context, _ apiserver.ListAgentsRequestObject) (apiserver.ListAgentsResponseObject, error) {
	agents, err := h.agents.List(ctx, auth.FromContext(ctx))
	if err != nil {
		return nil, err
	}
	return agentList(agents), nil
}

func (h agentHandlers) CreateAgent(ctx context.Context, req apiserver.CreateAgentRequestObject) (apiserver.CreateAgentResponseObject, error) {
	posted, err := postedCharacter(*req.Body)
	if err != nil {
		return nil, err
	}
	var character agent.Character
	var report *agent.ImportReport
	if req.Params.Import != nil && *req.Params.Import {
		report = new(agent.ImportReport)
		character, *report, err = agent.ImportCharacter(posted)
	} else if character, err = agent.ParseCharacter(posted); err != nil {
		err = orImport(err, posted)
	}
	if err != nil {
		return nil, err
	}
	if report != nil {
		audit.Detail(ctx, "imported")
	}
	a, _, err := h.agents.Create(ctx, auth.FromContext(ctx), character)
	if err != nil {
		return nil, err
	}
	audit.Target(ctx, a.ID)
	created, err := h.agentCreated(a)
	if err != nil {
		return nil, err
	}
	return apiserver.CreateAgent201JSONResponse{Success: true, Data: created, Import: agentImport(report, a.Plugins)}, nil
}

// orImport adds to the refusal of a character that there is a way in for it, if there is.
func orImport(refused error, posted []byte) error {
	if _, _, err := agent.ImportCharacter(posted); err != nil {
		return refused
	}
	e := apierr.From(refused)
	return apierr.Wrap(refused, e.Code, "%s. It can be imported as a character of another program: POST /api/agents?import=true", e.Message).WithDetails(e.Details)
}

func (h agentHandlers) GetAgent(ctx context.Context, req apiserver.GetAgentRequestObject) (apiserver.GetAgentResponseObject, error) {
	a, err := h.agents.Get(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	answer, err := h.agentAnswer(a)
	return apiserver.GetAgent200JSONResponse{AgentAnswerJSONResponse: answer}, err
}

func (h agentHandlers) UpdateAgent(ctx context.Context, req apiserver.UpdateAgentRequestObject) (apiserver.UpdateAgentResponseObject, error) {
	audit.Detail(ctx, "changed", slices.Sorted(maps.Keys(*req.Body))...)
	a, err := h.agents.UpdateIf(ctx, auth.FromContext(ctx), req.AgentID, *req.Body, ifMatch(req.Params.IfMatch, agentRecord))
	if err != nil {
		return nil, err
	}
	answer, err := h.agentAnswer(a)
	return apiserver.UpdateAgent200JSONResponse{AgentAnswerJSONResponse: answer}, err
}

func (h agentHandlers) DeleteAgent(ctx context.Context, req apiserver.DeleteAgentRequestObject) (apiserver.DeleteAgentResponseObject, error) {
	if err := h.agents.Delete(ctx, auth.FromContext(ctx), req.AgentID); err != nil {
		return nil, err
	}
	return apiserver.DeleteAgent204Response{}, nil
}

func (h agentHandlers) StartAgent(ctx context.Context, req apiserver.StartAgentRequestObject) (apiserver.StartAgentResponseObject, error) {
	a, err := h.agents.Start(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.StartAgent200JSONResponse{AgentStatusAnswerJSONResponse: agentStatusAnswer(a, "Agent started")}, nil
}

func (h agentHandlers) StopAgent(ctx context.Context, req apiserver.StopAgentRequestObject) (apiserver.StopAgentResponseObject, error) {
	a, err := h.agents.Stop(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.StopAgent200JSONResponse{AgentStatusAnswerJSONResponse: agentStatusAnswer(a, "Agent stopped")}, nil
}

func (h agentHandlers) ListAgentSecrets(ctx context.Context, req apiserver.ListAgentSecretsRequestObject) (apiserver.ListAgentSecretsResponseObject, error) {
	secrets, err := h.agents.Secrets(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListAgentSecrets200JSONResponse{Success: true, Data: present.Each(secrets, agentSecret)}, nil
}

// modelStatus shows the model of an agent.
func modelStatus(m runtime.ModelStatus) api.AgentModel {
	w := api.AgentModel{Provider: m.Provider, Model: m.Model, Notice: present.Optional(m.Notice), Circuit: present.Optional(api.Circuit(m.Circuit)), RetryAt: present.Optional(retryAt(m.RetryAt))}
	for _, f := range m.Fallbacks {
		w.Fallbacks = append(w.Fallbacks, api.FallbackModel{Provider: f.Provider, Model: f.Model, Circuit: api.Circuit(cmp.Or(f.Circuit, "closed")), RetryAt: present.Optional(retryAt(f.RetryAt))})
	}
	return w
}

// retryAt returns when an open circuit is tried again; 0 for one that isn't open.
func retryAt(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// agentSecret shows what is known of a secret, which is never its value.
func agentSecret(s runtime.Secret) api.AgentSecret {
	out := api.AgentSecret{Name: s.Name}
	if s.ChangedAt != nil {
		out.ChangedAt = new(s.ChangedAt.UnixMilli())
	}
	if s.LastUsed != nil {
		out.LastUsedAt = new(s.LastUsed.UnixMilli())
	}
	return out
}

func (h agentHandlers) ListPanels(ctx context.Context, req apiserver.ListPanelsRequestObject) (apiserver.ListPanelsResponseObject, error) {
	panels, err := h.agents.Panels(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListPanels200JSONResponse{Success: true, Data: present.Each(panels, panel)}, nil
}

func panel(p pluginhttp.Panel) api.Panel { return api.Panel{Name: p.Name, Path: p.Path} }

// postedCharacter finds the character in the body of a request to create an agent: under one of two keys, or the body
// itself. A path is refused, because it would make the server read files and addresses that a caller chooses.
func postedCharacter(body map[string]json.RawMessage) (json.RawMessage, error) {
	for _, key := range []string{"characterJson", "agent"} {
		if c, ok := body[key]; ok && string(c) != "null" {
			return c, nil
		}
	}
	if path, ok := body["characterPath"]; ok && string(path) != "null" && body["name"] == nil {
		return nil, apierr.New(apierr.CreateFailed, "characterPath is not supported: send the character itself in characterJson")
	}
	for _, key := range []string{"name", "spec", "data", "character", "characters"} {
		if _, ok := body[key]; ok {
			whole, err := json.Marshal(body)
			if err != nil {
				return nil, fmt.Errorf("reading a character: %w", err)
			}
			return whole, nil
		}
	}
	return nil, apierr.New(apierr.CreateFailed, "No character configuration provided")
}

// agentRecord shows the whole agent. The character and the contract share their names, so that the one is decoded from the
// other and no field can be forgotten.
func agentRecord(a runtime.Agent) (api.Agent, error) {
	c, err := characterJSON(a)
	if err != nil {
		return api.Agent{}, err
	}
	var w api.Agent
	if err := json.Unmarshal(c, &w); err != nil {
		return api.Agent{}, fmt.Errorf("encoding agent %s: %w", a.ID, err)
	}
	w.ID, w.Enabled, w.Status, w.ServerID = a.ID, a.Enabled, agentState(a.Running), nullable.NewNullNullable[uuid.UUID]()
	w.CreatedAt, w.UpdatedAt = a.CreatedAt.UnixMilli(), a.UpdatedAt.UnixMilli()
	w.SecretKeys, w.PluginStatus = present.List(a.SecretKeys), present.Each(a.Plugins, pluginStatus)
	w.Model = modelStatus(a.Model)
	w.MessageExamples, w.Knowledge = present.List(w.MessageExamples), present.List(w.Knowledge)
	w.PostExamples, w.Topics, w.Adjectives, w.Plugins = present.List(w.PostExamples), present.List(w.Topics), present.List(w.Adjectives), present.List(w.Plugins)
	if w.Settings == nil {
		w.Settings = json.RawMessage(`{}`)
	}
	return w, nil
}

// agentAnswer shows an agent, with what a change did to it beyond what was asked for. That is said once and no part of the tag.
func (h agentHandlers) agentAnswer(a runtime.Agent) (apiserver.AgentAnswerJSONResponse, error) {
	w, err := agentRecord(a)
	thing := w
	w.Settings = h.docs.OfAgent(w.Settings)
	tag := shownTag(thing, w)
	if a.Notice != "" {
		w.Model.Notice = present.Optional(strings.TrimSpace(a.Notice + " " + a.Model.Notice))
	}
	return apiserver.AgentAnswerJSONResponse{
		Headers: apiserver.AgentAnswerResponseHeaders{ETag: tag}, Body: api.AgentEnvelope{Success: true, Data: w},
	}, err
}

// characterJSON returns the agent's character with a mask for each of its secrets, under settings.secrets, where clients
// look for them.
func characterJSON(a runtime.Agent) (json.RawMessage, error) {
	c := a.Character
	c.ID, c.Secrets = a.ID, nil
	if len(a.SecretKeys) > 0 {
		masks := make(map[string]any, len(a.SecretKeys))
		for _, key := range a.SecretKeys {
			masks[key] = agent.SecretMask
		}
		settings := map[string]any{}
		maps.Copy(settings, c.Settings)
		settings["secrets"] = masks
		c.Settings = settings
	}
	b, err := json.Marshal(&c)
	if err != nil {
		return nil, fmt.Errorf("encoding agent %s: %w", a.ID, err)
	}
	return b, nil
}

func (h agentHandlers) agentCreated(a runtime.Agent) (api.AgentCreated, error) {
	c, err := characterJSON(a)
	if err != nil {
		return api.AgentCreated{}, err
	}
	return api.AgentCreated{
		ID: a.ID, Name: a.Character.Name, CharacterName: a.Character.Name, Bio: a.Character.Bio.First(), Status: agentState(a.Running),
		Enabled: a.Enabled, CreatedAt: a.CreatedAt.UnixMilli(), UpdatedAt: a.UpdatedAt.UnixMilli(), Character: h.docs.OfAgent(c),
	}, nil
}

// agentImport describes to the author of a character what became of it; nil where it was not imported.
func agentImport(r *agent.ImportReport, plugins []runtime.PluginStatus) *api.AgentImport {
	if r == nil {
		return nil
	}
	unused := r.Unused
	for _, p := range plugins {
		if !p.Available {
			unused = append(unused, "plugins: "+p.Name+" is not there. "+p.Reason)
		}
	}
	return &api.AgentImport{Format: r.Format, Used: present.List(r.Used), Kept: present.List(r.Kept), Unused: present.List(unused)}
}

func agentStatusAnswer(a runtime.Agent, done string) apiserver.AgentStatusAnswerJSONResponse {
	return apiserver.AgentStatusAnswerJSONResponse{Success: true, Data: api.AgentStatus{
		ID: a.ID, Name: a.Character.Name, Status: agentState(a.Running), Message: &done,
	}}
}

func agentState(running bool) api.AgentState {
	if running {
		return api.AgentStateActive
	}
	return api.AgentStateInactive
}

func pluginStatus(p runtime.PluginStatus) api.PluginStatus {
	return api.PluginStatus{
		Name: p.Name, Available: p.Available, Status: api.PluginStatusStatus(p.Status), Reason: p.Reason,
		Suggestion: present.Optional(p.Suggestion),
	}
}

// agentList answers a request for all agents. Its JSON is appended by hand, since it is written too often for encoding/json.
type agentList []runtime.Summary

// VisitListAgentsResponse writes the list.
func (l agentList) VisitListAgentsResponse(w http.ResponseWriter) error {
	w.Header().Set("X-Total-Count", strconv.Itoa(len(l)))
	return writeJSON(w, http.StatusOK, l.appendTo)
}

// appendTo appends an AgentListEnvelope.
func (l agentList) appendTo(dst []byte) []byte {
	dst = append(dst, `{"success":true,"data":{"agents":`...)
	return append(jsontext.AppendList(dst, l, appendAgent), "}}"...)
}

// appendAgent appends an AgentListItem.
func appendAgent(dst []byte, a *runtime.Summary) []byte {
	dst = jsontext.AppendID(append(dst, `{"id":`...), a.ID)
	dst = jsontext.AppendString(append(dst, `,"name":`...), a.Name)
	dst = jsontext.AppendString(append(dst, `,"characterName":`...), a.Name)
	dst = jsontext.AppendString(append(dst, `,"bio":`...), a.Bio)
	dst = jsontext.AppendString(append(dst, `,"status":`...), agentState(a.Running))
	dst = strconv.AppendBool(append(dst, `,"enabled":`...), a.Enabled)
	dst = strconv.AppendInt(append(dst, `,"createdAt":`...), a.CreatedAt.UnixMilli(), 10)
	dst = strconv.AppendInt(append(dst, `,"updatedAt":`...), a.UpdatedAt.UnixMilli(), 10)
	return append(dst, '}')
}
