package mcp_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/mcp"
)

// asServer is the variable by which the test program is a server itself.
const asServer = "ELIZAD_TEST_MCP_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "program", Version: "1"}, nil)
	sdk.AddTool(s, &sdk.Tool{Name: "environment"}, func(_ context.Context, _ *sdk.CallToolRequest, in struct {
		Name string `json:"name"`
	}) (*sdk.CallToolResult, any, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: os.Getenv(in.Name)}}}, nil, nil
	})
	sdk.AddTool(s, &sdk.Tool{Name: "die"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		os.Exit(3)
		return nil, nil, nil
	})
	_ = s.Run(context.Background(), &sdk.StdioTransport{}) // until its input ends
}

// A program that the operator names is started when it is needed, with the variables that it is given and no others of the
// server, and again when it has died.
func TestProgramsOfTheOperator(t *testing.T) {
	t.Setenv("ELIZAD_TEST_SECRET", "of the server")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]any{"servers": map[string]any{
		"program": map[string]any{"command": self, "env": map[string]string{asServer: "1", "GIVEN": "to the program"}},
		"missing": map[string]any{"type": "stdio", "command": "/nowhere/at/all"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	servers, err := mcp.ReadServers(file)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := egress.New()
	if err != nil {
		t.Fatal(err)
	}
	s := mcp.New(mcp.Options{Guard: guard, Servers: servers, Logger: slog.New(slog.DiscardHandler), Version: "test", Now: time.Now})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	}()
	tools := s.Of(mcp.Agent{ID: uuid.New(), Name: "Ada"})
	use := func(name, parameters string) (agent.Result, error) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
			for _, a := range tools.Actions(t.Context()) { // which waits itself
				if a.Name == name {
					return a.Handle(t.Context(), &agent.Run{Parameters: json.RawMessage(parameters)})
				}
			}
		}
		t.Fatalf("there is no %s: %+v", name, tools.Health())
		return agent.Result{}, nil
	}
	for name, want := range map[string]string{"GIVEN": "to the program", "ELIZAD_TEST_SECRET": "", "PATH": os.Getenv("PATH")} {
		if got, err := use("PROGRAM_ENVIRONMENT", `{"name":"`+name+`"}`); err != nil || got.Text != want {
			t.Errorf("%s = %q, %v", name, got.Text, err)
		}
	}
	if _, err := use("PROGRAM_DIE", `{}`); err == nil {
		t.Error("a program that died has answered")
	}
	if got, err := use("PROGRAM_ENVIRONMENT", `{"name":"GIVEN"}`); err != nil || got.Text != "to the program" {
		t.Errorf("after its death: %q, %v", got.Text, err)
	}
	for _, h := range tools.Health() {
		if h.Available != (h.Server == "program") {
			t.Errorf("health %+v", h)
		}
	}
}
