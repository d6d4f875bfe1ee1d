package chaos_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to read the database that a server leaves behind
)

func itoa(n int) string { return strconv.Itoa(n) }

func (m *machine) database() string { return filepath.Join(m.dir, "elizad.db") }

// checkIntegrity checks the database of a server that has ended.
func (m *machine) checkIntegrity() {
	m.t.Helper()
	db, err := sql.Open("sqlite", m.database())
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		m.t.Errorf("integrity_check: %q, %v", verdict, err)
	}
}

// uploads returns how many files of an agent are stored, and how many are still being received.
func (m *machine) uploads(agent string) (kept, incoming int) {
	m.t.Helper()
	count := func(folder string) int {
		entries, err := os.ReadDir(filepath.Join(m.dir, "uploads", "agents", folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.t.Fatal(err)
		}
		return len(entries)
	}
	return count(agent), count(".incoming")
}

func chmod(t *testing.T, folder string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(folder, mode); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// ask posts a message without waiting for an answer, and returns how it was refused.
func (l *load) ask() (status int, r refusal) {
	l.m.t.Helper()
	for channel := range l.channels {
		status, err := l.m.call(l.m.t.Context(), "POST", "/api/messaging/channels/"+channel+"/messages", map[string]any{"author_id": l.agent[:8] + "-0000-4000-8000-000000000000", "content": "Is anybody there?"}, &r)
		if err != nil {
			l.m.t.Fatal(err)
		}
		return status, r
	}
	return 0, r
}

// A folder that is moved away under a running server takes no messages; when it is back, it takes them again.
func TestMovedFolder(t *testing.T) {
	t.Parallel()
	m := newMachineIn(t, filepath.Join(t.TempDir(), "data"))
	s := m.start()
	l := newLoad(m)
	for range *rounds {
		l.more(20)
		rename(t, m.dir, m.dir+".away")
		eventually(t, "health names it", func() bool { return m.health().database == "missing" })
		if status, r := l.ask(); status != http.StatusServiceUnavailable || r.Error.Code != "UNAVAILABLE" {
			t.Errorf("a message is answered with %d %+v", status, r)
		}
		rename(t, m.dir+".away", m.dir)
		eventually(t, "healthy again", func() bool { return m.health().ok })
	}
	l.more(20)
	l.check(t)
	s.stop()
	m.checkIntegrity()
}

// Folders of uploads that are moved away or not writable take no files, and everything else goes on. An upload that is repeated
// when they are back is stored.
func TestUploadsFolder(t *testing.T) {
	t.Parallel()
	for fault, hurt := range map[string]func(t *testing.T, folder string) (mend func()){
		"missing": func(t *testing.T, folder string) func() {
			rename(t, folder, folder+".away")
			return func() { rename(t, folder+".away", folder) }
		},
		"not_writable": func(t *testing.T, folder string) func() {
			folder = filepath.Join(folder, ".incoming") // where files are received first
			chmod(t, folder, 0o500)
			return func() { chmod(t, folder, 0o700) }
		},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if os.Getuid() == 0 { // who may write to any folder
				m.wrap = []string{"setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"}
			}
			s := m.start()
			l := newLoad(m)
			for range *rounds {
				l.more(20)
				mend := hurt(t, filepath.Join(m.dir, "uploads", "agents"))
				eventually(t, "health names it", func() bool { return m.health().files == fault })
				var r refusal
				m.must(http.StatusServiceUnavailable, "POST", "/api/media/agents/"+l.agent+"/upload-media", []byte("hello"), &r)
				if r.Error.Code != "UNAVAILABLE" || !strings.Contains(r.Error.Message, "folder of uploads") {
					t.Errorf("an upload is answered with %+v", r)
				}
				if status, r := l.ask(); status != http.StatusCreated {
					t.Errorf("a message is answered with %d %+v", status, r)
				}
				mend()
				eventually(t, "healthy again", func() bool { return m.health().ok })
			}
			l.more(20)
			l.check(t)
			s.alive()
			if n := strings.Count(s.output.String(), "files can't be stored"); n != *rounds {
				t.Errorf("the log has it %d times in %d rounds", n, *rounds)
			}
		})
	}
}

