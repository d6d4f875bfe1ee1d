package server_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server"
)

// uploads returns the ways to upload a form for an agent and a channel.
func (n *node) uploads(agent, channel uuid.UUID) map[string]func(body []byte, kind string) answer {
	ctx := n.t.Context()
	return map[string]func(body []byte, kind string) answer{
		"agent": func(body []byte, kind string) answer {
			return n.read(n.api().UploadAgentMediaWithBody(ctx, agent, nil, kind, bytes.NewReader(body)))
		},
		"channel": func(body []byte, kind string) answer {
			return n.read(n.api().UploadChannelMediaWithBody(ctx, channel, nil, kind, bytes.NewReader(body)))
		},
		"messaging channel": func(body []byte, kind string) answer {
			return n.read(n.api().UploadMessageMediaWithBody(ctx, channel, nil, kind, bytes.NewReader(body)))
		},
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, _ := n.dm()
	for name, upload := range n.uploads(n.agentID(), channel) {
		a := upload(form(formPart{"contentType", "", "", "image/png"}, formPart{"file", `C:\pictures\кот.html`, "text/html", pngBytes}, formPart{"metadata", "", "", "{}"}))
		u := data[api.Upload](a.want(200))
		wantType := "image/png"
		if name == "agent" {
			wantType = "image"
		}
		if u.Type != wantType || u.MimeType != "image/png" || u.Size != int64(len(pngBytes)) || u.OriginalName != "кот.html" || !strings.HasSuffix(u.Filename, ".png") || !strings.HasSuffix(u.URL, "/"+u.Filename) {
			t.Errorf("%s: %+v", name, u)
		}
		got := n.do("GET", u.URL, nil).want(200) // addresses of files are read as they are answered
		if string(got.body) != pngBytes {
			t.Errorf("%s: %d bytes came back", name, len(got.body))
		}
		for header, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Accept-Ranges": "bytes", "Content-Disposition": "",
			"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "private, max-age=31536000, immutable",
		} {
			if got.header.Get(header) != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got.header.Get(header), want)
			}
		}
		if csp := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox;") {
			t.Errorf("%s: policy %q", name, csp)
		}
		if part := n.do("GET", u.URL, nil, "Range", "bytes=1-3").want(206); string(part.body) != "PNG" || part.header.Get("Content-Range") != fmt.Sprintf("bytes 1-3/%d", len(pngBytes)) {
			t.Errorf("%s: range %q %q", name, part.body, part.header.Get("Content-Range"))
		}
		if packed := n.do("GET", u.URL, nil, "Accept-Encoding", "gzip").want(200); packed.header.Get("Content-Encoding") != "" || packed.header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("%s: a picture is packed again: %v", name, packed.header)
		}
		if head := n.do("HEAD", u.URL, nil).want(200); len(head.body) > 0 || head.header.Get("Content-Length") != fmt.Sprint(len(pngBytes)) {
			t.Errorf("%s: HEAD says %v", name, head.header)
		}
		n.do("GET", u.URL, nil, "Range", "bytes=9999-").want(416)
		n.do("GET", u.URL, nil, "If-None-Match", got.header.Get("ETag")).want(304)
	}
}

