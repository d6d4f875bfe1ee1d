package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/cli"
)

// dice is a plugin with one action.
func dice() agent.Plugin {
	roll := agent.Action{
		Name: "ROLL_DICE", Description: "Rolls a die.",
		Handle: func(context.Context, *agent.Run) (agent.Result, error) {
			return agent.Result{Say: fmt.Sprintf("You rolled a %d.", 1+rand.IntN(6))}, nil
		},
	}
	return agent.Plugin{Name: "dice", Provision: func(context.Context, agent.Setup) (agent.Components, error) {
		return agent.Components{Actions: []agent.Action{roll}}, nil
	}}
}

// A program like elizad, with one plugin more and an agent that has it.
func ExampleMain() {
	cli.Main(
		server.WithPlugins(dice()),
		server.WithAgents(agent.Character{Name: "Croupier", Bio: agent.BioText("Rolls dice."), Plugins: []string{"dice"}}),
	)
}

// asProgram is set for the process that is the program of the example.
const asProgram = "ELIZAD_TEST_EXAMPLE"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		ExampleMain()
	}
	os.Exit(m.Run())
}

// TestExampleProgram runs the program of the example, with flags of elizad, and has its agent roll the dice.
func TestExampleProgram(t *testing.T) {
	t.Parallel()
	program := exec.CommandContext(t.Context(), os.Args[0], "serve", "--port=0", "--host=127.0.0.1", "--data-dir", t.TempDir())
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Dir = t.TempDir()
	log, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(addressIn(t, log))
	if err != nil {
		t.Fatal(err)
	}
	agents, err := c.Agents(t.Context())
	if err != nil || len(agents) != 1 || agents[0].Name != "Croupier" {
		t.Fatalf("agents %+v, %v", agents, err)
	}
	channel, err := c.DirectChannel(t.Context(), agents[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	text := "Roll the dice."
	answer, err := client.Reply(c.Stream(t.Context(), channel.ID, client.NewMessage{
		Content: &text, Metadata: []byte(`{"requestedAction":{"name":"ROLL_DICE"}}`),
	}))
	if err != nil || !regexp.MustCompile(`^You rolled a [1-6]\.$`).MatchString(answer.Text) {
		t.Errorf("answer %+v, %v", answer, err)
	}
	if err := program.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Errorf("its end: %v", err)
	}
}

// addressIn returns the address of a server, from its log, which is read to the end.
func addressIn(t *testing.T, log io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(log)
	for address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`); lines.Scan(); {
		if found := address.FindString(lines.Text()); found != "" {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return found
		}
	}
	t.Fatalf("it does not start: %v", lines.Err())
	panic("unreachable")
}
