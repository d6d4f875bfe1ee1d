package client

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Search selects messages in all channels. At least one of Text, Channel and Author is required.
type Search struct {
	Text     string    // every word of it occurs in the message, in whatever case; empty: any
	Channel  uuid.UUID // zero: any
	Author   uuid.UUID // zero: any
	From, To time.Time // zero: unbounded
	Limit    int       // of one page; 0: the server's default
	Cursor   string    // NextCursor of the page before; empty: the first page
}

// Search returns a page of the messages found, newest first.
func (c *Client) Search(ctx context.Context, s Search) (Found, error) {
	request := api.SearchMessagesRequest{Query: text(s.Text), ChannelID: known(s.Channel), AuthorID: known(s.Author), Cursor: text(s.Cursor)}
	if s.Limit > 0 {
		request.Limit = &s.Limit
	}
	for bound, into := range map[*time.Time]*api.LooseMoment{&s.From: &request.From, &s.To: &request.To} {
		if !bound.IsZero() {
			*into = encode(bound.UTC())
		}
	}
	return call[Found](ctx, c, "searching messages", func(ctx context.Context) (*http.Response, error) {
		return c.api.SearchMessages(withRepeat(ctx), request)
	})
}

// SearchAll yields all messages found, newest first, and reads page by page as they are consumed. Messages that are posted
// meanwhile don't shift the pages. An error is the last element.
func (c *Client) SearchAll(ctx context.Context, s Search) iter.Seq2[Message, error] {
	return all(func(cursor string) ([]Message, string, error) {
		s := s
		if cursor != "" {
			s.Cursor = cursor
		}
		page, err := c.Search(ctx, s)
		return page.Messages, deref(page.NextCursor), err
	})
}

// known returns an id for a request; nil for the zero one.
func known(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
