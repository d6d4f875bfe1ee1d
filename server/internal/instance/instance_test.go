package instance_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/instance"
)

func open(t *testing.T, dir string) *instance.Instance {
	t.Helper()
	in, err := instance.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestIDOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, dir)
	twin := open(t, dir) // another server on the same folder
	if twin.ID == first.ID || twin.Returned || !first.Returned {
		t.Errorf("two live under one id: %+v, %+v", first, twin)
	}
	for _, in := range []*instance.Instance{twin, first} {
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, dir)
	defer again.Close()
	if again.ID != first.ID || !again.Returned {
		t.Errorf("the id was %s, and is %+v", first.ID, again)
	}
}

func TestDamagedID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "instance"), []byte("not an id, and longer than one of those that are kept here"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := open(t, dir)
	if first.ID == uuid.Nil {
		t.Error("no id")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	defer again.Close()
	if again.ID != first.ID {
		t.Errorf("%s, and then %s", first.ID, again.ID)
	}
}
