package logstream_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/server/internal/logstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fill(s *logstream.Stream, n int) {
	for i := range n {
		s.Append(logstream.Entry{Message: fmt.Sprint(i + 1)})
	}
}

func messages(entries []logstream.Entry) string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Message)
	}
	return strings.Join(out, " ")
}

func TestLast(t *testing.T) {
	t.Parallel()
	even := func(e *logstream.Entry) bool { return e.Seq%2 == 0 }
	tests := []struct {
		name      string
		fill, ask int
		keep      func(*logstream.Entry) bool
		want      string
	}{
		{"empty", 0, 3, nil, ""},
		{"fewer than asked", 2, 3, nil, "1 2"},
		{"newest of more", 4, 3, nil, "2 3 4"},
		{"just full", 5, 9, nil, "1 2 3 4 5"},
		{"wrapped", 7, 9, nil, "3 4 5 6 7"},
		{"wrapped twice", 13, 2, nil, "12 13"},
		{"filter before limit", 7, 2, even, "4 6"},
		{"none asked", 3, 0, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := logstream.NewStream(5)
			fill(s, tt.fill)
			if got := messages(s.Last(tt.ask, tt.keep)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestClear(t *testing.T) {
	t.Parallel()
	s := logstream.NewStream(3)
	fill(s, 5)
	if n := s.Clear(); n != 3 || s.Len() != 0 {
		t.Errorf("Clear() = %d, %d left", n, s.Len())
	}
	fill(s, 2)
	if got := s.Last(9, nil); messages(got) != "1 2" || got[0].Seq != 6 {
		t.Errorf("after Clear: %+v", got)
	}
}

func TestEntriesAreBounded(t *testing.T) {
	t.Parallel()
	s := logstream.NewStream(1)
	attrs := make([]logstream.Attr, 500)
	for i := range attrs {
		attrs[i] = logstream.Attr{Key: "k", Value: strings.Repeat("é", 1<<16)}
	}
	e := s.Append(logstream.Entry{Message: strings.Repeat("x€", 1<<16), Attrs: attrs})
	size := len(e.Message)
	for _, a := range e.Attrs {
		size += len(fmt.Sprint(a.Value))
	}
	if size > 200<<10 || !strings.HasSuffix(e.Message, "…") || !utf8.ValidString(e.Text()) {
		t.Errorf("an entry of %d bytes is kept, valid text: %v", size, utf8.ValidString(e.Text()))
	}
}

func TestAppendReplacesSecrets(t *testing.T) {
	t.Parallel()
	s := logstream.NewStream(1)
	e := s.Append(logstream.Entry{Message: "from a client", Attrs: []logstream.Attr{{Key: "password", Value: "hunter2"}, {Key: "agentId", Value: "a"}}})
	if strings.Contains(e.Text(), "hunter2") || e.AgentID != "a" {
		t.Errorf("entry %+v", e)
	}
}

func TestSubscription(t *testing.T) {
	t.Parallel()
	s := logstream.NewStream(2)
	fill(s, 1)
	sub := s.Subscribe(3)
	defer sub.Close()

	fill(s, 2)
	<-sub.Ready()
	entries, dropped := sub.Take()
	if messages(entries) != "1 2" || dropped != 0 {
		t.Errorf("got %q, %d dropped", messages(entries), dropped)
	}

	fill(s, 8)
	<-sub.Ready()
	entries, dropped = sub.Take()
	if messages(entries) != "6 7 8" || dropped != 5 {
		t.Errorf("a slow subscriber got %q, %d dropped", messages(entries), dropped)
	}
	select {
	case <-sub.Ready():
		t.Error("ready without entries")
	default:
	}

	sub.Close()
	fill(s, 1)
	if entries, _ := sub.Take(); len(entries) != 0 {
		t.Error("entries after Close")
	}
}

// TestLossIsReported logs from many goroutines while one reads. What arrives and what is reported as dropped must add up.
func TestLossIsReported(t *testing.T) {
	t.Parallel()
	const writers, each = 4, 500
	s := logstream.NewStream(100)
	log := slog.New(s.Handler(slog.LevelInfo))
	sub := s.Subscribe(50)
	defer sub.Close()

	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range each {
				log.Info("tick", "i", i)
			}
		})
	}
	var seqs []uint64
	var lost uint64
	for uint64(len(seqs))+lost < writers*each {
		<-sub.Ready()
		entries, dropped := sub.Take()
		lost += dropped
		for _, e := range entries {
			seqs = append(seqs, e.Seq)
		}
	}
	wg.Wait()
	for i := 1; i < len(seqs); i++ {
		if seqs[i] <= seqs[i-1] {
			t.Fatalf("out of order: %d after %d", seqs[i], seqs[i-1])
		}
	}
	if diff := cmp.Diff(uint64(writers*each), s.Append(logstream.Entry{}).Seq-1); diff != "" {
		t.Errorf("entries counted (-want +got):\n%s", diff)
	}
}

func BenchmarkHandler(b *testing.B) {
	s := logstream.NewStream(1000)
	log := slog.New(s.Handler(slog.LevelInfo))
	b.ReportAllocs()
	for b.Loop() {
		log.Info("request", "method", "GET", "path", "/api/agents", "status", 200, "took", 1)
	}
}
