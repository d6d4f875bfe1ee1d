package sqlitestore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// childDir names the variable that makes the test binary the process that is killed: it posts into the data directory.
const childDir = "SQLITESTORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, postForever(dir))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// postForever posts into the channels of the store in dir and prints the id of every message that is acknowledged.
func postForever(dir string) error {
	ctx := context.Background()
	s, err := sqlitestore.Open(ctx, sqlitestore.Config{Dir: dir})
	if err != nil {
		return err
	}
	var channels []db.Channel
	err = s.SystemView(ctx, func(q db.System) error {
		servers, err := q.ListMessageServers(ctx)
		if err != nil {
			return err
		}
		channels, err = q.ListServerChannels(ctx, db.ListServerChannelsParams{MessageServerID: servers[0].ID, LimitRows: 100})
		return err
	})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for _, channel := range channels {
		go func() {
			for {
				message, err := post(ctx, s, channel.ID)
				if err != nil {
					failed <- err
					return
				}
				fmt.Println(message.ID) // one write, so that lines don't mix
			}
		}()
	}
	return <-failed
}

// TestKilledProcessLosesNothing kills a process hard while it posts, several times on the same data, and finds everything that
// was acknowledged, undamaged and in order. Power loss is not tested: TestDurablePragmas checks the settings that protect from
// it.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	all := rooms(t, s, 8)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	acknowledged := map[uuid.UUID]bool{}
	for range 3 {
		for _, id := range killWhilePosting(t, dir, 100+rand.IntN(900)) {
			acknowledged[id] = true
		}
	}

	s = open(t, dir)
	err := s.SystemView(t.Context(), func(q db.System) error {
		for _, room := range all {
			messages, err := q.ListMessagesFromSeq(t.Context(), db.ListMessagesFromSeqParams{ChannelID: room.channel, LimitRows: 1 << 20})
			if err != nil {
				return err
			}
			for i, message := range messages {
				if message.Seq != int64(i+1) {
					t.Fatalf("message %d has number %d", i+1, message.Seq)
				}
				if _, err := q.GetMessageTurn(t.Context(), db.GetMessageTurnParams{MessageID: message.ID, AgentID: room.agent}); err != nil {
					t.Errorf("a message without its turn: %v", err)
				}
				delete(acknowledged, message.ID)
			}
			channel, err := q.GetChannel(t.Context(), room.channel)
			if err != nil {
				return err
			}
			if channel.LastSeq != int64(len(messages)) {
				t.Errorf("last number %d of %d messages", channel.LastSeq, len(messages))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("View: %v", err)
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d acknowledged messages are gone", len(acknowledged))
	}
}

// killWhilePosting runs a posting process, kills it after a number of acknowledgements and returns all that it printed.
func killWhilePosting(t *testing.T, dir string, after int) []uuid.UUID {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	var complaint strings.Builder
	child.Stderr = &complaint
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatalf("starting the process: %v", err)
	}
	var ids []uuid.UUID
	var kill sync.Once
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a truncated line acknowledges nothing
		}
		if err != nil {
			t.Fatalf("reading from the process: %v", err)
		}
		id, err := uuid.Parse(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("the process printed %q", line)
		}
		ids = append(ids, id)
		if len(ids) >= after {
			kill.Do(func() { err = child.Process.Kill() })
			if err != nil {
				t.Fatalf("killing the process: %v", err)
			}
		}
	}
	if err := child.Wait(); len(ids) < after {
		t.Fatalf("the process ended by itself: %v: %s", err, complaint.String())
	}
	return ids
}
