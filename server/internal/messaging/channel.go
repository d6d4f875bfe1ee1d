package messaging

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
)

// DefaultServerID is the message server that exists from the first start in the default tenant. Clients write it where they know no
// other: in every tenant it names the current server.
var DefaultServerID = uuid.Nil

// MessageServer is a tenant of channels: a community, or the default one.
type MessageServer struct {
	ID         uuid.UUID
	Name       string
	SourceType string
	SourceID   *string
	Metadata   json.RawMessage // an object
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// ChannelType says what kind of place a channel is. Agents always answer in one-to-one types.
type ChannelType string

// The channel types that clients know.
const (
	TypeSelf       ChannelType = "SELF"
	TypeDM         ChannelType = "DM"
	TypeGroup      ChannelType = "GROUP"
	TypeVoiceDM    ChannelType = "VOICE_DM"
	TypeVoiceGroup ChannelType = "VOICE_GROUP"
	TypeFeed       ChannelType = "FEED"
	TypeThread     ChannelType = "THREAD"
	TypeWorld      ChannelType = "WORLD"
	TypeForum      ChannelType = "FORUM"
	TypeAPI        ChannelType = "API"
)

// ParseChannelType reads a channel type in either case. What isn't one is a group, and not known.
func ParseChannelType(s string) (t ChannelType, known bool) {
	switch t := ChannelType(strings.ToUpper(strings.TrimSpace(s))); t {
	case "TEXT": // as platforms call theirs
		return TypeGroup, true
	case "VOICE":
		return TypeVoiceGroup, true
	case TypeSelf, TypeDM, TypeGroup, TypeVoiceDM, TypeVoiceGroup, TypeFeed, TypeThread, TypeWorld, TypeForum, TypeAPI:
		return t, true
	default:
		return TypeGroup, false
	}
}

// Policy says what happens to a message that arrives while an agent still has work in the same channel.
type Policy string

// The policies of a mailbox.
const (
	PolicyQueue  Policy = "queue"  // it waits; every message is answered, in order
	PolicyLatest Policy = "latest" // it replaces whatever is waiting or running
	PolicyMerge  Policy = "merge"  // it replaces what is waiting; the run in progress is finished
	PolicyReject Policy = "reject" // it is refused
)

// Channel is a conversation. Its messages are numbered from 1 in the order in which they were stored.
type Channel struct {
	ID              uuid.UUID
	MessageServerID uuid.UUID
	Name            string
	Type            ChannelType
	SourceType      *string
	SourceID        *string
	Topic           *string
	Metadata        json.RawMessage // an object
	Policy          Policy
	CreatedBy       *uuid.UUID
	LastSeq         int64       // number of the newest message ever posted; 0 before the first
	Participants    []uuid.UUID // people and agents in the order of joining; nil in lists
	CreatedAt       time.Time
	UpdatedAt       time.Time // never goes back; moved by every message
}

// NewChannel is what CreateChannel needs to know.
type NewChannel struct {
	ServerID     *uuid.UUID // nil means the current server
	Name         string
	Type         ChannelType
	Topic        *string
	Metadata     json.RawMessage // an object, or nil
	Participants []uuid.UUID
	Policy       Policy // empty means PolicyQueue
}

// ChannelPatch changes the fields that are set.
type ChannelPatch struct {
	Name          *string
	Topic         *string
	Metadata      json.RawMessage // an object that replaces the old one, or is merged into it
	MergeMetadata bool
	Participants  *[]uuid.UUID // replaces the whole list
	Policy        *Policy

	// Check is asked before anything changes, about the channel as it is then; its error refuses the change. nil: no
	// question.
	Check func(Channel) error
}

// ChannelQuery restricts a list of channels.
type ChannelQuery struct {
	IncludeInternal bool // also the channels that parts of the server made for themselves
	Limit           int  // 0 means no limit
	Offset          int
}

// ChannelPage is a part of a list of channels.
type ChannelPage struct {
	Channels []Channel // without participants
	HasMore  bool
	Total    int // how many fit the query in all; of a page before the last, counted up to 1000
}

// DMRequest names the two sides of a direct conversation.
type DMRequest struct {
	A, B     uuid.UUID
	ServerID uuid.UUID // an unknown server means the current one
}
