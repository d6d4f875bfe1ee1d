package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elizad/elizad/server/socketio"
	"github.com/elizad/elizad/server/socketio/internal/sockettest"
)

// memoryBus is a bus within the process.
type memoryBus struct {
	mu          sync.Mutex
	subscribers []chan []byte
	down        bool
}

func (b *memoryBus) Publish(_ context.Context, message []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errors.New("bus is down")
	}
	for _, subscriber := range b.subscribers {
		subscriber <- slices.Clone(message)
	}
	return nil
}

func (b *memoryBus) Subscribe(_ context.Context, fn func([]byte)) (func(), error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := make(chan []byte, 1000)
	b.subscribers = append(b.subscribers, messages)
	var group sync.WaitGroup
	group.Go(func() {
		for message := range messages {
			fn(message)
		}
	})
	return func() {
		b.mu.Lock()
		b.subscribers = slices.DeleteFunc(b.subscribers, func(c chan []byte) bool { return c == messages })
		b.mu.Unlock()
		close(messages)
		group.Wait()
	}, nil
}

// nodes runs a test against servers that share a bus.
func nodes(t *testing.T, n int, test func(t *testing.T, bus *memoryBus, nodes []*bundle)) {
	nodesWith(t, n, socketio.Config{}, test)
}

func nodesWith(t *testing.T, n int, cfg socketio.Config, test func(t *testing.T, bus *memoryBus, nodes []*bundle)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := new(memoryBus)
		var all []*bundle
		for range n {
			b, stop := setup(t, cfg, sockettest.Serve)
			if err := b.io.JoinCluster(t.Context(), bus, socketio.ClusterConfig{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			all = append(all, b)
			defer stop()
			defer func() {
				if err := b.io.Shutdown(t.Context()); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			}()
		}
		for _, b := range all {
			expect(t, "nodes", b.io.Stats().Nodes, n)
		}
		test(t, bus, all)
	})
}

