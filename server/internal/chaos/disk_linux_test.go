package chaos_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/elizad/elizad/server/internal/pgtest"
)

// On a full disk writes are refused and reads are served; all is well again when there is room. It needs its own file system,
// and so the long form; a database that may not grow replaces it in the tests of the store.
func TestFullDisk(t *testing.T) {
	if *rounds == 1 {
		return
	}
	t.Parallel()
	disk := smallDisk(t)
	m := newMachineIn(t, filepath.Join(disk, "data"))
	s := m.start()
	l := newLoad(m)
	for range *rounds {
		l.more(20)
		makeRoom := fill(t, disk)
		eventually(t, "health names it", func() bool { return m.health().database == "disk_full" })
		for channel := range l.channels {
			m.must(200, "GET", "/api/messaging/channels/"+channel+"/messages", nil, nil)
		}
		makeRoom()
		eventually(t, "healthy again", func() bool { return m.health().ok })
	}
	l.more(20)
	l.check(t)
	s.stop()
	m.checkIntegrity()
}

// The same holds for the disk of a PostgreSQL server, where its tables are.
func TestFullDiskOfPostgres(t *testing.T) {
	if *rounds == 1 {
		return
	}
	t.Parallel()
	disk, database := smallDisk(t), pgtest.NewPrivate(t)
	database.MoveTables(t, disk)
	m := newMachine(t, "POSTGRES_URL="+database.URL())
	s := m.start()
	l := newLoad(m)
	for range *rounds {
		l.more(20)
		makeRoom := fill(t, disk)
		eventually(t, "health names it", func() bool { return m.health().database == "disk_full" })
		eventually(t, "a message is refused for it", func() bool { // some still fit into what is allocated
			status, r := l.ask()
			if status != http.StatusCreated && (status != http.StatusServiceUnavailable || !strings.Contains(r.Error.Message, "disk is full")) {
				t.Fatalf("a message is answered with %d %+v", status, r)
			}
			return status != http.StatusCreated
		})
		for channel := range l.channels {
			m.must(200, "GET", "/api/messaging/channels/"+channel+"/messages", nil, nil)
		}
		makeRoom()
		eventually(t, "healthy again", func() bool { return m.health().ok })
	}
	l.more(20)
	l.check(t)
	s.alive()
}

// smallDisk mounts a file system with little room.
func smallDisk(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatalf("a full disk needs the right to mount one, which root has: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	if err := os.Chmod(filepath.Dir(folder), 0o711); err != nil { // other users must be able to reach it
		t.Fatal(err)
	}
	return folder
}

// fill leaves no room on a disk until the returned function is called.
func fill(t *testing.T, disk string) (makeRoom func()) {
	t.Helper()
	filler := filepath.Join(disk, "filler")
	file, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	_ = file.Close()
	return func() {
		t.Helper()
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
}
