package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/elizad/elizad/gen/api"

	"github.com/google/uuid"
)

// Changes of one thing that come at the same moment are all kept: each names another member.
func TestChangesAtTheSameMomentAreAllKept(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	channel, user := n.dm()
	n.ask(channel, user, "Hello").want(http.StatusCreated)
	world := data[api.WorldResult](n.createWorld(id, api.CreateWorldRequest{Name: new("w")}).want(201)).WorldID

	type members = map[string]any
	for what, change := range map[string]func(settings members) answer{
		"an agent": func(settings members) answer { return n.changeAgent(id, members{"settings": settings}) },
		"a world": func(settings members) answer {
			return n.changeWorld(id, world, api.WorldPatch{Settings: jsonOf(settings)})
		},
	} {
		got := statuses(atOnce(func(i int) answer { return change(members{fmt.Sprint("k", i): i}) }))
		if got[http.StatusOK] != crowd {
			t.Errorf("%s: statuses %v", what, got)
		}
		after := data[struct{ Settings members }](change(members{}).want(200)).Settings
		for i := range crowd {
			if key := fmt.Sprint("k", i); after[key] != float64(i) {
				t.Errorf("%s: %s is lost: %v", what, key, after)
			}
		}
	}

	heard := n.memories(id, api.ListMemoriesParams{Limit: new("1")}).Memories[0].ID
	got := statuses(atOnce(func(i int) answer {
		if i%2 == 0 {
			return n.changeMemory(id, heard, api.MemoryPatch{Content: jsonOf("changed")})
		}
		return n.changeMemory(id, heard, api.MemoryPatch{Metadata: jsonOf(members{"by": "test"})})
	}))
	after := data[api.Memory](n.changeMemory(id, heard, api.MemoryPatch{}).want(200))
	if got[http.StatusOK] != crowd || object(after.Content)["text"] != "changed" || object(after.Metadata)["by"] != "test" {
		t.Errorf("statuses %v, and then %+v", got, after)
	}
}

// Of changes under one ETag that come at the same moment the first is made; the others are told that it was.
func TestOneChangePerETag(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for _, thing := range n.versioned() {
		same := n.with("If-Match", thing.read(n).want(200).header.Get("ETag"))
		changed := 0
		for _, a := range atOnce(func(i int) answer { return thing.change(same, fmt.Sprint("version ", i)) }) {
			if a.status == http.StatusOK {
				changed++
			} else {
				clearError(t, "a change that came too late", a, http.StatusPreconditionFailed, "PRECONDITION_FAILED")
			}
		}
		if changed != 1 {
			t.Errorf("%s: %d of %d changes of one version succeeded", thing.name, changed, crowd)
		}
	}
}

// An agent that many create at the same moment is there for all of them, if they mean the same one.
func TestAgentsCreatedAtTheSameMoment(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	name := "Same " + uuid.NewString()
	same := statuses(atOnce(func(int) answer { return n.createAgent(map[string]any{"name": name, "bio": "x"}) }))
	if same[http.StatusCreated] != crowd {
		t.Errorf("the same: statuses %v", same)
	}
	name = "Other " + uuid.NewString()
	others := statuses(atOnce(func(i int) answer { return n.createAgent(map[string]any{"name": name, "bio": fmt.Sprint(i)}) }))
	if others[http.StatusCreated] != 1 || others[http.StatusConflict] != crowd-1 {
		t.Errorf("others: statuses %v", others)
	}
}

func TestRoomsMadeAtOnceAreDifferent(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id := n.agentID()
	var mu sync.Mutex
	var all sync.WaitGroup
	ids := map[uuid.UUID]bool{}
	for range 8 {
		all.Go(func() {
			room := data[api.RoomCreated](n.createRoom(id, api.CreateRoomRequest{Name: new("R")}).want(201)).ID
			world := data[api.WorldResult](n.createWorld(id, api.CreateWorldRequest{Name: new("W")}).want(201)).World.ID
			mu.Lock()
			defer mu.Unlock()
			ids[room], ids[world] = true, true
		})
	}
	all.Wait()
	if len(ids) != 16 {
		t.Errorf("%d different ids of 16", len(ids))
	}
}

// Bridges that mirror the same channels at once don't get in each other's way.
func TestChannelsAreMirroredAtOnce(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	server := n.messageServer()
	var forward []api.SourceChannel
	for i := range 20 {
		forward = append(forward, api.SourceChannel{Name: fmt.Sprint("c", i), SourceID: fmt.Sprint(i)})
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	for _, a := range atOnce(func(i int) answer {
		return n.read(n.api().SyncMessageServerChannels(t.Context(), server, api.SyncChannelsRequest{Channels: [][]api.SourceChannel{forward, backward}[i%2]}))
	}) {
		a.want(200)
	}
}

// Of many who add to a thing at the same moment, none is lost.
func TestAdditionsAtTheSameMomentAreAllKept(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	id, channel := n.agentID(), n.group()
	world := data[api.WorldResult](n.createWorld(id, api.CreateWorldRequest{Name: new("w")}).want(201)).WorldID
	for what, add := range map[string]func(metadata json.RawMessage) answer{
		"a channel": func(metadata json.RawMessage) answer {
			return n.read(n.api().UpdateChannel(t.Context(), channel, &api.UpdateChannelParams{Merge: new(true)}, api.ChannelPatch{Metadata: metadata}))
		},
		"a world": func(metadata json.RawMessage) answer {
			return n.changeWorld(id, world, api.WorldPatch{Metadata: metadata})
		},
	} {
		if got := statuses(atOnce(func(i int) answer { return add(jsonOf(map[string]any{fmt.Sprint("k", i): i})) })); got[http.StatusOK] != crowd {
			t.Errorf("%s: statuses %v", what, got)
		}
		last := add(jsonOf(map[string]any{"last": true})).want(200).body
		for i := range crowd {
			if !bytes.Contains(last, fmt.Appendf(nil, `"k%d":%d`, i, i)) {
				t.Errorf("%s: addition %d is lost", what, i)
			}
		}
	}
}
