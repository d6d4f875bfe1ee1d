package rest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/pluginhttp"
)

type agentHandlers struct{ agents Agents }

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
	a, _, err := h.agents.Create(ctx, auth.FromContext(ctx), character)
	if err != nil {
		return nil, err
	}
	created, err := agentCreated(a)
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
	answer, err := agentAnswer(a)
	return apiserver.GetAgent200JSONResponse{AgentAnswerJSONResponse: answer}, err
}

func (h agentHandlers) UpdateAgent(ctx context.Context, req apiserver.UpdateAgentRequestObject) (apiserver.UpdateAgentResponseObject, error) {
	a, err := h.agents.UpdateIf(ctx, auth.FromContext(ctx), req.AgentID, *req.Body, ifMatch(req.Params.IfMatch, agentRecord))
	if err != nil {
		return nil, err
	}
	answer, err := agentAnswer(a)
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

func (h agentHandlers) ListPanels(ctx context.Context, req apiserver.ListPanelsRequestObject) (apiserver.ListPanelsResponseObject, error) {
	panels, err := h.agents.Panels(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return apiserver.ListPanels200JSONResponse{Success: true, Data: each(panels, panel)}, nil
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
