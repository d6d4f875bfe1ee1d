package client

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
)

// Event is something that a connection delivers, see [Conn.Events]: one of [Broadcast], [StreamChunk], [StreamError],
// [Complete], [MessageUpdated], [MessageDeleted], [ChannelCleared], [ChannelUpdated], [ChannelDeleted], [SessionEnds] and
// [Typing] from the server, and one of [Disconnected], [Reconnected], [Rejoined] and [Refused] about the connection itself.
type Event interface {
	// about returns the channel that the event belongs to, uuid.Nil for none.
	about() uuid.UUID
}

// Broadcast is a message that was posted to a channel, by any sender, the client included. Those of one channel come in the
// order of Seq, each once. ClientMessageID is in the client's own: see SendOptions.ID.
type Broadcast api.SocketBroadcast

// StreamChunk is a piece of a reply that is being written. The pieces of a reply come in the order of Index and before the
// Broadcast with their MessageID; after a loss of the connection some may be missing.
type StreamChunk api.SocketStreamChunk

// StreamError says that a reply, whose id is MessageID, will not be finished.
type StreamError api.SocketStreamError

// Complete says that an agent is done with a message, in whichever way, or that no agent will deal with it. Without a MessageID
// it is from an agent elsewhere and about the whole channel; without an AgentID there was no agent.
type Complete api.SocketComplete

// MessageUpdated is a message that was delivered already, as it is now.
type MessageUpdated api.SocketMessageUpdated

// SessionEnds says that the session in a channel will end soon, or has ended.
type SessionEnds struct {
	api.SocketSession
	Expired bool `json:"-"`
}

// MessageDeleted says that a message is gone.
type MessageDeleted api.SocketMessageDeleted

// ChannelCleared says that all messages of a channel are gone.
type ChannelCleared api.SocketChannelGone

// ChannelDeleted says that a channel is gone. The connection has left it.
type ChannelDeleted api.SocketChannelGone

// ChannelUpdated says that a channel has changed, and how it is now.
type ChannelUpdated api.SocketChannelUpdated

// Typing says that another participant of a channel is typing, or has stopped.
type Typing struct {
	ChannelID  uuid.UUID
	EntityID   uuid.UUID
	SenderName string
	Stopped    bool
}

// Disconnected says that the connection was lost. The client reconnects.
type Disconnected struct {
	Err error // why
}

// Reconnected says that the server is back. The channels follow, each with its Rejoined.
type Reconnected struct{}

// Rejoined says that a channel was joined again, after the connection was lost or because events came faster than they were
// read. The messages posted meanwhile follow. Other events are not repeated: a program that shows a channel as it is reads from
// the server what may have been deleted or changed.
type Rejoined struct {
	ChannelID uuid.UUID
	Seq       int64 // number of the newest message
	// Reset says that the channel has fewer messages than the client has seen, as after the server went back to a backup.
	// The messages up to Seq are not delivered.
	Reset bool
}

// Refused says that the server refuses a request that the client made by itself: mostly to rejoin a channel. The connection has
// left that channel.
type Refused struct {
	ChannelID uuid.UUID
	Err       *Error
}

func (n Broadcast) about() uuid.UUID      { return n.ChannelID }
func (n StreamChunk) about() uuid.UUID    { return n.ChannelID }
func (n StreamError) about() uuid.UUID    { return n.ChannelID }
func (n Complete) about() uuid.UUID       { return n.ChannelID }
func (n MessageUpdated) about() uuid.UUID { return n.ChannelID }
func (n SessionEnds) about() uuid.UUID    { return n.ChannelID }
func (n MessageDeleted) about() uuid.UUID { return n.ChannelID }
func (n ChannelCleared) about() uuid.UUID { return n.ChannelID }
func (n ChannelDeleted) about() uuid.UUID { return n.ChannelID }
func (n ChannelUpdated) about() uuid.UUID { return n.ChannelID }
func (n Typing) about() uuid.UUID         { return n.ChannelID }
func (n Disconnected) about() uuid.UUID   { return uuid.Nil }
func (n Reconnected) about() uuid.UUID    { return uuid.Nil }
func (n Rejoined) about() uuid.UUID       { return n.ChannelID }
func (n Refused) about() uuid.UUID        { return n.ChannelID }

// decodeEvent returns the event that the server sent, nil for one that is not known or not of interest.
func decodeEvent(event string, payload json.RawMessage) (Event, error) {
	switch event {
	case "messageBroadcast":
		return decode[Broadcast](payload)
	case "messageStreamChunk":
		return decode[StreamChunk](payload)
	case "messageStreamError":
		return decode[StreamError](payload)
	case "messageComplete":
		return decode[Complete](payload)
	case "messageUpdated":
		return decode[MessageUpdated](payload)
	case "sessionExpirationWarning", "sessionExpired":
		var n SessionEnds
		err := json.Unmarshal(payload, &n)
		n.Expired = event == "sessionExpired"
		return n, err
	case "messageDeleted":
		return decode[MessageDeleted](payload)
	case "channelCleared":
		return decode[ChannelCleared](payload)
	case "channelDeleted":
		return decode[ChannelDeleted](payload)
	case "channelUpdated":
		return decode[ChannelUpdated](payload)
	case "typing_start", "typing_stop":
		var t api.SocketTyping
		if err := json.Unmarshal(payload, &t); err != nil {
			return nil, err
		}
		channel, err := uuid.Parse(t.ChannelID) // else it is a room in which nothing is stored
		return Typing{ChannelID: channel, EntityID: t.EntityID, SenderName: t.SenderName, Stopped: event == "typing_stop"}, err
	}
	return nil, nil
}

func decode[N Event](payload json.RawMessage) (Event, error) {
	var n N
	err := json.Unmarshal(payload, &n)
	return n, err
}
