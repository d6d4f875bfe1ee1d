package rest

import (
	"context"
	"runtime/metrics"
	"time"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/present"
	"github.com/elizad/elizad/server/internal/runtime"
)

// The server about itself.

func (h systemHandlers) Hello(context.Context, apiserver.HelloRequestObject) (apiserver.HelloResponseObject, error) {
	return apiserver.Hello200JSONResponse{Message: "Hello World!"}, nil
}

func (h systemHandlers) GetServerStatus(ctx context.Context, _ apiserver.GetServerStatusRequestObject) (apiserver.GetServerStatusResponseObject, error) {
	agents, err := h.deps.Agents.Count(ctx, auth.FromContext(ctx))
	if err != nil {
		return nil, err
	}
	n := api.AgentNumbers{Total: agents.Total, Active: agents.Running, Inactive: agents.Total - agents.Running}
	return apiserver.GetServerStatus200JSONResponse{
		Status: "ok", AgentCount: n.Active, Timestamp: wire.At(time.Now()), Agents: n, Memory: memoryUse(),
		Uptime: time.Since(h.deps.Started).Seconds(), Version: h.deps.Version,
	}, nil
}

func (h systemHandlers) GetDebugInfo(ctx context.Context, _ apiserver.GetDebugInfoRequestObject) (apiserver.GetDebugInfoResponseObject, error) {
	who := auth.FromContext(ctx)
	found, err := h.deps.Messaging.ListServers(ctx, who)
	if err != nil {
		return nil, err
	}
	agents, err := h.deps.Agents.List(ctx, who)
	if err != nil {
		return nil, err
	}
	servers := present.Each(found, present.MessageServer)
	return apiserver.GetDebugInfo200JSONResponse{Success: true, Servers: servers, Count: len(servers), Data: api.DebugInfo{
		Servers: servers, Count: len(servers),
		Runtime: api.DebugRuntime{Connections: h.deps.Sockets(), Memory: memoryUse(), Agents: present.Each(agents, func(a runtime.Summary) api.AgentStatus {
			return api.AgentStatus{ID: a.ID, Name: a.Name, Status: agentState(a.Running)}
		})},
		Environment: map[string]string{"version": h.deps.Version, "environment": h.deps.Environment},
	}}, nil
}

// memoryUse reads the process's memory without stopping it.
func memoryUse() api.MemoryUse {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}}
	metrics.Read(samples)
	used, total := samples[0].Value.Uint64(), samples[1].Value.Uint64()
	return api.MemoryUse{Used: int64(used), Total: int64(total), Percentage: 100 * float64(used) / float64(max(total, 1))}
}

func (h systemHandlers) StopServer(ctx context.Context, _ apiserver.StopServerRequestObject) (apiserver.StopServerResponseObject, error) {
	if err := h.deps.CheckOwner(ctx); err != nil {
		return nil, err
	}
	h.deps.Stop()
	return apiserver.StopServer200JSONResponse(done("Server stopping...")), nil
}
