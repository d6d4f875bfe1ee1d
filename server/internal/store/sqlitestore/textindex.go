package sqlitestore

import (
	"context"
	"sync/atomic"
)

// textIndex fills the index of words behind the commits. Writing into it costs a message an eighth of its post when each group does
// so for its own few, and next to nothing when it is done for hundreds at once. What waits is in the database, in
// messages_to_index, so that a crash loses nothing. A search waits until all that was committed is in the index.
type textIndex struct {
	writer *writer

	written atomic.Int64 // how many updates have begun to change something
	indexed atomic.Int64 // what written was when the index was complete
}

// indexBatch is how many messages go into the index in one transaction: as many as hold up other updates for a few milliseconds.
const indexBatch = 256

// indexMessages puts messages that wait into the index, and indexedMessages takes as many of them from those that wait. The join begins with
// the few.
const (
	indexMessages = `INSERT INTO message_index (rowid, content, place)
SELECT d.docid, d.content, d.place FROM (SELECT docid FROM messages_to_index ORDER BY docid LIMIT ?1) n CROSS JOIN message_documents d ON d.docid = n.docid`
	indexedMessages = `DELETE FROM messages_to_index WHERE docid IN (SELECT docid FROM messages_to_index ORDER BY docid LIMIT ?1)`
)

// complete brings the index up to what was committed before the call.
func (i *textIndex) complete(ctx context.Context) error {
	goal := i.written.Load()
	for i.indexed.Load() < goal {
		var begun int64
		drained := false
		err := i.writer.submit(ctx, &update{raw: func(h *handle) error {
			begun = i.written.Load()
			if _, err := h.ExecContext(ctx, indexMessages, indexBatch); err != nil {
				return err
			}
			taken, err := h.ExecContext(ctx, indexedMessages, indexBatch)
			if err != nil {
				return err
			}
			n, err := taken.RowsAffected()
			drained = n < indexBatch
			return err
		}})
		if err != nil {
			return err
		}
		if drained {
			i.reached(begun)
		}
	}
	return nil
}

// reached notes how far the index has come, unless another has noted more.
func (i *textIndex) reached(n int64) {
	for known := i.indexed.Load(); known < n && !i.indexed.CompareAndSwap(known, n); known = i.indexed.Load() {
	}
}
