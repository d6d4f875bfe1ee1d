package messaging

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/names"
)

// Limits of a message, and of channels and message servers.
const (
	MaxReply       = 200_000 // characters that an agent may answer
	maxName        = 256
	maxMessageJSON = 1 << 20  // bytes of each field with JSON
	maxPlaceJSON   = 64 << 10 // bytes of the metadata of a channel or message server, of which lists hold many
	maxClientID    = 256
	replayWindow   = 2 * time.Minute // how long a client's own message id is remembered
)

// Source types that the server itself gives to messages.
const (
	SourceAgentResponse = "agent_response"
	SourceAgentAction   = "agent_action"
	SourceGUI           = "eliza_gui"
	SourceCompletion    = "chat_completion" // of a client that sends all that was said with each message
)

// InstructionsKey is the member of the metadata of such a client's message that holds what the client asks of the agent.
const InstructionsKey = "instructions"

// AnonymousID is the author of messages without one: the UUID that every implementation derives from the
// name "anonymous".
var AnonymousID = uuid.MustParse("0a92fab3-2301-04cc-a6ea-dd9898325b9b")

// Message is one entry of a channel, as stored.
type Message struct {
	ID              uuid.UUID       `json:"id"`
	ChannelID       uuid.UUID       `json:"channelId"`
	MessageServerID uuid.UUID       `json:"messageServerId"`
	Seq             int64           `json:"seq"` // position in the channel
	AuthorID        uuid.UUID       `json:"authorId"`
	AuthorName      string          `json:"authorName,omitempty"`
	Content         string          `json:"content"`
	RawMessage      json.RawMessage `json:"rawMessage,omitempty"` // any JSON, or nil
	InReplyTo       *uuid.UUID      `json:"inReplyTo,omitempty"`
	SourceType      string          `json:"sourceType,omitempty"`
	SourceID        string          `json:"sourceId,omitempty"`  // the id that the sending client or platform gave it
	Metadata        json.RawMessage `json:"metadata"`            // an object
	Unhandled       string          `json:"unhandled,omitempty"` // why no agent was given the message
	CreatedAt       time.Time       `json:"createdAt"`
	UpdatedAt       time.Time       `json:"updatedAt"`
}

// Reasons in Message.Unhandled.
const (
	UnhandledNoAgent      = "no_agent"       // only people take part in the channel
	UnhandledAgentStopped = "agent_stopped"  // every agent of the channel is stopped
	UnhandledNotAttached  = "agent_detached" // the channel's agents don't serve its message server
)

// Draft is a message before it is posted. All senders set the channel and the words. Clients by REST and sockets add an id of
// their own, and how to make a channel that isn't there; other programs the platform and their id on it, and that it may be an
// agent's; callers that wait for the answer whom they mean, and how far they have read it; parts of the server that have channels of
// their own (see [Observer]) what else their message makes.
type Draft struct {
	ID         uuid.UUID  // zero: a new one is made. An id that exists makes the post a duplicate or a conflict
	NewID      bool       // ID was made by NewID for this post, so no lookup is needed
	ChannelID  uuid.UUID  // required
	ServerID   *uuid.UUID // must be the channel's, when given; the home of a channel that is made
	AuthorID   uuid.UUID  // zero: the caller, or AnonymousID
	AuthorName string
	Content    string          // required, unless there are attachments in Metadata
	RawMessage json.RawMessage // any JSON
	Metadata   json.RawMessage // an object
	Extras     Extras          // becomes a part of Metadata
	InReplyTo  *uuid.UUID      // a message of the same channel
	SourceType string          // empty: SourceGUI
	ClientID   string          // the client's own id: the same text under the same id is posted once
	SourceID   string          // the id on the platform SourceType: in one channel it is posted once, whenever it comes again
	Quiet      bool            // no agent is asked to answer: it is an answer itself, or news
	Submitted  bool            // it may be an agent's: quiet when its author is an agent, or its SourceType one of an agent's
	Create     *AutoCreate     // how to make a channel that isn't there; nil: that is an error
	Target     *uuid.UUID      // an agent that must get a turn; the zero UUID stands for any. nil: the message may go unanswered
	Resume     *Position       // for Ask: how far the reader of an earlier exchange about this message came

	// Both run in the transaction of the post, which may run them again, and their errors undo it.
	MakeChannel func(ctx context.Context, q db.Scoped) error                      // makes the channel that isn't there, in place of Create
	Also        func(ctx context.Context, q db.Scoped, messageID uuid.UUID) error // what else a new message changes
}

// Position is a point in the answer to a message.
type Position struct {
	MessageID uuid.UUID
	Chunks    int // pieces of the reply before it
	Bytes     int // of the reply's text before it
}

// AutoCreate describes the channel that a first message makes.
type AutoCreate struct {
	CreatedBy string      // stored in the metadata: which transport it came by
	DM        bool        // a DM rather than a group
	Others    []uuid.UUID // participants beside the author
}