func TestUploadsRefused(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits.MaxUpload, cfg.Limits.UploadQuota = 100_000, 150_000
	n := startWith(t, cfg)
	channel, _ := n.dm()
	file := func(content string) []formPart { return []formPart{{"file", "f.png", "image/png", content}} }
	uploads := n.uploads(n.agentID(), channel)
	for name, upload := range uploads {
		for _, tt := range []struct {
			what   string
			parts  []formPart
			status int
			code   string
		}{
			{"no file", []formPart{{"other", "", "", "x"}}, 400, "INVALID_REQUEST"},
			{"a text in its place", []formPart{{"file", "", "", "x"}}, 400, "INVALID_REQUEST"},
			{"an empty file", file(""), 400, "INVALID_REQUEST"},
			{"another field", []formPart{{"image", "f.png", "image/png", pngBytes}}, 400, "INVALID_REQUEST"},
			{"two files", append(file(pngBytes), file(pngBytes)...), 400, "INVALID_REQUEST"},
			{"HTML that says it is a picture", file("<!doctype html><script>alert(1)</script>"), 415, "UNSUPPORTED_MEDIA_TYPE"},
			{"SVG", file(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), 415, "UNSUPPORTED_MEDIA_TYPE"},
			{"XML", file(`<?xml version="1.0"?><a/>`), 415, "UNSUPPORTED_MEDIA_TYPE"},
			{"a program", file("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00"), 415, "UNSUPPORTED_MEDIA_TYPE"},
			{"too much", file(pngBytes + strings.Repeat("x", 100_000)), 413, "FILE_TOO_LARGE"},
			{"much too much", file(pngBytes + strings.Repeat("x", 300_000)), 413, "FILE_TOO_LARGE"},
			{"too many fields", append(file(pngBytes), formPart{"a", "", "", strings.Repeat("x", 40<<10)}), 413, "PAYLOAD_TOO_LARGE"},
		} {
			clearError(t, name+" with "+tt.what, upload(form(tt.parts...)), tt.status, tt.code)
		}
		cut, kind := form(file(pngBytes)...)
		clearError(t, name+" with half a form", upload(cut[:len(cut)-40], kind), 400, "INVALID_REQUEST")
		clearError(t, name+" without a boundary", upload(cut, "multipart/form-data"), 400, "INVALID_REQUEST")
	}
	for name, upload := range n.uploads(uuid.New(), uuid.New()) {
		clearError(t, "unknown "+name, upload(form(file(pngBytes)...)), 404, "NOT_FOUND")
	}
	large := file(pngBytes + strings.Repeat("x", 90_000))
	n.uploadToChannel(channel, large...).want(200)
	clearError(t, "over the quota", n.uploadToChannel(channel, large...), 413, "QUOTA_EXCEEDED")
	for _, folder := range []string{"uploads/agents", "uploads/channels"} {
		if left, _ := os.ReadDir(filepath.Join(cfg.Storage.Dir, folder, ".incoming")); len(left) > 0 {
			t.Errorf("%d refused files are left in %s", len(left), folder)
		}
	}
}

func TestFilesAreInert(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	n := startWith(t, cfg)
	agent := n.agentID()
	made := filepath.Join(cfg.Storage.Dir, "generated", agent.String())
	if err := os.MkdirAll(made, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"page.html": "<script>1</script>", "picture.png": pngBytes, ".hidden": "x", "notes.txt": "hello"} {
		if err := os.WriteFile(filepath.Join(made, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(cfg.Storage.Dir, "generated", "outside.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	get := func(n *node, name string) answer {
		return n.read(n.api().GetGeneratedFile(t.Context(), agent, name, nil))
	}
	if a := get(n, "page.html").want(200); a.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a page is served as %v", a.header)
	}
	if a := get(n, "notes.txt").want(200); a.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("a text is served as %v", a.header)
	}
	if a := get(n.with("If-None-Match", "*"), "notes.txt").want(http.StatusNotModified); a.header.Get("Content-Disposition") != "" {
		t.Errorf("a file that isn't sent: %v", a.header)
	}
	if a := get(n, "picture.png").want(200); a.header.Get("Content-Type") != "image/png" || a.header.Get("Content-Disposition") != "" {
		t.Errorf("a picture is served as %v", a.header)
	}
	base := "/media/generated/" + agent.String() + "/"
	for _, path := range []string{ // sent raw, as they are spelled
		base + ".hidden", base + "nothing.png", base + "..%2foutside.txt", base + "..%5coutside.txt", base + "%2e%2e", base + "a%00b",
		"/media/uploads/agents/" + agent.String() + "/x.png", "/media/uploads/channels/" + uuid.NewString() + "/x.png",
	} {
		clearError(t, path, n.do("GET", path, nil), 404, "NOT_FOUND")
	}
	clearError(t, "no id", n.do("GET", "/media/generated/x/y.png", nil), 400, "INVALID_ID")
}

func TestUploadsGoWithTheirChannel(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	n := startWith(t, cfg)
	channel, _ := n.dm()
	u := data[api.Upload](n.uploadToChannel(channel, formPart{"file", "a.txt", "text/plain", "hello"}).want(200))
	n.do("GET", u.URL, nil).want(200)
	n.read(n.api().DeleteChannel(t.Context(), channel)).want(204)
	clearError(t, "a file of a deleted channel", n.do("GET", u.URL, nil), 404, "NOT_FOUND")
	eventually(t, "the end of its files", func() bool {
		_, err := os.Stat(filepath.Join(cfg.Storage.Dir, "uploads/channels", channel.String()))
		return os.IsNotExist(err)
	})
}

// TestLargeUploadsStayOnDisk sends 64 MiB and looks at how much memory the server took for it, with the client's own share.
func TestLargeUploadsStayOnDisk(t *testing.T) {
	cfg := testConfig(t)
	cfg.Limits.MaxUpload = 65 << 20
	n := startWith(t, cfg)
	head, tail := []byte("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nContent-Type: text/plain\r\n\r\n"), []byte("\r\n--b--\r\n")
	const size = 64 << 20
	body := io.MultiReader(bytes.NewReader(head), io.LimitReader(endless{}, size), bytes.NewReader(tail))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n.read(n.api().UploadAgentMediaWithBody(t.Context(), n.agentID(), nil, "multipart/form-data; boundary=b", body)).want(200)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > size/8 {
		t.Errorf("%d bytes were allocated for an upload of %d", took, size)
	} else {
		t.Logf("%d kB allocated for an upload of %d MB", took>>10, size>>20)
	}
}

// endless is text without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestUploadsAreLimited(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	cfg.Limits = server.DefaultConfig().Limits
	cfg.Limits.UploadMax = 2
	n := startWith(t, cfg)
	id := n.agentID()
	file := formPart{"file", "a.txt", "text/plain", "hello"}
	n.uploadToAgent(id, file).want(200)
	n.uploadToAgent(id, file).want(200)
	a := n.uploadToAgent(id, file)
	clearError(t, "the third upload", a, 429, "UPLOAD_RATE_LIMIT_EXCEEDED")
	if a.header.Get("Retry-After") == "" {
		t.Error("it doesn't say when to come back")
	}
	n.read(n.api().ListAgents(t.Context())).want(200)
}

