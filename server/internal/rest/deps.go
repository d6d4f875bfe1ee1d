package rest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/pluginhttp"
	"github.com/elizad/elizad/server/internal/runtime"
)

// Agents is what the handlers need of [runtime.Agents], which tests replace.
type Agents interface {
	List(ctx context.Context, who auth.Identity) ([]runtime.Summary, error)
	Count(ctx context.Context, who auth.Identity) (runtime.Numbers, error)
	Get(ctx context.Context, who auth.Identity, id uuid.UUID) (runtime.Agent, error)
	Create(ctx context.Context, who auth.Identity, c agent.Character) (a runtime.Agent, created bool, err error)
	UpdateIf(ctx context.Context, who auth.Identity, id uuid.UUID, patch map[string]json.RawMessage, check func(runtime.Agent) error) (runtime.Agent, error)
	Delete(ctx context.Context, who auth.Identity, id uuid.UUID) error
	Start(ctx context.Context, who auth.Identity, id uuid.UUID) (runtime.Agent, error)
	Stop(ctx context.Context, who auth.Identity, id uuid.UUID) (runtime.Agent, error)
	Secrets(ctx context.Context, who auth.Identity, id uuid.UUID) ([]runtime.Secret, error)
	Usage(ctx context.Context, who auth.Identity, id uuid.UUID, from, to *time.Time) (runtime.AgentUsage, error)
	Panels(ctx context.Context, who auth.Identity, id uuid.UUID) ([]pluginhttp.Panel, error)
	Voice(ctx context.Context, who auth.Identity, agentID uuid.UUID) (runtime.Voice, error)
}

// HealthFunc examines the server. It returns soon, even when a part of the server doesn't answer.
type HealthFunc func(ctx context.Context) HealthReport

// HealthReport is what a health check found.
type HealthReport struct {
	ActiveAgents int
	Database     Condition
	Files        Condition // of the folders of uploads
	Stopping     bool      // the server takes no new work
}

// Condition is how a part of the server is: in a word, and in a sentence if more is known. The zero value is healthy.
type Condition struct{ Word, Problem string }
