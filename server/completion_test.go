package server_test

import (
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/modeltest"
)

// TestEveryMessageIsCompletedOnce listens as the web client does, which locks its input until messageComplete: the event comes
// once for each message, whatever became of it, and after what the agent says.
func TestEveryMessageIsCompletedOnce(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script modeltest.Script
		status string
	}{
		"answered": {modeltest.Frame("It is raining."), "replied"},
		"ignored":  {modeltest.Say("<response><thought>t</thought><actions>IGNORE</actions><providers></providers><text></text></response>"), "ignored"},
		"failed":   {modeltest.Fail(401, "Incorrect API key provided"), "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := modeltest.New(t, func(modeltest.Request) modeltest.Script { return tt.script })
			n := start(t, t.TempDir(), "OPENAI_BASE_URL="+m.URL, "OPENAI_API_KEY=key")
			channel, user := n.dm()
			conn := n.listen(channel, user)
			var asked []string
			for range 2 {
				asked = append(asked, n.say(channel, user, "Hello").ID.String())
			}
			var completed []string
			replies := 0
			for len(completed) < len(asked) {
				e := readEvent(t, conn)
				switch e.name {
				case "messageBroadcast":
					if e.SenderID != user.String() {
						replies++
					}
				case "messageComplete":
					completed = append(completed, e.MessageID)
					if e.Status != tt.status || tt.status == "replied" && replies != len(completed) {
						t.Errorf("end %d after %d replies: %+v", len(completed), replies, e)
					}
				}
			}
			if strings.Join(completed, " ") != strings.Join(asked, " ") {
				t.Errorf("asked %v, completed %v", asked, completed)
			}
		})
	}
}