// Nothing is acknowledged into a folder that was removed.
func TestRemovedFolder(t *testing.T) {
	t.Parallel()
	m := newMachineIn(t, filepath.Join(t.TempDir(), "data"))
	s := m.start()
	l := newLoad(m)
	l.more(20)
	l.finish()
	if err := os.RemoveAll(m.dir); err != nil {
		t.Fatal(err)
	}
	if status, r := l.ask(); status != http.StatusServiceUnavailable || r.Error.Code != "UNAVAILABLE" {
		t.Errorf("a message is answered with %d %+v", status, r)
	}
	if h := m.health(); h.ok || h.database != "missing" {
		t.Errorf("health is %+v", h)
	}
	s.alive()
	if n := strings.Count(s.output.String(), "the database has a fault"); n != 1 {
		t.Errorf("the log has it %d times", n)
	}
}

// A corrupted database serves what can be read, reports what cannot, and is not called healthy.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.start()
	l := newLoad(m)
	l.more(100)
	l.check(t)
	s.stop()
	file, err := os.OpenFile(m.database(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	noise := []byte(strings.Repeat("\xa5", int(info.Size()/3)))
	if _, err := file.WriteAt(noise, info.Size()-int64(len(noise))); err != nil { // the schema and the agents come first
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s = m.launch()
	eventually(t, "it answers, or says why it can't", func() bool {
		select {
		case <-s.done:
			return true
		default:
			return m.health().database != ""
		}
	})
	select {
	case <-s.done:
		if code := s.exitCode(); code == 0 || !strings.Contains(s.output.String(), "malformed") {
			t.Errorf("it ended with %d", code)
		}
		return
	default:
	}
	damaged := 0
	for channel, acked := range l.channels {
		var answer struct {
			refusal
			Data struct{ Messages []message }
		}
		status, err := m.call(t.Context(), "GET", "/api/messaging/channels/"+channel+"/messages?limit=200", nil, &answer)
		switch {
		case err != nil:
			t.Fatal(err)
		case status == http.StatusOK:
			for _, got := range answer.Data.Messages {
				if a, ok := acked[got.ID]; ok && a.content != got.Content {
					t.Errorf("served %q as %q", a.content, got.Content)
				}
			}
		case answer.Error.Code == "STORAGE_DAMAGED":
			damaged++
		default:
			t.Errorf("status %d, %+v", status, answer.Error)
		}
	}
	if damaged > 0 {
		if h := m.health(); h.ok || h.database != "damaged" {
			t.Errorf("%d channels can't be read, and health is %+v", damaged, h)
		}
	}
	s.alive()
}

// What a killed server left in its log is recovered; a missing log is noticed; garbage behind its end does no harm.
func TestLogOfAKilledServer(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.start()
	l := newLoad(m)
	l.more(40)
	s.kill()
	log := m.database() + "-wal"
	rename(t, log, log+".away")
	s = m.launch()
	if code := s.exitCode(); code == 0 || !strings.Contains(s.output.String(), log) {
		t.Errorf("without its log it ended with %d", code)
	}
	rename(t, log+".away", log)
	file, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(strings.Repeat("noise", 6000)); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	s = m.start()
	l.more(10)
	l.check(t)
	s.stop()
	m.checkIntegrity()
}

// A log or a lock file that is removed under a running server loses nothing that was acknowledged.
func TestRemovedLogAndLock(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	s := m.start()
	l := newLoad(m)
	l.more(10)
	for _, name := range []string{m.database() + "-wal", filepath.Join(m.dir, "elizad.lock")} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "health names the log", func() bool { return m.health().database == "log_missing" })
	l.more(10)
	eventually(t, "the lock is taken again", func() bool { _, err := os.Stat(filepath.Join(m.dir, "elizad.lock")); return err == nil })
	second := m.launch()
	if code := second.exitCode(); code == 0 {
		t.Error("a second process works on the same folder")
	}
	l.finish()
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	m.start()
	l.check(t)
}

// A file that is not a database is refused, by name.
func TestFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(data []byte) []byte{
		"header":    func(data []byte) []byte { copy(data, strings.Repeat("noise", 20)); return data },
		"truncated": func(data []byte) []byte { return data[:len(data)/2+100] },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.start().stop()
			data, err := os.ReadFile(m.database())
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(m.database(), spoil(data), 0o600); err != nil {
				t.Fatal(err)
			}
			s := m.launch()
			if code := s.exitCode(); code == 0 {
				t.Error("it starts")
			}
		})
	}
}
