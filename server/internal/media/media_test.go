package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a service with one agent.
type bench struct {
	*media.Service
	cfg   media.Config
	agent media.Owner
}

func setup(t testing.TB, change func(*media.Config)) bench {
	t.Helper()
	st, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b := bench{cfg: media.Config{
		Store: st, AgentUploads: filepath.Join(dir, "a"), ChannelUploads: filepath.Join(dir, "c"), Generated: filepath.Join(dir, "g"), MaxFile: 65 << 20,
	}}
	if change != nil {
		change(&b.cfg)
	}
	if b.Service, err = media.Open(b.cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	b.agent = media.Owner{Area: media.AgentUploads, ID: newAgent(t, st)}
	return b
}

func newAgent(t testing.TB, st store.System) uuid.UUID {
	t.Helper()
	id := uuid.New()
	err := st.SystemUpdate(t.Context(), func(q db.System) error {
		_, err := q.InsertAgent(t.Context(), db.InsertAgentParams{ID: id, Name: "a", Character: dbtype.JSON(`{"name":"a"}`), Secrets: dbtype.JSON(`{}`)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// form returns a reader of a form with one file.
func form(contentType string, content io.Reader) *multipart.Reader {
	head := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: " + contentType + "\r\n\r\n"
	return multipart.NewReader(io.MultiReader(strings.NewReader(head), content, strings.NewReader("\r\n--b--\r\n")), "b")
}

func (b bench) upload(t testing.TB, declared, content string) (media.Upload, error) {
	t.Helper()
	return b.Upload(t.Context(), auth.Identity{}, b.agent, "", form(declared, strings.NewReader(content)))
}

// isoMedia is the head of an MP4 file of a brand.
func isoMedia(brand string) string {
	box := binary.BigEndian.AppendUint32(nil, 24)
	return string(box) + "ftyp" + brand + "\x00\x00\x02\x00" + brand + "mp41" + strings.Repeat("\x00", 64)
}

func TestKindsAreFoundInTheContent(t *testing.T) {
	t.Parallel()
	webm := "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04"
	ogg := "OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13OpusHead\x01\x02"
	b := setup(t, nil)
	for _, tt := range []struct {
		name, declared, content string
		want, extension         string // empty: refused
	}{
		{"JPEG", "text/html", "\xff\xd8\xff\xe0\x00\x10JFIF\x00", "image/jpeg", ".jpg"},
		{"PNG", "", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png", ".png"},
		{"GIF", "image/gif", "GIF89a\x01\x00\x01\x00", "image/gif", ".gif"},
		{"WebP", "image/webp", "RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp", ".webp"},
		{"MP3 with tags", "audio/mp3", "ID3\x04\x00\x00\x00\x00\x00\x20\x00\x00", "audio/mpeg", ".mp3"},
		{"MP3 without", "audio/mpeg", "\xff\xfb\x90\x64\x00\x00\x00\x00", "audio/mpeg", ".mp3"},
		{"WAV", "audio/x-wav", "RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav", ".wav"},
		{"Ogg", "audio/ogg; codecs=opus", ogg, "audio/ogg", ".ogg"},
		{"FLAC", "audio/flac", "fLaC\x00\x00\x00\x22", "audio/flac", ".flac"},
		{"AAC", "audio/aac", "\xff\xf1\x50\x80\x03\xdf\xfc", "audio/aac", ".aac"},
		{"M4A", "audio/mp4", isoMedia("M4A "), "audio/mp4", ".m4a"},
		{"sound in MP4", "audio/mp4", isoMedia("isom"), "audio/mp4", ".m4a"},
		{"MP4", "video/mp4", isoMedia("isom"), "video/mp4", ".mp4"},
		{"WebM", "video/webm", webm, "video/webm", ".webm"},
		{"sound in WebM", "audio/webm;codecs=opus", webm, "audio/webm", ".weba"},
		{"PDF", "application/pdf", "%PDF-1.7\n", "application/pdf", ".pdf"},
		{"text", "text/plain", "Hello there", "text/plain", ".txt"},
		{"text that claims to be a picture", "image/png", "not really", "text/plain", ".txt"},
		{"JSON", "application/json", `{"a":1}`, "text/plain", ".txt"},
		{"a script", "text/plain", "#!/bin/sh\nrm -rf /\n", "text/plain", ".txt"},
		{"HTML", "text/plain", "<html><script>alert(1)</script>", "", ""},
		{"HTML after a blank", "text/plain", "\n\t <!DOCTYPE HTML><p>", "", ""},
		{"SVG", "image/png", `<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`, "", ""},
		{"XML", "text/plain", `<?xml version="1.0" encoding="UTF-8"?><a/>`, "", ""},
		{"ZIP", "application/zip", "PK\x03\x04\x14\x00", "", ""},
		{"a program", "image/png", "MZ\x90\x00\x03\x00\x00\x00", "", ""},
		{"bytes", "text/plain", "\x00\x01\x02\x03", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, err := b.upload(t, tt.declared, tt.content)
			if tt.want == "" {
				if !apierr.IsCode(err, apierr.UnsupportedMediaType) {
					t.Errorf("%+v, %v", u, err)
				}
				return
			}
			if err != nil || u.Kind.MIME != tt.want || filepath.Ext(u.Name) != tt.extension {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

// However many files arrive at once, their owner gets no more space than the quota.
func TestQuotaHoldsForManyAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *media.Config) { c.Quota = 1000 })
	content := strings.Repeat("x", 300)
	for range 2 { // the second time the folder is full already
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(func() {
				if _, err := b.upload(t, "text/plain", content); err != nil && !apierr.IsCode(err, apierr.QuotaExceeded) {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		kept, err := os.ReadDir(filepath.Join(b.cfg.AgentUploads, b.agent.ID.String()))
		if err != nil || len(kept) != 3 {
			t.Fatalf("%d files are kept, want 3 (%v)", len(kept), err)
		}
	}
}

func TestNothingIsLeftOfWhatBreaksOff(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	broken := io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), failing{})
	if _, err := b.Upload(t.Context(), auth.Identity{}, b.agent, "", form("text/plain", broken)); !apierr.IsCode(err, apierr.InvalidRequest) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(filepath.Join(b.cfg.AgentUploads, ".incoming")); err != nil || len(left) > 0 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

// Uploads that arrive while the server stops are either kept and acknowledged, or refused and not kept.
func TestUploadsWhileTheServerStops(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var (
		wait  sync.WaitGroup
		kept  atomic.Int64
		begun = make(chan struct{})
	)
	for range 8 {
		wait.Go(func() {
			for {
				_, err := b.upload(t, "text/plain", "some words")
				if err != nil {
					if !apierr.IsCode(err, apierr.Unavailable) {
						t.Error(err)
					}
					return
				}
				if kept.Add(1) == 8 {
					close(begun)
				}
			}
		})
	}
	<-begun
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	there, err := os.ReadDir(filepath.Join(b.cfg.AgentUploads, b.agent.ID.String()))
	if err != nil || len(there) != int(kept.Load()) {
		t.Errorf("%d files are stored, %d uploads were acknowledged (%v)", len(there), kept.Load(), err)
	}
	if _, err := b.File(t.Context(), auth.Identity{}, b.agent, there[0].Name()); !apierr.IsCode(err, apierr.Unavailable) {
		t.Errorf("a file that is there is answered with %v", err)
	}
}

// A server that died after it kept a file and before it acknowledged it finds the file when the upload is repeated.
func TestRepeatedUploadIsOneFile(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	upload := func(once, content string) string {
		t.Helper()
		u, err := b.Upload(t.Context(), auth.Identity{}, b.agent, once, form("text/plain", strings.NewReader(content)))
		if err != nil {
			t.Fatal(err)
		}
		return u.Name
	}
	first := upload("me:key", "hello")
	if again := upload("me:key", "hello"); again != first {
		t.Errorf("%s, and again %s", first, again)
	}
	for _, other := range []string{upload("me:key", "another"), upload("you:key", "hello"), upload("", "hello"), upload("", "hello")} {
		if other == first {
			t.Error("another upload has the same file")
		}
	}
	if files, err := os.ReadDir(filepath.Join(b.cfg.AgentUploads, b.agent.ID.String())); err != nil || len(files) != 5 {
		t.Errorf("%d files, %v", len(files), err)
	}
	f, err := b.File(t.Context(), auth.Identity{}, b.agent, first)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// A sender that disconnects at the last moment takes no existing file with it.
func TestSenderLeavesAtTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	before, err := b.upload(t, "text/plain", "kept")
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	if _, err := b.Upload(ctx, auth.Identity{}, b.agent, "", form("text/plain", &lastWord{strings.NewReader("gone"), leave})); !errors.Is(err, context.Canceled) {
		t.Fatalf("the sender has left, and yet: %v", err)
	}
	files, err := os.ReadDir(filepath.Join(b.cfg.AgentUploads, b.agent.ID.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name() != before.Name {
		t.Errorf("the agent has the files %v, want only %s", files, before.Name)
	}
}

// lastWord is the content of a file whose sender disconnects when it is read to its end.
type lastWord struct {
	io.Reader
	leave func()
}

func (l *lastWord) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	if err == io.EOF {
		l.leave()
	}
	return n, err
}

func TestCleanup(t *testing.T) {
	t.Parallel()
	b := setup(t, func(cfg *media.Config) { cfg.Instance = uuid.New() })
	incoming, channel := filepath.Join(b.cfg.ChannelUploads, ".incoming"), uuid.New()
	own, foreign := filepath.Join(incoming, b.cfg.Instance.String()+"."+uuid.NewString()), filepath.Join(incoming, uuid.NewString()+"."+uuid.NewString())
	old, other := filepath.Join(incoming, "old"), uuid.NewString()
	for _, path := range []string{old, own, foreign, filepath.Join(b.cfg.ChannelUploads, channel.String(), "a.txt"), filepath.Join(b.cfg.ChannelUploads, other, "b.txt")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	b.Start(t.Context(), func(context.Context) iter.Seq[uuid.UUID] {
		return func(yield func(uuid.UUID) bool) {
			defer close(done)
			yield(channel)
		}
	})
	<-done
	for path, there := range map[string]bool{
		old: false, own: false, foreign: true, filepath.Join(b.cfg.ChannelUploads, channel.String()): false, filepath.Join(b.cfg.ChannelUploads, other, "b.txt"): true,
	} {
		if _, err := os.Stat(path); (err == nil) != there {
			t.Errorf("%s: %v, want it there: %v", path, err, there)
		}
	}
}

// A folder that is moved away takes no files, and takes them again when it is back, or when another is in its place.
func TestMovedFolder(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	upload := func() (string, error) {
		u, err := b.upload(t, "text/plain", "hello")
		return u.Name, err
	}
	first, err := upload()
	if err != nil {
		t.Fatal(err)
	}
	missing := func(what string) {
		t.Helper()
		if _, err := upload(); !apierr.IsCode(err, apierr.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
		if problem, ok := errors.AsType[*media.Problem](b.Check()); !ok || problem.Word != "missing" {
			t.Errorf("%s: the check returns %+v", what, problem)
		}
	}
	stored := func(what string) {
		t.Helper()
		name, err := upload()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := b.Check(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(filepath.Join(b.cfg.AgentUploads, b.agent.ID.String(), name)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	away := b.cfg.AgentUploads + ".away"
	move(b.cfg.AgentUploads, away)
	missing("moved away")
	if left, err := os.ReadDir(filepath.Join(away, b.agent.ID.String())); err != nil || len(left) != 1 {
		t.Errorf("%d files are in the folder that was moved away, %v", len(left), err)
	}
	if err := os.WriteFile(b.cfg.AgentUploads, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing("a file in its place")
	if err := os.Remove(b.cfg.AgentUploads); err != nil {
		t.Fatal(err)
	}
	move(away, b.cfg.AgentUploads)
	stored("back")
	f, err := b.File(t.Context(), auth.Identity{}, b.agent, first)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.RemoveAll(b.cfg.AgentUploads); err != nil {
		t.Fatal(err)
	}
	missing("removed")
	if err := os.Mkdir(b.cfg.AgentUploads, 0o700); err != nil {
		t.Fatal(err)
	}
	stored("made anew")
}

func TestLinksLeadNowhere(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	secret := filepath.Join(t.TempDir(), "secret.txt")
	dir := filepath.Join(b.cfg.AgentUploads, b.agent.ID.String())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.File(t.Context(), auth.Identity{}, b.agent, "link.txt"); !apierr.IsCode(err, apierr.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for location, want := range map[string]string{
		filepath.Join(b.cfg.Generated, "id", "a b?.png"):        "/media/generated/id/a%20b%3F.png",
		filepath.Join(b.cfg.AgentUploads, "id", "a.png"):        "/media/uploads/agents/id/a.png",
		filepath.Join(b.cfg.ChannelUploads, "id", "a.png"):      "/media/uploads/channels/id/a.png",
		filepath.Join(b.cfg.Generated, "id", "deeper", "a.png"): "",
		filepath.Join(b.cfg.Generated, "id"):                    "",
		filepath.Join(b.cfg.Generated, ".incoming", "a.png"):    "",
		b.cfg.Generated + "x/id/a.png":                          "",
		"/etc/passwd":                                           "", "relative/a.png": "", "/media/generated/id/a.png": "", "file:///etc/passwd": "", "https://example.com/a.png": "", "": "",
	} {
		if want == "" {
			want = location
		}
		if got := b.PublicURL(location); got != want {
			t.Errorf("%s: %s, want %s", location, got, want)
		}
	}
}

func TestServedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	u, err := b.upload(t, "text/plain", "hello")
	if err != nil {
		t.Fatal(err)
	}
	get := func(header ...string) *httptest.ResponseRecorder {
		f, err := b.File(t.Context(), auth.Identity{}, b.agent, u.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, u.URL, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		return w
	}
	first := get()
	if first.Body.String() != "hello" {
		t.Errorf("%q", first.Body)
	}
	etag := first.Header().Get("ETag")
	if w := get("If-None-Match", etag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("status %d", w.Code)
	}
	if w := get("Range", "bytes=1-2", "If-Range", etag); w.Code != http.StatusPartialContent || w.Body.String() != "el" {
		t.Errorf("status %d: %q", w.Code, w.Body)
	}
}

// BenchmarkUpload measures what an upload costs beside the disk: memory must not grow with the file.
func BenchmarkUpload(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := setup(b, nil)
			content := bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Upload(b.Context(), auth.Identity{}, s.agent, "", form("text/plain", bytes.NewReader(content))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
