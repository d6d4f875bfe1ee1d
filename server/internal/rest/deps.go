package rest

import (
	"context"
	"encoding/json"
	"mime/multipart"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/job"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/memory"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/pluginhttp"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/session"
)

// Messaging is what the handlers need of [messaging.Service].
type Messaging interface {
	servers
	channels
	messages
	runs
}

type servers interface {
	CurrentServer() uuid.UUID
	ListServers(ctx context.Context, who auth.Identity) ([]messaging.MessageServer, error)
	CreateServer(ctx context.Context, who auth.Identity, n messaging.NewServer) (messaging.MessageServer, error)
	ServerAgents(ctx context.Context, who auth.Identity, serverID uuid.UUID) ([]uuid.UUID, error)
	AgentServers(ctx context.Context, who auth.Identity, agentID uuid.UUID) ([]uuid.UUID, error)
	AddServerAgent(ctx context.Context, who auth.Identity, serverID, agentID uuid.UUID) error
	RemoveServerAgent(ctx context.Context, who auth.Identity, serverID, agentID uuid.UUID) error
	DeleteServer(ctx context.Context, who auth.Identity, id uuid.UUID) error
	SyncChannels(ctx context.Context, who auth.Identity, serverID uuid.UUID, list []messaging.SourceChannel) ([]messaging.Channel, error)
}

type channels interface {
	Channel(ctx context.Context, who auth.Identity, id uuid.UUID) (messaging.Channel, error)
	ServerChannels(ctx context.Context, who auth.Identity, serverID uuid.UUID, query messaging.ChannelQuery) (messaging.ChannelPage, error)
	CreateChannel(ctx context.Context, who auth.Identity, n messaging.NewChannel) (messaging.Channel, error)
	FindOrCreateDM(ctx context.Context, who auth.Identity, r messaging.DMRequest) (messaging.Channel, error)
	UpdateChannel(ctx context.Context, who auth.Identity, id uuid.UUID, p messaging.ChannelPatch) (messaging.Channel, error)
	DeleteChannel(ctx context.Context, who auth.Identity, id uuid.UUID) error
	Participants(ctx context.Context, who auth.Identity, channelID uuid.UUID) ([]uuid.UUID, error)
	ChannelAgents(ctx context.Context, who auth.Identity, channelID uuid.UUID) ([]uuid.UUID, error)
	AddAgent(ctx context.Context, who auth.Identity, channelID, agentID uuid.UUID) error
	RemoveAgent(ctx context.Context, who auth.Identity, channelID, agentID uuid.UUID) error
}

type messages interface {
	Post(ctx context.Context, who auth.Identity, d messaging.Draft) (messaging.Posted, error)
	Ask(ctx context.Context, who auth.Identity, d messaging.Draft, target uuid.UUID) (*messaging.Exchange, error)
	History(ctx context.Context, who auth.Identity, channelID uuid.UUID, query messaging.HistoryQuery) (messaging.History, error)
	DeleteMessage(ctx context.Context, who auth.Identity, channelID, messageID uuid.UUID) error
	ClearChannel(ctx context.Context, who auth.Identity, channelID uuid.UUID) error
	Message(ctx context.Context, who auth.Identity, id uuid.UUID) (messaging.Message, error)
	EditMessage(ctx context.Context, who auth.Identity, id uuid.UUID, content string, check func(messaging.Message) error) (messaging.Message, error)
	Search(ctx context.Context, who auth.Identity, query messaging.SearchQuery) (messaging.SearchPage, error)

	UpdateAction(ctx context.Context, who auth.Identity, id uuid.UUID, u messaging.ActionUpdate) (messaging.Message, error)
	Ingest(ctx context.Context, who auth.Identity, drafts []messaging.Draft) ([]messaging.Posted, error)
	Consult(ctx context.Context, who auth.Identity, drafts []messaging.Draft) ([]messaging.Posted, *messaging.Exchange, error)
	PlatformChannel(ctx context.Context, who auth.Identity, platform, id string) (messaging.Channel, error)
	Complete(ctx context.Context, who auth.Identity, c messaging.Completion) error
	AgentMessage(ctx context.Context, who auth.Identity, agentID, messageID uuid.UUID) (messaging.Message, error)
}

type runs interface {
	Runs(ctx context.Context, who auth.Identity, agentID uuid.UUID, query messaging.RunQuery) ([]messaging.Run, int, error)
	Run(ctx context.Context, who auth.Identity, agentID, turnID uuid.UUID) (messaging.Run, []messaging.TurnLogEntry, error)
	Logs(ctx context.Context, who auth.Identity, agentID uuid.UUID, query messaging.LogQuery) (entries []messaging.AgentLogEntry, more bool, err error)
	DeleteLog(ctx context.Context, who auth.Identity, agentID, entryID uuid.UUID) error
}

// Memory is what the handlers need of [memory.Service].
type Memory interface {
	memories
	rooms
	worlds
}

type memories interface {
	List(ctx context.Context, who auth.Identity, agentID uuid.UUID, query memory.Query) (page []memory.Memory, more bool, err error)
	Update(ctx context.Context, who auth.Identity, agentID, id uuid.UUID, p memory.Patch) (memory.Memory, error)
	Delete(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) error
	Clear(ctx context.Context, who auth.Identity, agentID uuid.UUID) (int64, error)
	ClearRoom(ctx context.Context, who auth.Identity, agentID, roomID uuid.UUID) error
}

