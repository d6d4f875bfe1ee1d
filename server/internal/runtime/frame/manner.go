package frame

// Manner is what a model's earlier answers show about its next ones; the zero value is that of a model without any yet. A
// model whose template opens a thought begins each answer inside it, and nothing in such an answer shows that before its end.
type Manner struct {
	Known  bool // there was a complete answer
	Inside bool // one began inside a thought
	Plain  bool // the last one was words without a frame
}

// After returns the manner of a model after one more complete answer, which [Read] could read.
func (m Manner) After(f Frame) Manner {
	return Manner{Known: true, Inside: m.Inside || f.Inside, Plain: f.Unframed}
}