// AutoCreateFrom reads from a message's metadata what kind of channel its sender means: isDm or a channelType of DM, and
// targetUserId or recipientId for the other side.
func AutoCreateFrom(metadata json.RawMessage, createdBy string) *AutoCreate {
	var m struct {
		IsDM         any    `json:"isDm"`
		ChannelType  string `json:"channelType"`
		ChannelType2 string `json:"channel_type"`
		Target       string `json:"targetUserId"`
		Recipient    string `json:"recipientId"`
	}
	_ = json.Unmarshal(metadata, &m) // what can't be read means nothing
	a := &AutoCreate{CreatedBy: createdBy}
	a.DM = truthy(m.IsDM) || strings.EqualFold(m.ChannelType, string(TypeDM)) || strings.EqualFold(m.ChannelType2, string(TypeDM))
	if !a.DM {
		return a
	}
	for _, s := range []string{m.Target, m.Recipient} {
		if id, err := uuid.Parse(s); err == nil {
			a.Others = []uuid.UUID{id}
			break
		}
	}
	return a
}

// Addressee reads from a message's metadata which agent its sender means, under targetAgentId; the zero id for none.
func Addressee(metadata json.RawMessage) uuid.UUID {
	var m struct {
		Target string `json:"targetAgentId"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return uuid.Nil
	}
	id, err := auth.ParseID(m.Target)
	if err != nil {
		return uuid.Nil
	}
	return id
}

func truthy(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case string:
		return x != "" && x != "false"
	case float64:
		return x != 0
	default:
		return v != nil
	}
}

// Posted is the result of a post.
type Posted struct {
	Message        Message
	Channel        Channel // without participants
	Turns          []Turn  // one for each agent that was given the message
	ChannelCreated bool
	Duplicate      bool // the message was there already; nothing was stored
}

// HistoryQuery selects messages of a channel.
type HistoryQuery struct {
	Limit  int // 0 means 50; at most 200
	Offset int
	Before *time.Time // strictly older
	After  *time.Time // strictly newer; without Before, the oldest of the newer ones

	// BeforeSeq and AfterSeq bound the page by number instead, and Before, After and Offset are of no consequence then: the
	// newest that come before one number, or the oldest that come after the other. At most one is set.
	BeforeSeq, AfterSeq *int64
}

// History is a page of messages, newest first.
type History struct {
	Messages []Message
	HasMore  bool
}

func tooLong(s string, limit int) bool {
	return len(s) > limit && utf8.RuneCountInString(s) > limit
}

// checkLength refuses what is longer than callers may write.
func (s *Service) checkLength(content string) error {
	if !tooLong(content, s.maxContent) {
		return nil
	}
	return apierr.New(apierr.ValidationFailed, "The message has %d characters; this server takes %d (ELIZAD_MAX_MESSAGE)", utf8.RuneCountInString(content), s.maxContent).
		WithDetails("Send less at a time, or raise the setting ELIZAD_MAX_MESSAGE (--max-message)")
}

// validate checks and cleans d.
func (d *Draft) validate() error {
	for _, text := range []*string{&d.Content, &d.SourceType, &d.ClientID, &d.SourceID} {
		*text = dbtype.Text(*text)
	}
	d.AuthorName = names.Clean(d.AuthorName)
	if err := d.mergeExtras(); err != nil {
		return err
	}
	switch {
	case d.ChannelID == uuid.Nil:
		return apierr.New(apierr.ValidationFailed, "channelId is required")
	case d.AuthorID == uuid.Nil:
		return apierr.New(apierr.ValidationFailed, "author_id is required")
	case d.Content == "" && !hasAttachments(d.Metadata):
		return apierr.New(apierr.ValidationFailed, "content is required")
	case tooLong(d.AuthorName, maxName):
		return apierr.New(apierr.ValidationFailed, "The sender's name exceeds %d characters", maxName)
	case len(d.ClientID) > maxClientID:
		return apierr.New(apierr.ValidationFailed, "messageId exceeds %d bytes", maxClientID)
	case len(d.SourceType) > maxClientID:
		return apierr.New(apierr.ValidationFailed, "source_type exceeds %d bytes", maxClientID)
	case len(d.SourceID) > maxClientID:
		return apierr.New(apierr.ValidationFailed, "source_id exceeds %d bytes", maxClientID)
	}
	var err error
	if d.RawMessage, err = jsontext.Check(d.RawMessage, "raw_message", maxMessageJSON); err != nil {
		return err
	}
	if d.SourceType == "" && !d.Submitted {
		d.SourceType = SourceGUI
	}
	if d.SourceID != "" {
		d.ID = externalID(d.ChannelID, d.SourceType, d.SourceID)
	}
	return nil
}

// mergeExtras makes what the message brings beside its text a part of its metadata.
func (d *Draft) mergeExtras() error {
	metadata, err := jsontext.CheckObject(d.Metadata, "metadata", maxMessageJSON)
	if err != nil {
		return err
	}
	if d.Metadata, err = d.Extras.into(metadata); err != nil {
		return err
	}
	return jsontext.CheckSize(d.Metadata, "metadata, with what comes beside the text,", maxMessageJSON)
}

// externalID derives a message's id from the one that it has elsewhere, so that it can't be stored twice. Many platforms count
// the messages of each channel apart, so the channel is a part of it.
func externalID(channelID uuid.UUID, platform, id string) uuid.UUID {
	return uuid.NewSHA1(channelID, []byte("external:"+platform+":"+id))
}

func hasAttachments(metadata json.RawMessage) bool {
	attachments := BesideIn(metadata).Attachments
	return len(attachments) > len("[]")
}
