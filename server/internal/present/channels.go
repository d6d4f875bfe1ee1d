package present

import (
	"encoding/json"

	"github.com/elizad/elizad/api/wire"
	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// The translations from the domain to the wire: message servers, channels and runs. Agents and messages have files of
// their own.

// MessageServer shows a message server.
func (d Documents) MessageServer(s messaging.MessageServer) api.MessageServer {
	return api.MessageServer{
		ID: s.ID, Name: s.Name, SourceType: s.SourceType, SourceID: s.SourceID, Metadata: d.OfAgent(s.Metadata),
		CreatedAt: wire.At(s.CreatedAt), UpdatedAt: wire.At(s.UpdatedAt),
	}
}

// MessageServerCreated shows a message server that was just made. It holds the server twice, since one client reads it from data and another from data.server.
func (d Documents) MessageServerCreated(s messaging.MessageServer) api.MessageServerCreated {
	w := d.MessageServer(s)
	return api.MessageServerCreated{
		ID: w.ID, Name: w.Name, SourceType: w.SourceType, SourceID: w.SourceID, Metadata: w.Metadata,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Server: w,
	}
}

// ParticipantsKey is a list in a channel's metadata that some clients read and write. It shows the participants and is never
// stored.
const ParticipantsKey = "participantCentralUserIds"

// ChannelMetadata shows the metadata of a channel.
func (d Documents) ChannelMetadata(c *messaging.Channel) json.RawMessage {
	return d.files.Shown(c.Metadata, c.ID)
}

// Channel shows a channel.
func (d Documents) Channel(c messaging.Channel) api.Channel {
	w := api.Channel{
		ID: c.ID, MessageServerID: c.MessageServerID, Name: c.Name, Type: api.ChannelType(c.Type), SourceType: c.SourceType,
		SourceID: c.SourceID, Topic: c.Topic, Metadata: d.ChannelMetadata(&c), TurnPolicy: api.TurnPolicy(c.Policy), LastSeq: c.LastSeq,
		CreatedAt: wire.At(c.CreatedAt), UpdatedAt: wire.At(c.UpdatedAt),
	}
	if c.Participants != nil {
		w.Metadata = jsontext.Merge(w.Metadata, jsontext.Object{ParticipantsKey: jsontext.Encode(c.Participants)})
	}
	return w
}

// ChannelCreated shows a channel that was just made. It holds the channel twice, since one client reads it from data and another
// from data.channel.
func (d Documents) ChannelCreated(c messaging.Channel) api.ChannelCreated {
	w := d.Channel(c)
	return api.ChannelCreated{
		ID: w.ID, MessageServerID: w.MessageServerID, Name: w.Name, Type: w.Type, SourceType: w.SourceType, SourceID: w.SourceID, Topic: w.Topic,
		Metadata: w.Metadata, TurnPolicy: w.TurnPolicy, LastSeq: w.LastSeq, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Channel: w,
	}
}

// ChannelUpdated shows a channel that was just changed, in either of the forms in which clients read it.
func (d Documents) ChannelUpdated(c messaging.Channel) api.ChannelUpdated {
	w := d.Channel(c)
	return api.ChannelUpdated{
		ID: w.ID, MessageServerID: w.MessageServerID, Name: w.Name, Type: w.Type, SourceType: w.SourceType, SourceID: w.SourceID, Topic: w.Topic,
		Metadata: w.Metadata, TurnPolicy: w.TurnPolicy, LastSeq: w.LastSeq, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Success: true, Data: w,
	}
}
