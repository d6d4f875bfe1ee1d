package server_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// idPool remembers ids of what exists: by what they are called, and together with those of what they belong to.
type idPool struct {
	mu     sync.Mutex
	byName map[string][]string
	things map[string][]map[string]string // what has an id of that name, with its ids by name: its own, that of its channel, …
}

const (
	maxIDs    = 40 // of one name are remembered; newer ones replace the oldest
	maxThings = 40 // likewise
)

func newIDPool() *idPool {
	return &idPool{byName: map[string][]string{}, things: map[string][]map[string]string{}}
}

func (p *idPool) add(name, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.byName[name]
	if !slices.Contains(known, id) {
		p.byName[name] = append(known[max(0, len(known)-maxIDs+1):], id)
	}
}

// of returns an id of that name, or any.
func (p *idPool) of(name string, r *rand.Rand) string {
	p.mu.Lock()
	known := p.byName[canonicalName(name)]
	p.mu.Unlock()
	if len(known) == 0 {
		return p.any(r)
	}
	return known[r.IntN(len(known))]
}

func (p *idPool) any(r *rand.Rand) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.byName[slices.Sorted(maps.Keys(p.byName))[r.IntN(len(p.byName))]]
	return known[r.IntN(len(known))]
}

// thing returns the ids that belong to something with an id of that name, or nil.
func (p *idPool) thing(name string, r *rand.Rand) map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.things[canonicalName(name)]
	if len(known) == 0 {
		return nil
	}
	return known[r.IntN(len(known))]
}

// canonicalName returns the name under which ids are remembered that are called so: agentIds are agents',
// message_server_id is messageServerId, and users and authors are entities.
func canonicalName(name string) string {
	name = strings.TrimSuffix(name, "s")
	lower := strings.ToLower(name)
	for _, part := range []struct{ in, out string }{
		{"agent", "agentId"}, {"server", "messageServerId"}, {"channel", "channelId"}, {"detail", "channelId"},
		{"user", "entityId"}, {"author", "entityId"}, {"entity", "entityId"},
	} {
		if strings.Contains(lower, part.in) {
			return part.out
		}
	}
	return name
}

// harvest remembers the ids in an answer to a request with the given ids in its path. A plain "id" belongs to what the path
// names last.
func (p *idPool) harvest(path string, of map[string]string, answer any) {
	own := ""
	for segment := range strings.SplitSeq(path, "/") {
		if segment != "" && !strings.HasPrefix(segment, "{") {
			own = segment
		}
	}
	if stem, ok := strings.CutSuffix(own, "ies"); ok {
		own = stem + "y"
	}
	p.collect(strings.TrimSuffix(own, "s")+"Id", of, answer)
}

func (p *idPool) collect(own string, of map[string]string, v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			p.collect(own, of, item)
		}
	case map[string]any:
		thing := maps.Clone(of)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, ok := v[key].(string)
			if !ok {
				p.collect(own, of, v[key])
				continue
			}
			name := canonicalName(key)
			if key == "id" {
				name = canonicalName(own)
			}
			if _, err := uuid.Parse(text); err == nil && len(text) == 36 {
				thing[name] = text
				p.add(name, text)
			} else if key == "filename" {
				thing[name] = text
			}
		}
		p.keep(thing)
	}
}

func (p *idPool) keep(thing map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name := range thing {
		known := p.things[name]
		p.things[name] = append(known[max(0, len(known)-maxThings+1):], thing)
	}
}
