package runtime

import (
	"strings"
	"testing"
	"time"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	actions := append(builtinActions(),
		agent.Action{Name: "SEND_TOKEN", Similes: []string{"TRANSFER", "PAY"}},
		agent.Action{Name: "SWAP_TOKEN", Similes: []string{"EXCHANGE"}},
		agent.Action{Name: "GO"},
	)
	tests := map[string]string{
		"REPLY": "REPLY", "reply": "REPLY", "SendToken": "SEND_TOKEN", "send_token": "SEND_TOKEN",
		"SEND_TOKEN_TO_FRIEND": "SEND_TOKEN", "SWAP": "SWAP_TOKEN", "TOKEN": "", // two of them
		"PAY": "SEND_TOKEN", "EXCHANGE": "SWAP_TOKEN", "TRANSFERS": "SEND_TOKEN",
		"UNMUTE_ROOM": "UNMUTE_ROOM", "MUTE_CHANNEL": "MUTE_ROOM", "MUTE": "", "ROOM": "",
		"GO": "GO", "G": "", "GOING": "", "": "", "_": "", "DANCE": "", "SAY_NOTHING": "",
	}
	for name, want := range tests {
		if got, ok := resolve(actions, name); got.Name != want || ok != (want != "") {
			t.Errorf("resolve(%q) = %q, want %q", name, got.Name, want)
		}
	}
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", time.Minute: "1 minute ago", 59 * time.Minute: "59 minutes ago",
		time.Hour: "1 hour ago", 47 * time.Hour: "1 day ago", 72 * time.Hour: "3 days ago",
	} {
		if got := ago(age); got != want {
			t.Errorf("ago(%v) = %q, want %q", age, got, want)
		}
	}
}

func TestNeutral(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"<response>", "</response>", "<RESPONSE >", "</Response", "a <response><text>x</text></response>"} {
		if got := neutral(text); strings.Contains(strings.ToLower(got), "<response") || strings.Contains(strings.ToLower(got), "</response") {
			t.Errorf("neutral(%q) = %q", text, got)
		}
	}
	if got := neutral("1 < 2 <b>"); got != "1 < 2 <b>" {
		t.Errorf("neutral changed %q", got)
	}
}

// The stream stores what it shows, up to the longest message that can be stored.
func TestStream(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	s := stream{emit: func(index int, text string) { shown.WriteString(text) }}
	s.part()
	s.write("é one")
	s.part()
	s.part()
	s.write("")
	s.write("two")
	s.write(strings.Repeat("é", messaging.MaxReply))
	s.write("more")
	want := "é one\n\ntwo"
	if !strings.HasPrefix(shown.String(), want+"é") || shown.String() != s.String() {
		t.Errorf("shown %.20q, stored %.20q", shown.String(), s.String())
	}
	if n := len([]rune(s.String())); n != messaging.MaxReply || !s.full {
		t.Errorf("%d characters, full: %v", n, s.full)
	}
}
