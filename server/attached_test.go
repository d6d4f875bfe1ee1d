package server_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/modeltest"
	"github.com/elizad/elizad/server/settings"
)

// askAbout posts a message with attachments and waits for the answer to it.
func (n *node) askAbout(channel, user uuid.UUID, text string, attachments ...any) answer {
	n.t.Helper()
	return n.post(channel, api.PostMessageRequest{
		AuthorID: &user, Content: &text, MessageServerID: new(uuid.Nil), Transport: new(api.TransportHTTP), Attachments: jsonOf(attachments),
	})
}

// attach uploads a file to a channel and returns it as clients attach it.
func (n *node) attach(channel uuid.UUID, name, contentType, content string) map[string]any {
	n.t.Helper()
	u := data[api.Upload](n.uploadToChannel(channel, formPart{"file", name, contentType, content}).want(200))
	return map[string]any{"id": u.Filename, "url": u.URL, "title": u.OriginalName, "contentType": u.MimeType}
}

func docxOf(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range []string{"[Content_Types].xml", "_rels/.rels", "word/document.xml"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>%s</w:t></w:r></w:p></w:body></w:document>`, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const smallPDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R>>endobj\n" +
	"4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n5 0 obj<</Length 47>>stream\nBT /F1 12 Tf 72 720 Td (The code is ZEBRA) Tj ET\nendstream endobj\n"

// pdfWithTable returns a document with its table of objects.
func pdfWithTable() string {
	var table strings.Builder
	for i := 1; i <= 5; i++ {
		fmt.Fprintf(&table, "%010d 00000 n \n", strings.Index(smallPDF, fmt.Sprintf("%d 0 obj", i)))
	}
	return smallPDF + fmt.Sprintf("xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", table.String(), len(smallPDF))
}

func TestAttachedDocumentsReachTheModel(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	channel, user := n.dm()
	for _, tt := range []struct{ name, contentType, content, want string }{
		{"note.txt", "text/plain", "The code is OKAPI", "The code is OKAPI"},
		{"sales.csv", "text/csv", "month,sales\nMay,7", "May,7"},
		{"plan.docx", "application/octet-stream", docxOf(t, "The code is TAPIR"), "The code is TAPIR"},
		{"report.pdf", "application/pdf", pdfWithTable(), "The code is ZEBRA"},
	} {
		n.askAbout(channel, user, "What is the code in "+tt.name+"?", n.attach(channel, tt.name, tt.contentType, tt.content)).want(201)
		if got := lastPrompt(t, model); !strings.Contains(got, tt.want) || !strings.Contains(got, tt.name) {
			t.Errorf("%s did not reach the model:\n%s", tt.name, got)
		}
	}
	// What comes next can be about it, too: the documents are there as long as they are new.
	n.ask(channel, user, "And the one before?").want(201)
	if got := lastPrompt(t, model); strings.Contains(got, "The code is TAPIR") {
		t.Errorf("a model that did not ask for the attachments of earlier messages got them:\n%s", got)
	}
}

// A model that asks for the attachments of earlier messages gets their texts.
func TestEarlierAttachmentsAreThereWhenAskedFor(t *testing.T) {
	t.Parallel()
	asked := false
	model := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
		if strings.Contains(r.Prompt(), "Look it up") && !asked {
			asked = true
			return modeltest.Say("<response><thought>I need it.</thought><actions>REPLY</actions><providers>ATTACHMENTS</providers><text></text></response>")
		}
		return modeltest.Frame("Certainly.")
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key")
	channel, user := n.dm()
	n.askAbout(channel, user, "Here is my note.", n.attach(channel, "note.txt", "text/plain", "The code is OKAPI")).want(201)
	n.ask(channel, user, "Look it up").want(201)
	if got := lastPrompt(t, model); !strings.Contains(got, "The code is OKAPI") {
		t.Errorf("the model asked in vain:\n%s", got)
	}
}

// Whatever is wrong with an attachment is told to the model, and the message is answered.
func TestAttachmentsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	channel, user := n.dm()
	gone := n.attach(channel, "gone.txt", "text/plain", "text")
	gone["url"] = strings.Replace(gone["url"].(string), ".txt", "0.txt", 1)
	for name, tt := range map[string]struct {
		attachment any
		want       string
	}{
		"a damaged PDF":   {n.attach(channel, "half.pdf", "application/pdf", pdfWithTable()[:400]), "its content is not known: it is damaged"},
		"a removed file":  {gone, "it is not there any more"},
		"a private place": {"http://10.0.0.1/secrets.txt", "at an address that this server does not call"},
		"no address":      {"file:///etc/passwd", "at an address that this server does not call"},
	} {
		n.askAbout(channel, user, "What does it say?", tt.attachment).want(201)
		if got := lastPrompt(t, model); !strings.Contains(got, tt.want) {
			t.Errorf("%s: the model does not know why:\n%s", name, got)
		}
	}
}

// What is attached by its address elsewhere is fetched, through redirects, and read once.
func TestAttachedPagesReachTheModel(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/old":
			http.Redirect(w, r, "/new", http.StatusFound)
		case "/new":
			calls.Add(1)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<title>Prices</title><script>hidden()</script><p>The price is 7 <b>marks</b>.")
		case "/secret":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer elsewhere.Close()
	n, model := prompts(t)
	channel, user := n.dm()
	for range 2 {
		n.askAbout(channel, user, "What is the price?", map[string]any{"id": "1", "url": elsewhere.URL + "/old", "contentType": "link"}).want(201)
		if got := lastPrompt(t, model); !strings.Contains(got, "The price is 7 **marks**") || strings.Contains(got, "hidden()") {
			t.Errorf("the page did not reach the model:\n%s", got)
		}
	}
	if calls.Load() != 1 {
		t.Errorf("it was fetched %d times", calls.Load())
	}
	for path, want := range map[string]string{"/secret": "at an address that this server does not call", "/none": "its server answers 404"} {
		n.askAbout(channel, user, "What is there?", elsewhere.URL+path).want(201)
		if got := lastPrompt(t, model); !strings.Contains(got, want) {
			t.Errorf("%s: the model does not know why:\n%s", path, got)
		}
	}
}

// A sound is heard by the agent's model for speech, once.
func TestAttachedSoundsAreHeard(t *testing.T) {
	t.Parallel()
	var heard atomic.Int32
	model := modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Certainly.") })
	model.Hear(func(modeltest.Heard) modeltest.Script {
		heard.Add(1)
		return modeltest.Say("Buy some bread")
	})
	n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key", "OPENAI_TRANSCRIPTION_MODEL=ears")
	channel, user := n.dm()
	memo := n.attach(channel, "memo.wav", "audio/wav", wavBytes)
	for range 2 {
		n.askAbout(channel, user, "What do I say?", memo).want(201)
		if got := lastPrompt(t, model); !strings.Contains(got, "Buy some bread") {
			t.Errorf("it was not heard:\n%s", got)
		}
	}
	if heard.Load() != 1 {
		t.Errorf("it was heard %d times", heard.Load())
	}
}

// A model that sees is shown pictures, of an earlier message too; one that doesn't is told that there are some.
func TestAttachedPicturesAreShown(t *testing.T) {
	t.Parallel()
	for _, sees := range []bool{true, false} {
		model := modeltest.New(t, func(r modeltest.Request) modeltest.Script {
			if len(r.Pictures()) > 0 && !sees {
				return modeltest.Fail(400, "This model does not support image input")
			}
			return modeltest.Frame("Certainly.")
		})
		n := start(t, t.TempDir(), "OPENAI_BASE_URL="+model.URL, "OPENAI_API_KEY=key")
		channel, user := n.dm()
		n.askAbout(channel, user, "What is this?", n.attach(channel, "dot.png", "image/png", pngBytes)).want(201)
		n.ask(channel, user, "And which colour has it?").want(201)
		for _, r := range model.Requests() {
			want := []string{"data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(pngBytes))}
			if len(r.Pictures()) > 0 && !slices.Equal(r.Pictures(), want) {
				t.Errorf("shown: %.200q", r.Pictures())
			}
		}
		requests := model.Requests()
		last := requests[len(requests)-1]
		if (len(last.Pictures()) > 0) != sees || strings.Contains(last.Prompt(), "you can't see") == sees {
			t.Errorf("the model that sees (%v) got %d pictures and the prompt\n%s", sees, len(last.Pictures()), last.Prompt())
		}
	}
}

// A message can't have the agent read what its author may not see. Without isolation, whoever has an address has the file.
func TestAttachedFilesOfOthers(t *testing.T) {
	t.Parallel()
	n, model := prompts(t)
	mine, user := n.dm()
	other, _ := n.dm()
	n.askAbout(mine, user, "What does it say?", n.attach(other, "diary.txt", "text/plain", "Dear diary")).want(201)
	if got := lastPrompt(t, model); !strings.Contains(got, "Dear diary") {
		t.Errorf("it is readable by its address, and not for the agent:\n%s", got)
	}

	model = modeltest.New(t, func(modeltest.Request) modeltest.Script { return modeltest.Frame("Certainly.") })
	issuer, n := isolating(t, func(c *settings.Settings) {
		c.Agents.Environment = settings.ReadAgentEnvironment([]string{"OPENAI_BASE_URL=" + model.URL, "OPENAI_API_KEY=key"})
	})
	owner, stranger := uuid.New(), uuid.New()
	theirs := n.bearing(issuer.sign(t, owner.String(), time.Hour))
	other = theirs.dmBetween(n.agentID(), owner)
	diary := theirs.attach(other, "diary.txt", "text/plain", "Dear diary")
	theirs.askAbout(other, owner, "What does it say?", diary).want(201)
	if got := lastPrompt(t, model); !strings.Contains(got, "Dear diary") {
		t.Errorf("the owner's own file did not reach the model:\n%s", got)
	}
	n = n.bearing(issuer.sign(t, stranger.String(), time.Hour))
	mine = n.dmBetween(n.agentID(), stranger)
	n.askAbout(mine, stranger, "What does it say?", diary).want(201)
	if got := lastPrompt(t, model); strings.Contains(got, "Dear diary") || !strings.Contains(got, "is not there any more") {
		t.Errorf("a stranger had the agent read it:\n%s", got)
	}
}
