package client

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// SessionsQuery selects a page of sessions; the zero value selects the newest 100.
type SessionsQuery struct {
	Limit  int // at most 500; 0: 100
	Offset int
}

// Sessions returns the client's live sessions, newest first.
func (c *Client) Sessions(ctx context.Context, q SessionsQuery) ([]Session, error) {
	sessions, _, err := c.sessions(ctx, q, "")
	return sessions, err
}

// AllSessions yields the sessions of Sessions without its limit, and reads pages of q.Limit as they are consumed. Sessions that
// begin meanwhile are not included; for one that ends meanwhile, another may be missing. An error is the last element.
func (c *Client) AllSessions(ctx context.Context, q SessionsQuery) iter.Seq2[Session, error] {
	return all(func(cursor string) ([]Session, string, error) { return c.sessions(ctx, q, cursor) })
}

func (c *Client) sessions(ctx context.Context, q SessionsQuery, cursor string) (sessions []Session, next string, err error) {
	params := api.ListSessionsParams{Limit: positive(q.Limit), Offset: positive(q.Offset), Cursor: text(cursor)}
	list, err := callBare[api.SessionList](ctx, c, "listing sessions", leading(&next, func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSessions(ctx, &params)
	}))
	return list.Sessions, next, err
}

// CreateSession begins a conversation with an agent that ends after a silence. The user is the client unless n says
// otherwise.
func (c *Client) CreateSession(ctx context.Context, n NewSession) (Session, error) {
	if n.UserID == uuid.Nil {
		n.UserID = c.entity
	}
	return callBare[Session](ctx, c, "beginning a session", func(ctx context.Context) (*http.Response, error) {
		return c.api.CreateSession(ctx, n)
	})
}

// Session returns a session. One that has ended is an *Error of status 410, and later not found.
func (c *Client) Session(ctx context.Context, id uuid.UUID) (Session, error) {
	return callBare[Session](ctx, c, "reading a session", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetSession(ctx, id)
	})
}

// DeleteSession ends a session. Its channel and messages stay.
func (c *Client) DeleteSession(ctx context.Context, id uuid.UUID) error {
	return callEmpty(ctx, c, "ending a session", func(ctx context.Context) (*http.Response, error) {
		return c.api.DeleteSession(ctx, id)
	})
}

// RenewSession restarts a session's time-out.
func (c *Client) RenewSession(ctx context.Context, id uuid.UUID) (Session, error) {
	return callBare[Session](ctx, c, "renewing a session", func(ctx context.Context) (*http.Response, error) {
		return c.api.RenewSession(ctx, id)
	})
}

// HeartbeatSession is activity in a session without a message.
func (c *Client) HeartbeatSession(ctx context.Context, id uuid.UUID) (Session, error) {
	return callBare[Session](ctx, c, "keeping a session alive", func(ctx context.Context) (*http.Response, error) {
		return c.api.HeartbeatSession(withRepeat(ctx), id)
	})
}

// UpdateSessionTimeout changes the time-outs of a session that are set in patch.
func (c *Client) UpdateSessionTimeout(ctx context.Context, id uuid.UUID, patch TimeoutPatch) (Session, error) {
	return callBare[Session](ctx, c, "changing a session's time-outs", func(ctx context.Context) (*http.Response, error) {
		return c.api.UpdateSessionTimeout(ctx, id, patch)
	})
}

// SessionsHealth returns how many sessions there are.
func (c *Client) SessionsHealth(ctx context.Context) (SessionsHealth, error) {
	return callBare[SessionsHealth](ctx, c, "counting sessions", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetSessionsHealth(ctx)
	})
}

// SessionMessagesQuery selects a page of a session's messages; the zero value selects the newest 50.
type SessionMessagesQuery struct {
	Limit  int       // at most 100; 0: 50
	Before time.Time // strictly older; zero: no bound
	After  time.Time // strictly newer; zero: no bound
	Cursor string    // Next or Prev of another page's Cursors, to continue from there; overrides all but Limit
}

// SessionMessages returns a page of a session's messages, newest first.
func (c *Client) SessionMessages(ctx context.Context, id uuid.UUID, q SessionMessagesQuery) (SessionMessageList, error) {
	params := api.ListSessionMessagesParams{
		Limit: positive(q.Limit), Before: query(q.Before), After: query(q.After), Cursor: text(q.Cursor),
	}
	return callBare[SessionMessageList](ctx, c, "reading a session's messages", func(ctx context.Context) (*http.Response, error) {
		return c.api.ListSessionMessages(ctx, id, &params)
	})
}

// SessionHistory yields all messages of a session, newest first, and reads page by page as they are consumed. Messages that are
// posted meanwhile are not included. An error is the last element.
func (c *Client) SessionHistory(ctx context.Context, id uuid.UUID) iter.Seq2[SessionMessage, error] {
	return all(func(cursor string) ([]SessionMessage, string, error) {
		page, err := c.SessionMessages(ctx, id, SessionMessagesQuery{Limit: sessionPage, Cursor: cursor})
		return page.Messages, deref(page.Cursors.Next), err
	})
}

// sessionPage is the maximum number of a session's messages in a page.
const sessionPage = 100

// PostToSession posts a message in a session and returns at once; see StreamSession for the answer.
func (c *Client) PostToSession(ctx context.Context, id uuid.UUID, m NewSessionMessage) (SessionMessagePosted, error) {
	m = inSession(m, api.TransportWebsocket)
	return call[SessionMessagePosted](ctx, c, "posting to a session", func(ctx context.Context) (*http.Response, error) {
		return c.api.PostSessionMessage(withRepeat(ctx), id, &api.PostSessionMessageParams{}, m)
	})
}

// StreamSession posts a message in a session and yields the agent's answer, like Stream.
func (c *Client) StreamSession(ctx context.Context, id uuid.UUID, m NewSessionMessage) iter.Seq2[AnswerStep, error] {
	m = inSession(m, api.TransportSse)
	return c.answer(ctx, func(ctx context.Context, last *string) (*http.Response, error) {
		return c.api.PostSessionMessage(withRepeat(ctx), id, &api.PostSessionMessageParams{LastEventID: last}, m, acceptStream)
	})
}

// inSession returns m with an id and the way in which it is to be answered.
func inSession(m NewSessionMessage, transport api.Transport) NewSessionMessage {
	if m.ClientMessageID == nil {
		m.ClientMessageID = new(uuid.NewString())
	}
	m.Transport = &transport
	return m
}

// positive returns a number as a query parameter; nil for one that isn't positive.
func positive(n int) *string {
	if n <= 0 {
		return nil
	}
	return new(strconv.Itoa(n))
}
