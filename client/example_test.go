package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
)

// standIn stands for an elizad server.
func standIn() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/dm-channel"):
			ok(w, channelJSON)
		case r.Method == http.MethodPost:
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, frameSent+frameChunk+"event: chunk\ndata: {\"chunk\":\"you do.\",\"index\":1}\n\n"+frameDone)
		case r.URL.Path == "/api/agents":
			ok(w, `{"agents":[{"id":"b850bc30-45f8-0041-a00a-83df46d8555d","name":"Eliza","status":"active"}]}`)
		default:
			fail(w, http.StatusNotFound, "NOT_FOUND", "Agent not found")
		}
	}))
}

func ExampleClient_Ask() {
	srv := standIn()
	defer srv.Close()
	c, err := client.New(srv.URL)
	if err != nil {
		log.Fatal(err)
	}
	agents, err := c.Agents(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range c.Ask(context.Background(), agents[0].ID, "Hello") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(event.Text)
	}
	// Output: How do you do.
}

func ExampleReply() {
	srv := standIn()
	defer srv.Close()
	c, err := client.New(srv.URL, client.WithAPIKey("secret"), client.WithEntity(uuid.MustParse("17dcb1c8-cf1f-438a-b8c7-dc93995e78be")))
	if err != nil {
		log.Fatal(err)
	}
	reply, err := client.Reply(c.Ask(context.Background(), eliza, "Hello"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Outcome, reply.Text)
	// Output: replied How do you do.
}

// A conversation as it happens. The server here is a real one, inside of the program.
func ExampleClient_Dial() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "elizad-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cfg := server.DefaultConfig()
	cfg.Storage.Dir = dir
	elizad, err := server.New(cfg, server.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	if err := elizad.Start(ctx); err != nil {
		log.Fatal(err)
	}
	defer func() { _ = elizad.Shutdown(ctx) }()
	srv := httptest.NewServer(elizad.Handler())
	defer srv.Close()

	c, err := client.New(srv.URL)
	if err != nil {
		log.Fatal(err)
	}
	agents, err := c.Agents(ctx)
	if err != nil {
		log.Fatal(err)
	}
	channel, err := c.DirectChannel(ctx, agents[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	conn, err := c.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Send(ctx, channel.ID, "Hello", client.SendOptions{}); err != nil {
		log.Fatal(err)
	}
	for notice, err := range conn.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch n := notice.(type) {
		case client.Broadcast:
			fmt.Println("message", n.Seq, "is the agent's:", n.SenderID == agents[0].ID)
		case client.Complete:
			fmt.Println(n.Status)
			return
		}
	}
	// Output:
	// message 1 is the agent's: false
	// message 2 is the agent's: true
	// replied
}

func ExampleIsNotFound() {
	srv := standIn()
	defer srv.Close()
	c, err := client.New(srv.URL)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Agent(context.Background(), uuid.New()); client.IsNotFound(err) {
		fmt.Println("no such agent")
	}
	// Output: no such agent
}
