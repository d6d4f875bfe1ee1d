package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/runtime"
)

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
	w.SecretKeys, w.PluginStatus = list(a.SecretKeys), each(a.Plugins, pluginStatus)
	w.Model = api.AgentModel{Provider: a.Model.Provider, Model: a.Model.Model, Notice: optional(a.Model.Notice)}
	w.MessageExamples, w.Knowledge = list(w.MessageExamples), list(w.Knowledge)
	w.PostExamples, w.Topics, w.Adjectives, w.Plugins = list(w.PostExamples), list(w.Topics), list(w.Adjectives), list(w.Plugins)
	if w.Settings == nil {
		w.Settings = json.RawMessage(`{}`)
	}
	return w, nil
}

// agentAnswer shows an agent, with what a change did to it beyond what was asked for. That is said once and no part of the tag.
func agentAnswer(a runtime.Agent) (apiserver.AgentAnswerJSONResponse, error) {
	w, err := agentRecord(a)
	tag := etag(w)
	if a.Notice != "" {
		w.Model.Notice = optional(strings.TrimSpace(a.Notice + " " + a.Model.Notice))
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

func agentCreated(a runtime.Agent) (api.AgentCreated, error) {
	c, err := characterJSON(a)
	if err != nil {
		return api.AgentCreated{}, err
	}
	return api.AgentCreated{
		ID: a.ID, Name: a.Character.Name, CharacterName: a.Character.Name, Bio: a.Character.Bio.First(), Status: agentState(a.Running),
		Enabled: a.Enabled, CreatedAt: a.CreatedAt.UnixMilli(), UpdatedAt: a.UpdatedAt.UnixMilli(), Character: c,
	}, nil
}

// agentImport tells the maker of a character what became of it; nil where it was not imported.
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
	return &api.AgentImport{Format: r.Format, Used: orNone(r.Used), Kept: orNone(r.Kept), Unused: orNone(unused)}
}

// orNone makes no list an empty one, as the wire has it.
func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
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
		Suggestion: optional(p.Suggestion),
	}
}
