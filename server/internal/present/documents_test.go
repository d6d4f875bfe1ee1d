package present

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/messaging"
)

// An agent's answer, the result of a job and what an agent remembers show a file to those who may have it.
func TestFilesInAnswers(t *testing.T) {
	t.Parallel()
	d, channel := New(fileurl.New([][]byte{[]byte("a key")}, uuid.New(), time.Now)), uuid.New()
	file := fileurl.Path(fileurl.ChannelUploads, channel.String(), "a.png")
	attached := json.RawMessage(`{"attachments":[{"url":"` + file + `"}]}`)
	answer, err := d.AgentResponse(messaging.Turn{}, messaging.TurnResult{Reply: &messaging.Message{ChannelID: channel, RawMessage: attached}})
	if err != nil {
		t.Fatal(err)
	}
	for name, shown := range map[string]any{
		"an answer": answer, "a job": d.Job(job.Job{ChannelID: channel, Result: &job.Result{Metadata: attached}}),
	} {
		if text := string(jsontext.Encode(shown)); strings.Count(text, d.File(file)+`"`) != 1 {
			t.Errorf("%s: %s", name, text)
		}
	}
	made := fileurl.Path(fileurl.Generated, uuid.NewString(), "a.png")
	text := string(jsontext.Encode(d.Memory(memory.Memory{Content: json.RawMessage(`{"a":"` + made + `","b":"` + file + `"}`)})))
	if !strings.Contains(text, d.File(made)+`"`) || !strings.Contains(text, file+`"`) {
		t.Errorf("a memory: %s", text)
	}
}