type rooms interface {
	Rooms(ctx context.Context, who auth.Identity, agentID uuid.UUID, limit, offset int) (rooms []memory.Room, more bool, err error)
	Room(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) (memory.Room, error)
	CreateRoom(ctx context.Context, who auth.Identity, agentID uuid.UUID, n memory.NewRoom) (memory.Room, error)
	RenameRoom(ctx context.Context, who auth.Identity, agentID, id uuid.UUID, name string, check func(memory.Room) error) (memory.Room, error)
	DeleteRoom(ctx context.Context, who auth.Identity, agentID, id uuid.UUID) error
}

type worlds interface {
	Worlds(ctx context.Context, who auth.Identity) ([]memory.World, error)
	CreateWorld(ctx context.Context, who auth.Identity, agentID uuid.UUID, n memory.NewWorld) (memory.World, error)
	JoinWorld(ctx context.Context, who auth.Identity, agentID, worldID uuid.UUID) (memory.World, error)
	UpdateWorld(ctx context.Context, who auth.Identity, agentID, worldID uuid.UUID, p memory.WorldPatch) (memory.World, error)
	CreateGroup(ctx context.Context, who auth.Identity, n memory.NewGroup) ([]memory.Room, []memory.GroupFailure, error)
	ServerWorlds(ctx context.Context, who auth.Identity, serverID uuid.UUID, name, description string) ([]memory.World, error)
	DeleteGroup(ctx context.Context, who auth.Identity, id uuid.UUID) error
	ClearGroup(ctx context.Context, who auth.Identity, id uuid.UUID) error
}

// Sessions is what the handlers need of [session.Service].
type Sessions interface {
	Create(ctx context.Context, who auth.Identity, n session.NewSession) (session.Session, error)
	Get(ctx context.Context, who auth.Identity, id uuid.UUID) (session.Session, error)
	List(ctx context.Context, who auth.Identity, query session.Query) ([]session.Session, session.Counts, error)
	Counts(ctx context.Context) (session.Counts, error)
	Draft(ctx context.Context, who auth.Identity, id uuid.UUID, m session.Message) (session.Draft, error)
	History(ctx context.Context, who auth.Identity, id uuid.UUID, query messaging.HistoryQuery) (session.Session, messaging.History, error)
	Renew(ctx context.Context, who auth.Identity, id uuid.UUID) (session.Session, error)
	Heartbeat(ctx context.Context, who auth.Identity, id uuid.UUID) (session.Session, error)
	ChangeTimeouts(ctx context.Context, who auth.Identity, id uuid.UUID, p session.TimeoutPatch) (session.Session, error)
	End(ctx context.Context, who auth.Identity, id uuid.UUID) error
}

// Jobs is what the handlers need of [job.Service].
type Jobs interface {
	Create(ctx context.Context, who auth.Identity, n job.NewJob) (job.Job, error)
	Get(ctx context.Context, who auth.Identity, id uuid.UUID, wait time.Duration) (job.Job, error)
	List(ctx context.Context, who auth.Identity, query job.Query) ([]job.Job, job.Counts, error)
	Counts(ctx context.Context) (job.Counts, error)
	Most() int
}

// Agents is what the handlers need of [runtime.Agents].
type Agents interface {
	List(ctx context.Context, who auth.Identity) ([]runtime.Summary, error)
	Count(ctx context.Context, who auth.Identity) (runtime.Numbers, error)
	Get(ctx context.Context, who auth.Identity, id uuid.UUID) (runtime.Agent, error)
	Create(ctx context.Context, who auth.Identity, c agent.Character) (a runtime.Agent, created bool, err error)
	UpdateIf(ctx context.Context, who auth.Identity, id uuid.UUID, patch map[string]json.RawMessage, check func(runtime.Agent) error) (runtime.Agent, error)
	Delete(ctx context.Context, who auth.Identity, id uuid.UUID) error
	Start(ctx context.Context, who auth.Identity, id uuid.UUID) (runtime.Agent, error)
	Stop(ctx context.Context, who auth.Identity, id uuid.UUID) (runtime.Agent, error)
	Panels(ctx context.Context, who auth.Identity, id uuid.UUID) ([]pluginhttp.Panel, error)
}

// Media is what the handlers need of [media.Service].
type Media interface {
	Upload(ctx context.Context, who auth.Identity, to media.Owner, once string, form *multipart.Reader) (media.Upload, error)
	Recording(form *multipart.Reader) (*media.Incoming, error)
	File(ctx context.Context, who auth.Identity, o media.Owner, name string) (*media.File, error)
}

// Voices is what the handlers need of [runtime.Agents] to hear and speak.
type Voices interface {
	Voice(ctx context.Context, who auth.Identity, agentID uuid.UUID) (runtime.Voice, error)
}

// Titles names conversations.
type Titles interface {
	// Title lets an agent's model suggest a title for what was said, oldest first. An agent that doesn't run is NOT_FOUND.
	Title(ctx context.Context, who auth.Identity, agentID uuid.UUID, said []messaging.Message) (runtime.Title, error)
}

// StoredSettings is the file with the settings of agents that may be changed over HTTP.
type StoredSettings interface {
	// Read returns the settings by name, with a mask for each secret.
	Read() (map[string]string, error)
	// Names returns the settings by name, with a mask for each.
	Names() (map[string]string, error)
	// Replace stores exactly the given settings. A mask leaves a value as it is. It returns the names of the secrets
	// that went because they would have been sent elsewhere.
	Replace(settings map[string]string) (dropped []string, err error)
}

// HealthFunc examines the server. It returns soon, even when a part of the server doesn't answer.
type HealthFunc func(ctx context.Context) HealthReport

// HealthReport is what a health check found.
type HealthReport struct {
	ActiveAgents int
	Database     Condition
	Files        Condition // of the folders of uploads
	Stopping     bool      // the server takes no new work
}

// Condition is how a part of the server is: in a word, and in a sentence if more is known. The zero value is healthy.
type Condition struct{ Word, Trouble string }
