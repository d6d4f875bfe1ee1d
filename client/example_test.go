package client_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/client"
	"github.com/elizad/elizad/server"
)

// exampleServer runs a server on the loopback interface until stop is called.
func exampleServer() (url string, stop func()) {
	dir, err := os.MkdirTemp("", "elizad-example-")
	if err != nil {
		log.Fatal(err)
	}
	cfg := server.DefaultConfig()
	cfg.Storage.Dir = dir
	elizad, err := server.New(cfg, server.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	if err := elizad.Start(context.Background()); err != nil {
		log.Fatal(err)
	}
	web := httptest.NewServer(elizad.Handler())
	return web.URL, func() {
		_ = elizad.Shutdown(context.Background())
		web.Close()
		_ = os.RemoveAll(dir)
	}
}

// A question to an agent, whose answer is shown while it is written.
func ExampleClient_Ask() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	agents, err := c.Agents(ctx)
	if err != nil {
		log.Fatal(err)
	}
	var answer strings.Builder
	for event, err := range c.Ask(ctx, agents[0].ID, "Hello") {
		if err != nil {
			log.Fatal(err)
		}
		answer.WriteString(event.Text)
		if event.Done != nil {
			fmt.Println(event.Done.Outcome, answer.String() == event.Done.Text)
		}
	}
	// Output: replied true
}

// The same for a program that wants the complete answer and always has the same identity.
func ExampleReply() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	ada := uuid.MustParse("17dcb1c8-cf1f-438a-b8c7-dc93995e78be")
	c, err := client.New(url, client.WithEntity(ada), client.WithRetries(5))
	if err != nil {
		log.Fatal(err)
	}
	agents, err := c.Agents(ctx)
	if err != nil {
		log.Fatal(err)
	}
	reply, err := client.Reply(c.Ask(ctx, agents[0].ID, "Hello"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Outcome, reply.Text != "")
	// Output: replied true
}

// A live conversation.
func ExampleClient_Dial() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
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
	defer conn.Close()
	if _, err := conn.Send(ctx, channel.ID, "Hello", client.SendOptions{}); err != nil {
		log.Fatal(err)
	}
	for event, err := range conn.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		switch n := event.(type) {
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

// A program that keeps the number of the last message it has seen misses none, however long it was away.
func ExampleConn_Join() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	channel, err := c.CreateChannel(ctx, client.NewChannel{Name: "Notes", ParticipantCentralUserIds: []uuid.UUID{c.Entity()}})
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"one", "two", "three"} {
		if _, err := c.Post(ctx, channel.ID, text); err != nil {
			log.Fatal(err)
		}
	}
	conn, err := c.Dial(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	const seen = 1
	newest, err := conn.Join(ctx, channel.ID, seen)
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range conn.Events(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if m, ok := event.(client.Broadcast); ok {
			fmt.Println(m.Seq, m.Text)
			if m.Seq == newest {
				return
			}
		}
	}
	// Output:
	// 2 two
	// 3 three
}

// All messages of a channel, newest first; the pages are read as they are needed.
func ExampleClient_History() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	channel, err := c.CreateChannel(ctx, client.NewChannel{Name: "Notes", ParticipantCentralUserIds: []uuid.UUID{c.Entity()}})
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"one", "two", "three"} {
		if _, err := c.Post(ctx, channel.ID, text); err != nil {
			log.Fatal(err)
		}
	}
	for m, err := range c.History(ctx, channel.ID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Seq, m.Content)
		if m.Content == "two" {
			break
		}
	}
	// Output:
	// 3 three
	// 2 two
}

// Messages by their text, in any channel.
func ExampleClient_SearchAll() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	channel, err := c.CreateChannel(ctx, client.NewChannel{Name: "Kitchen", ParticipantCentralUserIds: []uuid.UUID{c.Entity()}})
	if err != nil {
		log.Fatal(err)
	}
	for _, text := range []string{"Green tea", "Coffee", "Black tea"} {
		if _, err := c.Post(ctx, channel.ID, text); err != nil {
			log.Fatal(err)
		}
	}
	for m, err := range c.SearchAll(ctx, client.Search{Text: "tea"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Content)
	}
	// Output:
	// Black tea
	// Green tea
}

// A file is stored first; then a message refers to its address.
func ExampleClient_UploadToChannel() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	channel, err := c.CreateChannel(ctx, client.NewChannel{Name: "Notes", ParticipantCentralUserIds: []uuid.UUID{c.Entity()}})
	if err != nil {
		log.Fatal(err)
	}
	stored, err := c.UploadToChannel(ctx, channel.ID, client.File{Name: "list.txt", Content: strings.NewReader("Milk, eggs")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stored.OriginalName, stored.MimeType, stored.Size)

	file, err := c.Open(ctx, stored.URL, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	fmt.Println(string(content), err)
	// Output:
	// list.txt text/plain 10
	// Milk, eggs <nil>
}

// A question whose answer may take long.
func ExampleClient_AwaitJob() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	created, err := c.CreateJob(ctx, client.NewJob{Content: "What is the capital of France?"})
	if err != nil {
		log.Fatal(err)
	}
	job, err := c.AwaitJob(ctx, created.JobID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, job.Result != nil)
	// Output: completed true
}

// A conversation that ends after a silence.
func ExampleClient_StreamSession() {
	url, stop := exampleServer()
	defer stop()
	ctx := context.Background()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	agents, err := c.Agents(ctx)
	if err != nil {
		log.Fatal(err)
	}
	session, err := c.CreateSession(ctx, client.NewSession{AgentID: agents[0].ID})
	if err != nil {
		log.Fatal(err)
	}
	reply, err := client.Reply(c.StreamSession(ctx, session.SessionID, client.NewSessionMessage{Content: "Hello"}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Outcome)
	// Output: replied
}

// Failures have a class, by which a program can act.
func ExampleIsNotFound() {
	url, stop := exampleServer()
	defer stop()

	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := c.Agent(context.Background(), uuid.New()); client.IsNotFound(err) {
		fmt.Println("no such agent")
	}
	// Output: no such agent
}
