package similar

import (
	"cmp"
	"slices"
)

// Best keeps the candidates with the highest scores. Of equal ones the first is ahead.
type Best[ID comparable] struct {
	most   int
	scored []scored[ID] // highest first
}

type scored[ID comparable] struct {
	id    ID
	score float64
}

// NewBest returns a Best that keeps so many.
func NewBest[ID comparable](most int) *Best[ID] { return &Best[ID]{most: most} }

// Offer adds a candidate.
func (b *Best[ID]) Offer(id ID, score float64) {
	at, _ := slices.BinarySearchFunc(b.scored, score, func(have scored[ID], score float64) int {
		if have.score >= score {
			return -1
		}
		return 1
	})
	if at == b.most {
		return
	}
	b.scored = slices.Insert(b.scored[:min(len(b.scored), b.most-1)], at, scored[ID]{id, score})
}

// IDs returns the candidates that were kept, the best first.
func (b *Best[ID]) IDs() []ID {
	out := make([]ID, len(b.scored))
	for i, s := range b.scored {
		out[i] = s.id
	}
	return out
}

// rankOffset is the constant of reciprocal rank fusion: how little the first places of a list count more than the next.
const rankOffset = 60

// Fuse merges lists that were ranked in different ways, by reciprocal rank: what stands high in several is ahead of what stands
// high in one. Of equal ones, what appears first is ahead.
func Fuse[ID comparable](lists ...[]ID) []ID {
	var order []ID
	scores := map[ID]float64{}
	for _, list := range lists {
		for rank, id := range list {
			if _, seen := scores[id]; !seen {
				order = append(order, id)
			}
			scores[id] += 1 / float64(rankOffset+rank+1)
		}
	}
	slices.SortStableFunc(order, func(a, b ID) int { return cmp.Compare(scores[b], scores[a]) })
	return order
}
