package client

import (
	"encoding/json"
	"time"

	"github.com/elizad/elizad/gen/api"
)

// The types of the contract that methods take and return.
type (
	APIKey               = api.APIKey
	AuditEntry           = api.AuditEntry
	APIKeyCreated        = api.APIKeyCreated
	ActionPatch          = api.ActionPatch
	Agent                = api.Agent
	AgentCreated         = api.AgentCreated
	AgentListItem        = api.AgentListItem
	AgentLogEntry        = api.AgentLogEntry
	AgentResponse        = api.AgentResponse
	AgentStatus          = api.AgentStatus
	Channel              = api.Channel
	ChannelAgents        = api.ChannelAgents
	ChannelPatch         = api.ChannelPatch
	Character            = api.Character
	DebugInfo            = api.DebugInfo
	Document             = api.Document
	DocumentList         = api.DocumentList
	ExternalMessage      = api.ExternalMessage
	ExternalMessages     = api.IngestRequest
	Found                = api.MessageSearch
	GroupFailure         = api.GroupFailure
	GroupRoom            = api.GroupRoom
	Health               = api.Health
	Ingested             = api.Ingested
	Job                  = api.Job
	JobCreated           = api.JobCreated
	JobsHealth           = api.JobsHealth
	KeyScope             = api.KeyScope
	LogEntry             = api.LogEntry
	Memory               = api.Memory
	MemoryList           = api.MemoryList
	MemoryPatch          = api.MemoryPatch
	Message              = api.Message
	MessageList          = api.MessageList
	MessagePosted        = api.MessagePosted
	MessageServer        = api.MessageServer
	NewChannel           = api.CreateChannelRequest
	NewGroup             = api.CreateGroupRequest
	NewJob               = api.CreateJobRequest
	NewKey               = api.CreateKeyRequest
	Passage              = api.KnowledgePassage
	Login                = api.Login
	User                 = api.User
	NewUser              = api.RegisterRequest
	NewUserByAdmin       = api.CreateUserRequest
	UserChange           = api.UpdateUserRequest
	RevokedTokens        = api.RevokeTokensRequest
	Revocation           = api.Revocation
	NewMessage           = api.PostMessageRequest
	NewMessageServer     = api.CreateMessageServerRequest
	NewRoom              = api.CreateRoomRequest
	NewSession           = api.CreateSessionRequest
	NewSessionMessage    = api.PostSessionMessageRequest
	NewWorld             = api.CreateWorldRequest
	Panel                = api.Panel
	AgentSecret          = api.AgentSecret
	AgentUsage           = api.AgentUsage
	PublicConfig         = api.PublicConfig
	Room                 = api.Room
	RoomCreated          = api.RoomCreated
	RunDetail            = api.RunDetail
	RunList              = api.RunList
	RunRef               = api.RunRef
	RunSummary           = api.RunSummary
	ServerLogs           = api.ServerLogs
	ServerStatus         = api.ServerStatus
	Session              = api.Session
	SessionMessage       = api.SessionMessage
	SessionMessageList   = api.SessionMessageList
	SessionMessagePosted = api.SessionMessagePosted
	SessionsHealth       = api.SessionsHealth
	SourceChannel        = api.SourceChannel
	Style                = api.Style
	SubmittedLog         = api.SubmittedLog
	SubmittedMessage     = api.SubmitMessageRequest
	TimeoutConfig        = api.TimeoutConfig
	TimeoutPatch         = api.TimeoutPatch
	TurnPolicy           = api.TurnPolicy
	Upload               = api.Upload
	UserMessage          = api.UserMessage
	Version              = api.Version
	World                = api.World
	WorldPatch           = api.WorldPatch
)

// JSON returns v as JSON, for the fields of requests that take any: metadata, settings, time-outs. It panics if v can't be
// encoded, as a channel can't.
func JSON(v any) json.RawMessage { return encode(v) }

// Text returns a text for Character.Bio.
func Text(s string) json.RawMessage { return encode(s) }

// Texts returns a list of texts for Character.Bio.
func Texts(s ...string) json.RawMessage { return encode(s) }

// encode returns v as JSON. It is for values whose encoding can't fail.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("client: encoding " + err.Error())
	}
	return b
}

// query returns a time as a query parameter; nil for the zero time.
func query(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC().Format(time.RFC3339Nano))
}