// Texts are taken whatever they begin with, and served as plain text that no browser renders; pages and drawings are not.
func TestTextsThatLookLikeSomethingElse(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	channel, _ := n.dm()
	readme, err := os.ReadFile("testdata/cases/readme-upload/README.md")
	if err != nil {
		t.Fatal(err)
	}
	long := "<div>" + strings.Repeat("ä", 5000) // the part that is looked at ends within a letter
	for _, tt := range []struct {
		name, declared, content string
		taken                   bool
	}{
		{"README.md", "text/markdown", string(readme), true}, {"README.md", "application/octet-stream", string(readme), true}, {"README", "", string(readme), true},
		{"notes.TXT", "text/plain", "<!DOCTYPE html> is how a page begins", true}, {"table.csv", "text/csv", "<b>name</b>,age\n", true}, {"data.json", "application/json", `"<script>"`, true},
		{"a.yaml", "text/yaml", "<<: *base\n", true}, {"page.tsx", "text/plain", "<script>let x = 1</script>", true}, {"cars.md", "text/markdown", "BMW builds cars", true},
		{"songs.txt", "text/plain", "ID3 is a format of tags", true}, {"feed.md", "text/markdown", `<?xml version="1.0"?><rss/>`, true}, {"long.md", "text/markdown", long, true},
		{"mark.md", "text/markdown", "\ufeff<h1>Hi</h1>", true}, {"picture.md", "text/markdown", `<svg xmlns="http://www.w3.org/2000/svg"/>`, true},
		{"page.html", "text/html", string(readme), false}, {"page.md", "text/html", string(readme), false}, {"drawing.svg", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>", false},
		{"page", "text/plain", "<html><script>alert(1)</script>", false}, {"feed.xml", "text/plain", `<?xml version="1.0"?><rss/>`, false},
		{"program.txt", "text/plain", "MZ\x90\x00\x03\x00", false}, {"bytes.md", "text/markdown", "\x00\x01", false},
	} {
		a := n.uploadToMessage(channel, formPart{"file", tt.name, cmp.Or(tt.declared, "application/octet-stream"), tt.content})
		if !tt.taken {
			clearError(t, tt.name, a, http.StatusUnsupportedMediaType, "")
			continue
		}
		u := data[api.Upload](a.want(200))
		got := n.do("GET", u.URL, nil).want(200)
		if string(got.body) != tt.content || u.OriginalName != tt.name {
			t.Errorf("%s: %d bytes came back as %q", tt.name, len(got.body), u.OriginalName)
		}
		if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.HasPrefix(got.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: served with %v", tt.name, got.header)
		}
	}
}
