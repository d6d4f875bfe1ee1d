package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// SendOptions is what a message may have beside its text.
type SendOptions struct {
	// ID is the client's own id of the message. The same text under the same id is posted once, so a call that was given up may
	// be repeated. Without it every call has its own.
	ID          string
	SenderName  string
	Server      uuid.UUID // message server, for a channel that does not exist yet; zero: the current one
	InReplyTo   uuid.UUID // a message of the channel; zero: none
	Attachments []any     // objects such as {"url", "contentType"}
	Metadata    map[string]any
}

// Sent is a message that the server has stored.
type Sent struct {
	ID  uuid.UUID
	Seq int64 // position in the channel
}

// Send posts a message of the client and returns when it is stored; the answer comes through Events, as does the message
// itself. Send joins the channel first, from now on; a channel that doesn't exist is created.
//
// A message is sent again when the connection breaks before the server has confirmed it, and when the server asks to wait, as
// long as ctx and the client's timeout allow; it is stored once all the same.
func (c *Conn) Send(ctx context.Context, channelID uuid.UUID, text string, o SendOptions) (Sent, error) {
	ctx, cancel := c.client.bound(ctx)
	defer cancel()
	if _, err := c.join(ctx, channelID, Latest); err != nil {
		return Sent{}, fmt.Errorf("sending a message: joining the channel: %w", err)
	}
	answer, err := c.deliver(ctx, "send_message", c.message(channelID, text, o))
	if err != nil {
		return Sent{}, fmt.Errorf("sending a message: %w", err)
	}
	var stored api.SocketAck
	if err := json.Unmarshal(answer, &stored); err != nil {
		return Sent{}, fmt.Errorf("sending a message: reading the answer: %w", err)
	}
	return Sent{ID: stored.MessageID, Seq: stored.Seq}, nil
}

// message returns the payload of a send_message.
func (c *Conn) message(channelID uuid.UUID, text string, o SendOptions) api.SocketSend {
	m := api.SocketSend{
		ChannelID: channelID.String(), SenderID: c.client.entity.String(), SenderName: o.SenderName, Message: text, MessageID: o.ID,
	}
	if o.ID == "" {
		m.MessageID = uuid.NewString()
	}
	if o.Server != uuid.Nil {
		m.MessageServerID = o.Server.String()
	}
	if o.InReplyTo != uuid.Nil {
		m.InReplyTo = o.InReplyTo.String()
	}
	if len(o.Attachments) > 0 {
		m.Attachments = o.Attachments
	}
	if o.Metadata != nil {
		m.Metadata = o.Metadata
	}
	return m
}

// deliver sends an event until it is acknowledged or refused.
func (c *Conn) deliver(ctx context.Context, event string, payload any) (json.RawMessage, error) {
	var pause backoff
	for {
		l, err := c.current(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := l.ask(ctx, event, payload)
		refusal, refused := errors.AsType[*Error](err)
		switch {
		case refused && isPassing(refusal) && refusal.RetryAfter <= maxWait:
			if err := sleep(ctx, max(pause.next(), refusal.RetryAfter)); err != nil {
				return nil, fmt.Errorf("%w: %w", refusal, err)
			}
		case !errors.Is(err, errLost):
			return answer, err
		}
	}
}

// Cancel cancels the answers to a message, or one that is being written, named by the id of its pieces, and returns the runs. How one
// that is still running then ends comes through Events.
func (c *Conn) Cancel(ctx context.Context, channelID, messageID uuid.UUID) ([]RunRef, error) {
	ctx, cancel := c.client.bound(ctx)
	defer cancel()
	answer, err := c.deliver(ctx, "cancel_answer", api.SocketCancel{ChannelID: new(channelID.String()), MessageID: messageID.String()})
	if err != nil {
		return nil, fmt.Errorf("cancelling an answer: %w", err)
	}
	var cancelled api.SocketCancelled
	if err := json.Unmarshal(answer, &cancelled); err != nil {
		return nil, fmt.Errorf("cancelling an answer: reading the answer: %w", err)
	}
	return cancelled.Runs, nil
}

// Typing notifies the others in a channel that the client is typing, or has stopped; without a repetition they assume after
// some seconds that it has stopped. It is lost while there is no connection.
func (c *Conn) Typing(ctx context.Context, channelID uuid.UUID, typing bool) error {
	c.mu.Lock()
	l := c.link
	c.mu.Unlock()
	if l == nil {
		return nil
	}
	event := "typing_start"
	if !typing {
		event = "typing_stop"
	}
	ctx, cancel := c.client.bound(ctx)
	defer cancel()
	if _, err := l.ask(ctx, event, api.SocketChannelRef{ChannelID: channelID.String()}); err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("telling that one is typing: %w", err)
	}
	return nil
}
