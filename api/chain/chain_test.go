package chain_test

import (
	"slices"
	"testing"

	"github.com/elizad/elizad/api/chain"
)

type stored struct {
	chain.Entry
	hash chain.Hash
}

// made returns a chain of n entries behind one, the newest first.
func made(n int, before chain.Link) []stored {
	var out []stored
	for i := range int64(n) {
		e := chain.Entry{Seq: before.Seq + 1, At: 1000 + i, Times: 1, Action: "agent.delete", Address: "192.0.2.1"}
		before = chain.Link{Seq: e.Seq, Hash: e.Hash(before.Hash)}
		out = append(out, stored{e, before.Hash})
	}
	slices.Reverse(out)
	return out
}

func verify(entries []stored, head chain.Link, known *chain.Link, before chain.Link) *chain.Break {
	v := chain.NewVerifier(head, known)
	for _, e := range entries {
		v.Next(e.Entry, e.hash)
	}
	_, first := v.End(before)
	return first
}

// The hash is the documented one. This one was made with Python: see docs/security.md.
func TestHash(t *testing.T) {
	t.Parallel()
	e := chain.Entry{
		Seq: 1, At: 1795188790230, Since: 1795188790230, Times: 1, Action: "key.create", Operation: "createKey", Status: 201, Kind: "key holder",
		Proof: "key", EntityID: "b850bc30-45f8-0041-a00a-83df46d8555d", Address: "192.0.2.1", TargetID: "5a4f5d0e-94b7-4ad5-9a3c-1c62f3a3f0b7",
		Details: "scopes: chat ü", RequestID: "r",
	}
	const want = "bc950e99d7d233000b81e2ec9aba26b39479394e024411e48ef7279289ecb639"
	if got := e.Hash(chain.Hash{}); got.String() != want {
		t.Errorf("the hash is %s", got)
	}
	if got, err := chain.ParseHash(want); err != nil || got.String() != want {
		t.Errorf("read as %s, %v", got, err)
	}
	for _, bad := range []string{"", want[2:], want + "00", "zz" + want[2:]} {
		if _, err := chain.ParseHash(bad); err == nil {
			t.Errorf("%q is a hash", bad)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	begin := chain.Link{Seq: 3, Hash: chain.Hash{7}}
	for name, tt := range map[string]struct {
		tamper func(entries []stored, head *chain.Link) []stored
		broken int64 // 0: none is
	}{
		"nothing": {func(e []stored, _ *chain.Link) []stored { return e }, 0},
		"changed": {func(e []stored, _ *chain.Link) []stored { e[2].Address = "192.0.2.2"; return e }, 7},
		"changed with its hash": {func(e []stored, _ *chain.Link) []stored {
			e[2].Address = "192.0.2.2"
			e[2].hash = e[2].Hash(e[3].hash)
			return e
		}, 8},
		"the oldest changed": {func(e []stored, _ *chain.Link) []stored { e[5].Action = "x"; return e }, 4},
		"the newest changed": {func(e []stored, _ *chain.Link) []stored { e[0].Action = "x"; return e }, 9},
		"its text moved to another field": {func(e []stored, _ *chain.Link) []stored {
			e[2].Action, e[2].Operation = "agent", ".delete"
			return e
		}, 7},
		"one taken out":      {func(e []stored, _ *chain.Link) []stored { return slices.Delete(e, 2, 3) }, 7},
		"the oldest cut":     {func(e []stored, _ *chain.Link) []stored { return e[:4] }, 4},
		"the newest cut":     {func(e []stored, _ *chain.Link) []stored { return e[2:] }, 8},
		"all cut":            {func([]stored, *chain.Link) []stored { return nil }, 4},
		"two changed places": {func(e []stored, _ *chain.Link) []stored { e[2], e[3] = e[3], e[2]; return e }, 6},
		"two changed numbers": {func(e []stored, _ *chain.Link) []stored {
			e[2].Seq, e[3].Seq = e[3].Seq, e[2].Seq
			e[2], e[3] = e[3], e[2]
			return e
		}, 6},
		"one twice":      {func(e []stored, _ *chain.Link) []stored { return slices.Insert(e, 3, e[2]) }, 7},
		"a hash changed": {func(e []stored, _ *chain.Link) []stored { e[2].hash[0]++; return e }, 7},
		"cut, and the end with it": {func(e []stored, head *chain.Link) []stored {
			*head = chain.Link{Seq: e[2].Seq, Hash: e[2].hash}
			return e[2:]
		}, 0}, // which only a hash that was kept shows
	} {
		entries := made(6, begin)
		head := chain.Link{Seq: entries[0].Seq, Hash: entries[0].hash}
		kept := head
		entries = tt.tamper(entries, &head)
		got := verify(entries, head, nil, begin)
		if (got == nil) != (tt.broken == 0) || got != nil && got.Seq != tt.broken {
			t.Errorf("%s: %+v, want %d", name, got, tt.broken)
		}
		if got := verify(entries, head, &kept, begin); (got == nil) != (name == "nothing") {
			t.Errorf("%s, with a hash that was kept: %+v", name, got)
		}
	}
	if got := verify(nil, begin, nil, begin); got != nil {
		t.Errorf("nothing left: %+v", got)
	}
	if got := verify(nil, chain.Link{}, nil, chain.Link{}); got != nil {
		t.Errorf("nothing yet: %+v", got)
	}
	whole := made(6, begin)
	head := chain.Link{Seq: whole[0].Seq, Hash: whole[0].hash}
	if got := verify(whole, head, &chain.Link{Seq: 7, Hash: chain.Hash{1}}, begin); got == nil || got.Seq != 7 {
		t.Errorf("another hash was kept: %+v", got)
	}
	if got := verify(whole, head, &chain.Link{Seq: 3, Hash: chain.Hash{1}}, begin); got == nil || got.Seq != 3 {
		t.Errorf("another hash of one that was dropped was kept: %+v", got)
	}
}
