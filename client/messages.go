package client

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// MessagesQuery selects a page of messages; the zero value selects the newest 50.
type MessagesQuery struct {
	Limit  int // at most 200; 0: 50
	Offset int
	Before time.Time // strictly older; zero: no bound
	After  time.Time // strictly newer; zero: no bound
	Cursor string    // Next or Prev of another page's Cursors, to continue from there; overrides all but Limit
}

// Messages returns a page of a channel's messages, newest first.
func (c *Client) Messages(ctx context.Context, channelID uuid.UUID, q MessagesQuery) (MessageList, error) {
	params := api.ListMessagesParams{
		Limit: positive(q.Limit), Offset: positive(q.Offset), Before: query(q.Before), After: query(q.After), Cursor: text(q.Cursor),
	}
	return call[MessageList](ctx, c, "reading messages", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListMessages(ctx, channelID, &params)
	})
}

// History yields all messages of a channel, newest first, and reads page by page as they are consumed. Messages that are posted
// meanwhile are not included, and deletions meanwhile hide no other message. An error is the last element.
func (c *Client) History(ctx context.Context, channelID uuid.UUID) iter.Seq2[Message, error] {
	return all(func(cursor string) ([]Message, string, error) {
		page, err := c.Messages(ctx, channelID, MessagesQuery{Limit: pageSize, Cursor: cursor})
		return page.Messages, deref(page.Cursors.Next), err
	})
}

// Post stores a message of the client, gives it to the agents of the channel and returns at once; see Stream for the answer. It
// is retried safely, because each message gets an id here.
func (c *Client) Post(ctx context.Context, channelID uuid.UUID, text string) (MessagePosted, error) {
	return c.PostMessage(ctx, channelID, NewMessage{Content: &text})
}

// PostMessage is Post for messages with more than a text. The author is the client unless m says otherwise.
func (c *Client) PostMessage(ctx context.Context, channelID uuid.UUID, m NewMessage) (MessagePosted, error) {
	m = c.signed(m, api.TransportWebsocket)
	return call[MessagePosted](ctx, c, "posting a message", func(ctx context.Context) (*http.Response, error) {
		return c.api.PostMessage(withRepeat(ctx), channelID, &api.PostMessageParams{}, m)
	})
}

// signed returns m with an author, an id and the way in which it is to be answered.
func (c *Client) signed(m NewMessage, transport api.Transport) NewMessage {
	if m.AuthorID == nil {
		m.AuthorID = &c.entity
	}
	if m.ClientMessageID == nil {
		m.ClientMessageID = new(uuid.NewString())
	}
	m.Transport = &transport
	return m
}

// DeleteMessage removes a message from a channel. One that doesn't exist is no error.
func (c *Client) DeleteMessage(ctx context.Context, channelID, messageID uuid.UUID) error {
	return callEmpty(ctx, c, "deleting a message", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteMessage(ctx, channelID, messageID)
	})
}

// CancelAnswer cancels the answers to one of the client's messages, or one that is being written, named by the id of its pieces, and
// returns the runs. One that is still running then ends at once, and what was written of it is in the channel. Answers that have ended
// stay as they are.
func (c *Client) CancelAnswer(ctx context.Context, channelID, messageID uuid.UUID) ([]RunRef, error) {
	cancelled, err := call[api.Cancellation](ctx, c, "cancelling an answer", func(ctx context.Context) (*http.Response, error) {
		return c.api.CancelAnswer(withRepeat(ctx), channelID, messageID)
	})
	return cancelled.Runs, err
}

// ClearChannel removes all messages of a channel.
func (c *Client) ClearChannel(ctx context.Context, channelID uuid.UUID) error {
	return callEmpty(ctx, c, "clearing a channel", func(ctx context.Context) (*http.Response, error) {
		return c.api.ClearChannel(ctx, channelID)
	})
}

// Message returns a message, in whichever channel it is.
func (c *Client) Message(ctx context.Context, id uuid.UUID) (Message, error) {
	return call[Message](ctx, c, "reading a message", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetMessage(ctx, id)
	})
}

// EditMessage replaces the text of one of the client's own messages. All readers of the channel get it again.
func (c *Client) EditMessage(ctx context.Context, id uuid.UUID, text string) (Message, error) {
	return call[Message](ctx, c, "editing a message", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateMessage(withRepeat(ctx), id, &api.UpdateMessageParams{}, api.MessagePatch{Content: text})
	})
}
