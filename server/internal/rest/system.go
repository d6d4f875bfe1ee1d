package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
)

type systemHandlers struct{ deps Deps }

func (h systemHandlers) GetLiveness(context.Context, apiserver.GetLivenessRequestObject) (apiserver.GetLivenessResponseObject, error) {
	return apiserver.GetLiveness200JSONResponse{Status: "ok", Timestamp: wire.At(time.Now())}, nil
}

func (h systemHandlers) GetHealth(ctx context.Context, _ apiserver.GetHealthRequestObject) (apiserver.GetHealthResponseObject, error) {
	state := h.health(ctx)
	if state.Status != api.HealthStatusOK {
		return apiserver.GetHealth503JSONResponse(state), nil
	}
	return apiserver.GetHealth200JSONResponse{HealthAnswerJSONResponse: apiserver.HealthAnswerJSONResponse(state)}, nil
}

func (h systemHandlers) GetServerHealth(ctx context.Context, _ apiserver.GetServerHealthRequestObject) (apiserver.GetServerHealthResponseObject, error) {
	state := h.health(ctx)
	if state.Status != api.HealthStatusOK {
		return apiserver.GetServerHealth503JSONResponse(state), nil
	}
	return apiserver.GetServerHealth200JSONResponse{HealthAnswerJSONResponse: apiserver.HealthAnswerJSONResponse(state)}, nil
}

func (h systemHandlers) Ping(context.Context, apiserver.PingRequestObject) (apiserver.PingResponseObject, error) {
	return pong(time.Now().UnixMilli()), nil
}

// pong answers health pollers. It holds the time in milliseconds.
type pong int64

// VisitPingResponse writes the answer.
func (p pong) VisitPingResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusOK, func(dst []byte) []byte {
		return append(strconv.AppendInt(append(dst, `{"pong":true,"timestamp":`...), int64(p), 10), '}')
	})
}

func (h systemHandlers) GetVersion(context.Context, apiserver.GetVersionRequestObject) (apiserver.GetVersionResponseObject, error) {
	return apiserver.GetVersion200JSONResponse{
		Version: h.deps.Version, Source: "server", Timestamp: wire.At(time.Now()), Environment: h.deps.Environment,
		Uptime: time.Since(h.deps.Started).Seconds(),
	}, nil
}

func (h systemHandlers) GetPublicConfig(context.Context, apiserver.GetPublicConfigRequestObject) (apiserver.GetPublicConfigResponseObject, error) {
	return apiserver.GetPublicConfig200JSONResponse{Success: true, Data: api.PublicConfig{RequiresAuth: h.deps.RequiresAuth}}, nil
}

func (h systemHandlers) health(ctx context.Context) api.Health {
	r := h.deps.Health(ctx)
	w := api.Health{
		Status: api.HealthStatusOK, Version: h.deps.Version, Timestamp: wire.At(time.Now()), AgentCount: r.ActiveAgents,
		Uptime: time.Since(h.deps.Started).Seconds(), Dependencies: map[string]string{}, Checks: map[string]api.HealthCheck{},
	}
	check := func(name string, c Condition) {
		word, result := "healthy", api.HealthCheck{Status: api.HealthCheckStatusPass}
		if c.Word != "" {
			word, w.Status = c.Word, api.HealthStatusDEGRADED
			if result.Status = api.HealthCheckStatusFail; c.Trouble != "" {
				result.Message = &c.Trouble
			}
		}
		w.Dependencies[name], w.Checks[name] = word, result
	}
	var agents, server Condition
	if r.ActiveAgents == 0 {
		agents.Word = "no_agents"
	}
	if r.Stopping {
		server.Word = "stopping"
	}
	check("agents", agents)
	check("database", r.Database)
	check("files", r.Files)
	check("server", server)
	return w
}
