package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
)

// server stands for an elizad server.
func server() *httptest.Server {
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
	srv := server()
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
	srv := server()
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

func ExampleIsNotFound() {
	srv := server()
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
