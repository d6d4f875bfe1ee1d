package runtime

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/similar"
)

// maxClaim is how many characters a fact may have.
const maxClaim = 500

// learned is what an agent is to keep, and to drop, when its run ends.
type learned struct {
	mu    sync.Mutex
	facts []messaging.Fact
	gone  []uuid.UUID
}

// maxLearned is how many facts of a run are kept.
const maxLearned = 50

func (l *learned) add(r *run, facts []agent.Fact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range facts {
		claim := firstRunes(strings.Join(strings.Fields(dbtype.Text(f.Claim)), " "), maxClaim)
		if messaging.NormalClaim(claim) == "" || len(l.facts) == maxLearned {
			continue
		}
		if f.About == uuid.Nil {
			f.About = r.view.Message.AuthorID
		}
		if f.About == r.view.Message.AuthorID {
			f.Name = r.view.Message.Author
		}
		l.facts = append(l.facts, messaging.Fact{
			EntityID: f.About, EntityName: f.Name, Claim: claim, Topic: firstRunes(dbtype.Text(f.Topic), maxClaim),
			Kind: cmp.Or(messaging.FactKind(f.Kind), messaging.KindFact), Confidence: 1, Sources: []uuid.UUID{r.turn.MessageID},
		})
	}
}

func (l *learned) drop(ids []uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = append(l.gone, ids...)
}

// all returns what is to be kept, and what is to be dropped before.
func (l *learned) all() ([]messaging.Fact, []uuid.UUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.facts), slices.Clone(l.gone)
}

// readFacts turns what messaging knows of the agent's facts into what components see.
func (r *run) readFacts() {
	names := map[uuid.UUID]string{}
	for _, p := range r.view.Room.Participants {
		names[p.ID] = p.Name
	}
	add := func(list []messaging.Fact, own bool) {
		for _, f := range list {
			r.view.Facts = append(r.view.Facts, agent.Fact{
				ID: f.ID, About: f.EntityID, Name: cmp.Or(names[f.EntityID], f.EntityName), Claim: f.Claim, Topic: f.Topic, Kind: string(f.Kind), Own: own,
				UpdatedAt: f.UpdatedAt,
			})
		}
	}
	add(r.context.Facts.OfSender, true)
	add(r.context.Facts.OfRoom, false)
}

const (
	factsName = "FACTS"
	// maxRecalled is how many facts of the author, and of the others in the room, a prompt holds.
	maxRecalled = 6
	// recallMessages is how many messages, the newest last, are compared with what is remembered.
	recallMessages = 3
)

// factsProvider tells the model what the agent remembers that has to do with what is being said (agent runtime §12.3).
func factsProvider() agent.Provider {
	return agent.Provider{
		Name: factsName, Description: "What the agent remembers about the people here",
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			var said []string
			for _, m := range run.Recent[max(0, len(run.Recent)-recallMessages):] {
				said = append(said, shorten(m.Content.Text, maxLine))
			}
			query := strings.Join(said, "\n")
			split := slices.IndexFunc(run.Facts, func(f agent.Fact) bool { return !f.Own })
			if split < 0 {
				split = len(run.Facts)
			}
			var lines []string
			for _, f := range append(relevant(query, run.Facts[:split], maxRecalled), relevant(query, run.Facts[split:], maxRecalled)...) {
				lines = append(lines, "- "+cmp.Or(f.Name, "Somebody")+": "+neutral(f.Claim))
			}
			text := strings.Join(lines, "\n")
			return agent.ProviderResult{
				Text: titled("What you remember of the people here, in their words or yours", text), Values: map[string]any{"facts": text},
			}, nil
		},
	}
}

// relevant returns up to most of the facts, those first that have most to do with a text: in its words, or in words like them. Where
// these are few, the newest follow.
func relevant(query string, facts []agent.Fact, most int) []agent.Fact {
	if len(facts) <= most {
		return slices.Clone(facts)
	}
	alike, worded := similar.NewBest[int](most), similar.NewBest[int](most)
	vector, weights := similar.Embed(query), weighWords(query, facts)
	for i, f := range facts {
		if score := similar.Cosine(vector, similar.Embed(f.Claim)); score >= similar.Threshold {
			alike.Offer(i, score)
		}
		score := 0.0
		for word := range wordsIn(f.Claim) {
			score += weights[word]
		}
		if score > 0 {
			worded.Offer(i, score)
		}
	}
	order := similar.Fuse(worded.IDs(), alike.IDs())
	for i := range facts {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
		if len(order) >= most {
			break
		}
	}
	out := make([]agent.Fact, 0, most)
	for _, i := range order[:most] {
		out = append(out, facts[i])
	}
	return out
}

// weighWords returns what the words of a text count in facts: those that few facts have, most.
func weighWords(query string, facts []agent.Fact) map[string]float64 {
	weights := map[string]float64{}
	for word := range wordsIn(query) {
		weights[word] = 0
	}
	for _, f := range facts {
		for word := range wordsIn(f.Claim) {
			if _, asked := weights[word]; asked {
				weights[word]++
			}
		}
	}
	for word, n := range weights {
		if n > 0 {
			weights[word] = math.Log(1 + float64(len(facts))/n)
		}
	}
	return weights
}

// wordsIn returns the words of a text that say something.
func wordsIn(text string) map[string]bool {
	words := map[string]bool{}
	for word := range similar.Terms(text) {
		words[word] = true
	}
	return words
}
