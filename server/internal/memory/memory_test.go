package memory_test

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/pgtest"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/pgstore"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// each runs a test on both databases.
func each(t *testing.T, test func(t *testing.T, st store.System, s *memory.Service)) {
	run := func(name string, open func(t *testing.T) (store.System, error)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := st.Close(); err != nil {
					t.Errorf("closing the store: %v", err)
				}
			})
			test(t, st, memory.New(st, memory.Quotas{}))
		})
	}
	run("sqlite", func(t *testing.T) (store.System, error) {
		return sqlitestore.Open(t.Context(), sqlitestore.Config{Dir: t.TempDir()})
	})
	run("postgres", func(t *testing.T) (store.System, error) {
		return pgstore.Open(t.Context(), pgstore.Config{URL: pgtest.URL(t)})
	})
}

// newAgent stores an agent without a world.
func newAgent(t *testing.T, st store.System) uuid.UUID {
	t.Helper()
	id := uuid.New()
	err := st.SystemUpdate(t.Context(), func(q db.System) error {
		_, err := q.InsertAgent(t.Context(), db.InsertAgentParams{ID: id, Name: "Ann", Character: []byte(`{}`), Secrets: []byte(`{}`), Running: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestGroupsMadeAtTheSameTimeAreOne(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, st store.System, s *memory.Service) {
		agents := []uuid.UUID{newAgent(t, st), newAgent(t, st), newAgent(t, st)}
		server, world := uuid.New(), uuid.New()
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				rooms, failures, err := s.CreateGroup(t.Context(), auth.System(), memory.NewGroup{
					MessageServerID: server, WorldID: &world, Agents: agents, Name: "Grp", Metadata: json.RawMessage(`{"a":1}`),
				})
				if err != nil || len(rooms) != len(agents) || len(failures) != 0 {
					t.Errorf("rooms %+v, failures %+v, error %v", rooms, failures, err)
				}
			})
		}
		callers.Wait()
		worlds, err := s.Worlds(t.Context(), auth.System())
		if err != nil || len(worlds) != 1 || len(worlds[0].Agents) != len(agents) {
			t.Errorf("worlds %+v, error %v", worlds, err)
		}
		for _, id := range agents {
			if rooms, _, err := s.Rooms(t.Context(), auth.System(), id, 0, 0); err != nil || len(rooms) != 1 || rooms[0].Name != "Grp" {
				t.Errorf("rooms %+v, error %v", rooms, err)
			}
		}
		if err := s.DeleteGroup(t.Context(), auth.System(), server); err != nil {
			t.Fatal(err)
		}
		if worlds, err := s.Worlds(t.Context(), auth.System()); err != nil || len(worlds) != 0 {
			t.Errorf("worlds %+v, error %v", worlds, err)
		}
	})
}

func TestWorldSettingsAreLaidOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, st store.System, s *memory.Service) {
		id := newAgent(t, st)
		world, err := s.CreateWorld(t.Context(), auth.System(), id, memory.NewWorld{Name: "W", Metadata: json.RawMessage(`{"settings":"none","k":1}`)})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []memory.WorldPatch{{Settings: json.RawMessage(`{"a":1,"b":1}`)}, {Settings: json.RawMessage(`{"b":2}`), Metadata: json.RawMessage(`{"m":3}`)}} {
			if world, err = s.UpdateWorld(t.Context(), auth.System(), id, world.ID, p); err != nil {
				t.Fatal(err)
			}
		}
		var got struct {
			Settings map[string]int
			K, M     int
		}
		if err := json.Unmarshal(world.Metadata, &got); err != nil || got.K != 1 || got.M != 3 || got.Settings["a"] != 1 || got.Settings["b"] != 2 {
			t.Errorf("metadata %s, error %v", world.Metadata, err)
		}
		if _, err := s.UpdateWorld(t.Context(), auth.System(), id, world.ID, memory.WorldPatch{Settings: json.RawMessage(`[]`)}); !apierr.IsCode(err, apierr.ValidationFailed) {
			t.Errorf("a list as settings: %v", err)
		}
		if _, err := s.UpdateWorld(t.Context(), auth.System(), newAgent(t, st), world.ID, memory.WorldPatch{Name: new("mine")}); !apierr.IsCode(err, apierr.NotFound) {
			t.Errorf("another agent: %v", err)
		}
	})
}