func TestOperationsAcrossNodes(t *testing.T) {
	nodes(t, 3, func(t *testing.T, _ *memoryBus, nodes []*bundle) {
		var clients []*client
		var sockets []*socketio.Socket
		for i, node := range nodes {
			node.onConnect = func(s *socketio.Socket) {
				s.Set("node", i)
				answer(s)
			}
			c, s := node.connect()
			clients, sockets = append(clients, c), append(sockets, s)
		}
		first := nodes[0].main

		first.Emit("to all", []byte("x"))
		for _, c := range clients {
			c.Expect(`451-["to all",{"_placeholder":true,"num":0}]`, "binary:x")
		}
		first.Local().Emit("here")
		clients[0].Expect(`42["here"]`)
		sockets[0].Broadcast().Emit("to the others")
		clients[1].Expect(`42["to the others"]`)
		clients[2].Expect(`42["to the others"]`)
		first.To(sockets[2].ID()).Emit("to one")
		clients[2].Expect(`42["to one"]`)
		for _, c := range clients {
			c.expectNothing()
		}

		if err := first.Except(sockets[0].ID()).SocketsJoin("room"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if err := first.To(sockets[1].ID()).SocketsLeave("room"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		found, err := first.To("room").FetchSockets(t.Context())
		if err != nil || len(found) != 1 {
			t.Fatalf("FetchSockets = %v, %v", found, err)
		}
		expect(t, "id", found[0].ID, sockets[2].ID())
		expect(t, "data", fmt.Sprint(found[0].Data["node"]), "2")
		expect(t, "query", found[0].Handshake.Query().Get("EIO"), "4")
		everyone, err := first.FetchSockets(t.Context())
		if err != nil || len(everyone) != 3 {
			t.Errorf("FetchSockets = %v, %v", everyone, err)
		}
		here, err := first.Local().FetchSockets(t.Context())
		if err != nil || len(here) != 1 {
			t.Errorf("FetchSockets = %v, %v", here, err)
		}

		if err := first.To("room").DisconnectSockets(true); err != nil {
			t.Error(err)
		}
		clients[2].Expect("41")
		clients[2].ExpectClose()
	})
}

func TestAcknowledgementsAcrossNodes(t *testing.T) {
	nodes(t, 2, func(t *testing.T, _ *memoryBus, nodes []*bundle) {
		one, _ := nodes[0].connect()
		two, _ := nodes[1].connect()
		three, _ := nodes[1].connect()
		nodes[1].main.Local().To("nobody").EmitAck(t.Context(), "so that the ids of the nodes differ")

		type result struct {
			replies int
			err     error
		}
		ask := func(ctx context.Context) <-chan result {
			done := make(chan result, 1)
			go func() {
				replies, err := nodes[0].main.Everyone().EmitAck(ctx, "q")
				done <- result{len(replies), err}
			}()
			return done
		}
		all := ask(t.Context())
		one.Expect(`420["q"]`)
		two.Expect(`421["q"]`)
		three.Expect(`421["q"]`)
		one.Send(`430[1]`)
		two.Send(`431[2]`)
		three.Send(`431[3]`)
		if r := <-all; r != (result{replies: 3}) {
			t.Errorf("all answered: got %+v", r)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		some := ask(ctx)
		one.Expect(`421["q"]`)
		two.Expect(`422["q"]`)
		three.Expect(`422["q"]`)
		two.Send(`432[]`)
		if r := <-some; r.replies != 1 || !errors.Is(r.err, socketio.ErrAckTimeout) {
			t.Errorf("one answered: got %+v", r)
		}

		lost := ask(t.Context())
		one.Expect(`422["q"]`)
		two.Expect(`423["q"]`)
		three.Expect(`423["q"]`)
		one.Send(`432[]`)
		two.Send(`433[]`)
		three.CloseNow()
		if r := <-lost; r.replies != 2 || !errors.Is(r.err, socketio.ErrDisconnected) {
			t.Errorf("one left: got %+v", r)
		}
	})
}

func TestServerSideEvents(t *testing.T) {
	nodes(t, 3, func(t *testing.T, _ *memoryBus, nodes []*bundle) {
		got := make(chan string, 10)
		for i, node := range nodes {
			node.main.OnServer("ping", func(_ context.Context, p socketio.Payload) any {
				var text string
				if err := p.Decode(0, &text); err != nil {
					t.Error(err)
				}
				got <- fmt.Sprint(i, text)
				return i
			})
			node.main.OnServer("panic", func(context.Context, socketio.Payload) any { panic("oops") })
		}
		if err := nodes[0].main.ServerSideEmit("ping", "hello"); err != nil {
			t.Error(err)
		}
		texts := []string{<-got, <-got}
		slices.Sort(texts)
		expect(t, "events", fmt.Sprint(texts), "[1hello 2hello]")

		answers, err := nodes[1].main.ServerSideEmitAck(t.Context(), "ping", "again")
		if err != nil {
			t.Error(err)
		}
		var numbers []string
		for _, a := range answers {
			numbers = append(numbers, string(a))
		}
		slices.Sort(numbers)
		expect(t, "answers", fmt.Sprint(numbers), "[0 2]")
		if answers, err := nodes[0].main.ServerSideEmitAck(t.Context(), "unknown"); err != nil || len(answers) != 0 {
			t.Errorf("unknown event: got %s, %v", answers, err)
		}
		if answers, err := nodes[0].main.ServerSideEmitAck(t.Context(), "panic"); err != nil || len(answers) != 0 {
			t.Errorf("handlers that panic: got %s, %v", answers, err)
		}
		if answers, err := nodes[0].io.Of("/only here").ServerSideEmitAck(t.Context(), "ping"); err != nil || len(answers) != 0 {
			t.Errorf("namespace that the others lack: got %s, %v", answers, err)
		}
	})
}

// A node that dies silently is not waited for longer than it takes to notice.
func TestDeathOfANode(t *testing.T) {
	nodes(t, 2, func(t *testing.T, bus *memoryBus, nodes []*bundle) {
		nodes[0].connect()
		deaf := new(memoryBus)
		ghost := socketio.NewServer(socketio.Config{})
		if err := ghost.JoinCluster(t.Context(), ghostBus{bus, deaf}, socketio.ClusterConfig{Heartbeat: time.Hour}); err != nil {
			t.Fatal(err)
		}
		defer ghost.Shutdown(t.Context())
		synctest.Wait()
		expect(t, "nodes", nodes[0].io.Stats().Nodes, 3)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		found, err := nodes[0].main.FetchSockets(ctx)
		if len(found) != 1 || !errors.Is(err, socketio.ErrNoAnswer) {
			t.Errorf("FetchSockets = %v, %v", found, err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		if _, err := nodes[0].main.FetchSockets(ctx); err != nil {
			t.Errorf("FetchSockets = %v", err)
		}
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("took %v", took)
		}
		expect(t, "nodes", nodes[0].io.Stats().Nodes, 2)
	})
}

// ghostBus can publish and receives nothing.
type ghostBus struct{ out, in *memoryBus }

func (b ghostBus) Publish(ctx context.Context, message []byte) error {
	return b.out.Publish(ctx, message)
}

func (b ghostBus) Subscribe(ctx context.Context, fn func([]byte)) (func(), error) {
	return b.in.Subscribe(ctx, fn)
}

func TestNodeThatLeavesIsForgotten(t *testing.T) {
	nodes(t, 3, func(t *testing.T, _ *memoryBus, nodes []*bundle) {
		if err := nodes[2].io.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		expect(t, "nodes", nodes[0].io.Stats().Nodes, 2)
	})
}

// Without the bus each node goes on by itself.
func TestBusIsDown(t *testing.T) {
	nodes(t, 2, func(t *testing.T, bus *memoryBus, nodes []*bundle) {
		one, _ := nodes[0].connect()
		two, _ := nodes[1].connect()
		bus.mu.Lock()
		bus.down = true
		bus.mu.Unlock()
		nodes[0].main.Emit("only here")
		one.Expect(`42["only here"]`)
		synctest.Wait()
		expect(t, "unpublished", nodes[0].io.Stats().Unpublished, 1)
		bus.mu.Lock()
		bus.down = false
		bus.mu.Unlock()
		nodes[0].main.Emit("everywhere")
		one.Expect(`42["everywhere"]`)
		two.Expect(`42["everywhere"]`)
	})
}
