package settings

import (
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Settings holds every setting of the server. The zero value is not usable: begin with [Default], or let kong fill it.
// Call [Settings.Validate] before use.
type Settings struct {
	Network  Network  `embed:"" group:"network"`
	Storage  Storage  `embed:"" group:"storage"`
	Security Security `embed:"" group:"security"`
	Limits   Limits   `embed:"" group:"limits"`
	Agents   Agents   `embed:"" group:"agents"`
	Messages Messages `embed:"" group:"messages"`
	Sessions Sessions `embed:"" group:"sessions"`
	Sockets  Sockets  `embed:"" group:"sockets"`
	Web      Web      `embed:"" group:"web"`
	Logs     Logs     `embed:"" group:"logs"`
	Reports  Reports  `embed:"" group:"reports"`
}

// Network says where the server listens and how long it takes to leave.
type Network struct {
	Host  string        `name:"host" env:"SERVER_HOST,HOST" default:"127.0.0.1" help:"Address to listen on; 0.0.0.0 serves the whole network."`
	Port  int           `name:"port" env:"SERVER_PORT,PORT" default:"3000" help:"Port to listen on; 0 takes any free port."`
	Drain time.Duration `name:"drain-timeout" type:"millis" env:"ELIZAD_DRAIN_TIMEOUT_MS" default:"4s" help:"How long a stopping server waits for running replies."`
}

// Address returns host and port in the form that net.Listen takes.
func (n Network) Address() string {
	return net.JoinHostPort(strings.Trim(n.Host, "[]"), strconv.Itoa(n.Port))
}

// Storage says where the data lives. A PostgreSQL URL wins over a SQLite path, and both win over the data directory's own
// database.
type Storage struct {
	Dir         string `name:"data-dir" env:"ELIZAD_DATA_DIR,ELIZA_DATABASE_DIR,PGLITE_DATA_DIR" placeholder:"DIR" help:"Folder for the database, uploads and the secret key; by default elizad in the user's data folder."`
	PostgresURL string `name:"postgres-url" env:"POSTGRES_URL,DATABASE_URL" placeholder:"URL" help:"PostgreSQL database; without it SQLite is used."`
	ServerID    string `name:"server-id" env:"ELIZA_SERVER_ID" placeholder:"NAME" help:"Name of this server's part of the database: servers under different names share a database and see nothing of each other. Servers under one name work together. Without a name it is the part that is there from the start."`
	SQLitePath  string `name:"sqlite-path" env:"SQLITE_PATH" placeholder:"FILE" help:"SQLite database file; by default elizad.db in the data folder."`

	// Where files are kept. Ask MediaDirs, which knows the defaults.
	AgentUploads   string `name:"agent-uploads-dir" env:"ELIZA_DATA_DIR_UPLOADS_AGENTS" placeholder:"DIR" help:"Folder of files uploaded to agents; by default uploads/agents in the data folder."`
	ChannelUploads string `name:"channel-uploads-dir" env:"ELIZA_DATA_DIR_UPLOADS_CHANNELS" placeholder:"DIR" help:"Folder of files uploaded to channels; by default uploads/channels in the data folder."`
	Generated      string `name:"generated-dir" env:"ELIZA_DATA_DIR_GENERATED" placeholder:"DIR" help:"Folder of files that agents make; by default generated in the data folder."`
}

// Security says which callers may use the server.
type Security struct {
	AuthToken   string `name:"auth-token" env:"ELIZA_SERVER_AUTH_TOKEN" placeholder:"KEY" help:"API key that callers must send, as X-API-KEY or a bearer token; at least 16 characters where other machines can reach the server. Without one the server is open, to this machine only. Prefer the variable: flags are visible to other users."`
	SocketKey   string `name:"socket-key" env:"SERVER_API_KEY" placeholder:"KEY" help:"The API key under its other name; beside the auth token, a second one that opens the sockets only."`
	AllowOpen   bool   `name:"allow-open" type:"switch" env:"ELIZAD_ALLOW_OPEN" help:"Serve other machines without an API key: whoever reaches the server may use it, and what it costs."`
	AllowHosts  string `name:"allowed-hosts" env:"ELIZAD_ALLOWED_HOSTS" placeholder:"NAME,…" help:"Host names by which a server without an API key may be called, beside this machine's own and those of the web origins; *.example.com for all below."`
	MasterKey   string `name:"master-key" env:"ELIZAD_MASTER_KEY" placeholder:"KEY" help:"Key that seals the agents' secrets: 32 bytes in base64 or hexadecimal, the current one first. By default a file in the data folder, made at the first start; nodes on one PostgreSQL database need the same. Prefer the variable."`
	SecretSalt  string `name:"secret-salt" env:"SECRET_SALT" default:"secretsalt" placeholder:"SALT" help:"SECRET_SALT of the ElizaOS server that characters come from, to read the secrets in them. Nothing is sealed with it here."`
	ServiceKey  string `name:"service-secret" env:"ELIZAD_SERVICE_SECRET" placeholder:"KEY" help:"Secret that agents and bridges outside of this process send as X-Internal-Service-Secret beside the API key, to write in the name of agents. Without it only callers whose key has the scope service may, once an API key is set."`
	CORSOrigin  string `name:"cors-origin" env:"CORS_ORIGIN" placeholder:"ORIGINS" help:"Comma-separated web origins that may call the server; * for any, then without credentials. By default the server's own origin and this machine's."`
	APIOrigin   string `name:"api-cors-origin" env:"API_CORS_ORIGIN" placeholder:"ORIGINS" help:"The same for paths under /api only."`
	EgressAllow string `name:"egress-allow" env:"ELIZAD_EGRESS_ALLOW" placeholder:"HOST|CIDR,…" help:"Private hosts and networks, each with :PORT where only that is meant, that characters, stored settings and webhooks may name. Of others only public ones, models only over https; this machine as long as nobody else reaches the server and no key is set."`
	TrustProxy  string `name:"trust-proxy" env:"TRUST_PROXY" placeholder:"N|CIDR,…" help:"Reverse proxies in front: how many, or their networks. By default X-Forwarded-For is ignored."`
	AuditDays   int    `name:"audit-retention" env:"ELIZAD_AUDIT_RETENTION" default:"90" help:"Days for which entries of the audit log are kept; 0 for ever."`
	Isolation   bool   `name:"data-isolation" type:"switch" env:"ENABLE_DATA_ISOLATION" help:"Show everybody only the conversations, sessions and jobs in which they take part, but for administrators and services. Needs tokens, or keys that stand for a person."`
	Unisolated  bool   `name:"isolation-off" type:"switch" env:"ELIZAD_ISOLATION_OFF" help:"Start without data isolation on a database that was used with it: everybody then sees what all wrote."`
	Environment string `name:"environment" env:"NODE_ENV" default:"development" help:"production asks browsers for TLS only, and turns the web UI off unless it is asked for."`

	Tokens Tokens `embed:"" group:"tokens"`
	Users  Users  `embed:"" group:"users"`
}

// Tokens says how people prove who they are, by JSON Web Tokens. Of the ways to verify them the first that is set counts.
type Tokens struct {
	PrivyKey  string `name:"privy-verification-key" env:"PRIVY_VERIFICATION_KEY" placeholder:"PEM" help:"Public key of Privy that verifies its tokens: PEM, from -----BEGIN PUBLIC KEY----- on, of Ed25519, P-256 or RSA. Line ends may be written as \\n."`
	PublicKey string `name:"jwt-public-key" env:"JWT_ED25519_PUBLIC_KEY" placeholder:"PEM" help:"The same of any issuer; used where the setting above is empty."`
	JWKS      string `name:"jwt-jwks-uri" env:"JWT_JWKS_URI" placeholder:"URL" help:"Address of the issuer's public keys, a JSON Web Key Set; https only. Needs the audience or the issuers below. Used where no public key is set."`
	Secret    string `name:"jwt-secret" env:"JWT_SECRET" placeholder:"KEY" help:"Secret of at least 32 bytes that issuer and server share, for tokens signed with HS256, HS384 or HS512. Used where neither of the above is set. Prefer the variable: flags are visible to other users."`
	Issuers   string `name:"jwt-issuers" env:"JWT_ISSUER_WHITELIST" placeholder:"ISSUER,…" help:"Issuers whose tokens are taken, as the tokens have them as iss; by default, or with *, any that the key verifies."`
	Audience  string `name:"jwt-audience" env:"JWT_AUDIENCE" placeholder:"NAME,…" help:"What a token must have as aud, one of these; by default anything. Set it where the issuer makes tokens for other services too."`
	Namespace string `name:"jwt-entity-namespace" env:"JWT_ENTITY_NAMESPACE" placeholder:"issuer" help:"issuer tells people of the same name at two issuers apart; by default who has a UUID as sub is the entity of that id, whoever says so."`
	Admins    string `name:"admin-entity-ids" env:"ADMIN_ENTITY_IDS" placeholder:"UUID,…" help:"Entities whose tokens may do everything: change agents, and the server. Others read and chat."`
}

// Users are people who log in to this server. Ask [Settings.Validate] whether they fit together.
type Users struct {
	Enable        bool   `name:"users" type:"switch" env:"ELIZAD_USERS" help:"Let people register and log in with a password, under /api/auth. From then on every caller needs a credential."`
	Registration  string `name:"registration" env:"AUTH_REGISTRATION" default:"open" help:"closed lets admins make users, and nobody register."`
	AdminEmail    string `name:"admin-email" env:"ELIZAD_ADMIN_EMAIL" placeholder:"ADDRESS" help:"Address of a user who is an admin, made at the start unless there is one with it."`
	AdminName     string `name:"admin-username" env:"ELIZAD_ADMIN_USERNAME" default:"admin" placeholder:"NAME" help:"Name of that user."`
	AdminPassword string `name:"admin-password" env:"ELIZAD_ADMIN_PASSWORD" placeholder:"PASSWORD" help:"First password of that user; later it is changed by logging in. Prefer the variable: flags are visible to other users of the machine."`
	Most          int    `name:"max-users" env:"ELIZAD_MAX_USERS" default:"10000" help:"Users that there may be; 0 for no limit."`
}

// Limits bounds what one caller may ask for. Sizes are in bytes.
type Limits struct {
	MaxBody          int64         `name:"max-body" type:"size" env:"EXPRESS_MAX_PAYLOAD,MAX_BODY_SIZE" default:"2mb" help:"Largest JSON body, such as 512kb or 2mb."`
	MaxMessage       int           `name:"max-message" env:"ELIZAD_MAX_MESSAGE" default:"200000" help:"Characters of one message, whichever way it comes. The limits in bytes, EXPRESS_MAX_PAYLOAD and SOCKET_MAX_PAYLOAD, hold beside it."`
	MaxUpload        int64         `name:"max-upload" type:"size" env:"MAX_UPLOAD_SIZE" default:"50mb" help:"Largest uploaded file."`
	UploadQuota      int64         `name:"upload-quota" type:"size" env:"UPLOAD_QUOTA" default:"1gb" help:"Size of all files of one agent or one channel; 0 for no limit."`
	MaxAgents        int           `name:"max-agents" env:"ELIZAD_MAX_AGENTS" default:"1000" help:"Agents that may be made over HTTP; 0 for no limit. Those of --character don't count."`
	MaxChannels      int           `name:"max-channels" env:"ELIZAD_MAX_CHANNELS" default:"10000" help:"Channels that callers may make, one caller at most three quarters; 0 for no limit. DMs of two entities and the channels of sessions, jobs and dialogues don't count."`
	MaxDMs           int           `name:"max-dms" env:"ELIZAD_MAX_DMS" default:"100000" help:"DMs of two entities that there may be, made by one caller at most three quarters; 0 for no limit."`
	MaxSessions      int           `name:"max-sessions" env:"ELIZAD_MAX_SESSIONS" default:"10000" help:"Sessions that may be open, of one user at most three quarters; 0 for no limit."`
	MaxJobs          int           `name:"max-jobs" env:"ELIZAD_MAX_JOBS" default:"10000" help:"Jobs that may be under way, of one user at most three quarters; 0 for no limit."`
	MaxDialogues     int           `name:"max-dialogues" env:"ELIZAD_MAX_DIALOGUES" default:"10000" help:"Conversations of OpenAI's clients that are kept, of one user at most three quarters, beyond which its oldest goes; 0 for no limit."`
	MaxServers       int           `name:"max-message-servers" env:"ELIZAD_MAX_MESSAGE_SERVERS" default:"1000" help:"Message servers that there may be; 0 for no limit."`
	MaxParticipants  int           `name:"max-participants" env:"ELIZAD_MAX_PARTICIPANTS" default:"1000" help:"Participants of one channel; 0 for no limit."`
	MaxRooms         int           `name:"max-rooms" env:"ELIZAD_MAX_ROOMS" default:"10000" help:"Rooms of one agent without a channel; 0 for no limit."`
	MaxWorlds        int           `name:"max-worlds" env:"ELIZAD_MAX_WORLDS" default:"10000" help:"Worlds of one agent; 0 for no limit."`
	MaxDocuments     int           `name:"max-documents" env:"ELIZAD_MAX_DOCUMENTS" default:"1000" help:"Documents of one agent that callers may upload; 0 for no limit."`
	AnswersPerCaller int64         `name:"max-answers" type:"size" env:"ELIZAD_MAX_ANSWERS" default:"64mb" help:"Size of the answers that are kept for a day under one caller's idempotency keys; the oldest go. 0 for no limit."`
	Answers          int64         `name:"max-answers-total" type:"size" env:"ELIZAD_MAX_ANSWERS_TOTAL" default:"1gb" help:"The same for all callers."`
	RateLimit        bool          `name:"rate-limit" type:"switch" negatable:"" env:"ELIZAD_RATE_LIMIT" default:"on" help:"Count requests per client; off for benchmarks and trusted networks."`
	APIMax           int           `name:"rate-limit-api-max" env:"RATE_LIMIT_API_MAX" default:"1000" help:"API requests that one client may make per window."`
	APIWindow        time.Duration `name:"rate-limit-api-window" type:"millis" env:"RATE_LIMIT_API_WINDOW_MS" default:"15m" help:"Length of that window."`
	UploadMax        int           `name:"rate-limit-upload-max" env:"RATE_LIMIT_UPLOAD_MAX" default:"50" help:"Uploads and audio requests that one client may make per window."`
	UploadWindow     time.Duration `name:"rate-limit-upload-window" type:"millis" env:"RATE_LIMIT_UPLOAD_WINDOW_MS" default:"15m" help:"Length of that window."`
	AuthMax          int           `name:"rate-limit-auth-max" env:"RATE_LIMIT_AUTH_MAX" default:"10" help:"Logins that may fail, and users that may be registered, from one client per window; of one user three times as many fail, from all clients together."`
	AuthWindow       time.Duration `name:"rate-limit-auth-window" type:"millis" env:"RATE_LIMIT_AUTH_WINDOW_MS" default:"15m" help:"Length of that window."`
	SocketMax        int           `name:"rate-limit-socket-max" env:"RATE_LIMIT_SOCKET_MAX" default:"60" help:"Socket events that one caller may send per window, and connections that it may open."`
	SocketWindow     time.Duration `name:"rate-limit-socket-window" type:"millis" env:"RATE_LIMIT_SOCKET_WINDOW_MS" default:"1m" help:"Length of that window."`
}

// Agents names the agents to bring along at start, and holds the settings that agents read.
type Agents struct {
	Characters []string `name:"character" type:"existingfile" placeholder:"FILE" help:"Character file to import and start; may be repeated."`
	Prices     string   `name:"model-prices" env:"MODEL_PRICES" type:"existingfile" placeholder:"FILE" help:"Prices of models in place of the built-in list, in US dollars per million tokens: a JSON file like {\"openai/gpt-5-mini\": {\"input\": 0.25, \"output\": 2, \"cached\": 0.025}, \"ollama/*\": {\"input\": 0, \"output\": 0}}."`

	MCPServers string `name:"mcp-servers" type:"existingfile" env:"ELIZAD_MCP_SERVERS" placeholder:"FILE" help:"JSON file of MCP servers whose tools agents may use: {\"servers\": {\"NAME\": {\"command\": …, \"args\": […]} or {\"url\": …, \"headers\": {…}}}}."`
	Knowledge  string `name:"knowledge-dir" env:"KNOWLEDGE_PATH" placeholder:"DIR" help:"Folder of the files that characters may name as their knowledge, none of which may be outside of it; by default knowledge in the data folder."`

	// Environment is what agents may see of the process environment. [ReadAgentEnvironment] fills it; the zero value
	// shows nothing.
	Environment AgentEnvironment `kong:"-"`
}

// Messages tunes the turns that agents take.
type Messages struct {
	RunTimeout         time.Duration `name:"run-timeout" type:"millis" env:"RUN_TIMEOUT_MS" default:"5m" help:"Longest time for one turn of an agent."`
	HTTPTimeout        time.Duration `name:"http-transport-timeout" type:"millis" env:"HTTP_TRANSPORT_TIMEOUT_MS" default:"2m" help:"How long an HTTP caller waits for an agent's answer; the answer is stored even when it comes later."`
	QueueMax           int           `name:"lane-queue-max" env:"LANE_QUEUE_MAX" default:"100" help:"Messages that may wait for one agent in one channel."`
	ConcurrentRuns     int           `name:"max-concurrent-runs" env:"MAX_CONCURRENT_RUNS" default:"64" help:"Turns that run at the same time; of one sender at most three quarters, but for a single one."`
	ConversationLength int           `name:"conversation-length" env:"CONVERSATION_LENGTH" default:"32" help:"Recent messages that an agent sees."`
	BuiltinNotice      bool          `name:"builtin-notice" type:"switch" negatable:"" env:"BUILTIN_NOTICE" default:"on" help:"Let the built-in responder say, to each person once a day, how to connect a model."`
	Capture            string        `name:"capture" env:"ELIZAD_CAPTURE,CAPTURE" default:"off" help:"Keep the texts of prompts and answers in the record of a run: off, errors (of calls that failed) or all. They hold what people wrote."`
	BuiltinDelay       time.Duration `name:"builtin-stream-delay" type:"millis" env:"BUILTIN_STREAM_DELAY_MS" default:"0s" help:"Pause between the words of the built-in responder."`
}

// Sessions says when sessions end, and where the ends of jobs may be announced. As clients of older servers expect, a time
// that is out of its range becomes the nearest in it, and one that can't be read the default.
type Sessions struct {
	Timeout         time.Duration `name:"session-timeout" type:"minutes" least:"1" most:"10080" env:"SESSION_DEFAULT_TIMEOUT_MINUTES" default:"30" help:"Minutes without activity after which a session ends; 1 to 10080. A character may set SESSION_TIMEOUT_MINUTES, and SESSION_AUTO_RENEW."`
	MinTimeout      time.Duration `name:"session-min-timeout" type:"minutes" least:"1" most:"60" env:"SESSION_MIN_TIMEOUT_MINUTES" default:"5" help:"Shortest such time that a session may ask for; 1 to 60."`
	MaxTimeout      time.Duration `name:"session-max-timeout" type:"minutes" least:"60" most:"10080" env:"SESSION_MAX_TIMEOUT_MINUTES" default:"1440" help:"Longest such time that a session may ask for; 60 to 10080."`
	MaxDuration     time.Duration `name:"session-max-duration" type:"minutes" least:"60" most:"20160" env:"SESSION_MAX_DURATION_MINUTES" default:"720" help:"Longest life of a session in minutes; 60 to 20160. A character may set its own by the same name."`
	Warning         time.Duration `name:"session-warning-threshold" type:"minutes" least:"1" most:"60" env:"SESSION_WARNING_THRESHOLD_MINUTES" default:"5" help:"Minutes before its end at which a session gets a warning; 1 to 60. A character may set its own by the same name."`
	CleanupInterval time.Duration `name:"session-cleanup-interval" type:"minutes" least:"1" most:"60" env:"SESSION_CLEANUP_INTERVAL_MINUTES" default:"5" help:"Longest interval in minutes between sweeps of other nodes' sessions and jobs; 1 to 60."`
	ClearOnShutdown bool          `name:"clear-sessions-on-shutdown" type:"switch" env:"CLEAR_SESSIONS_ON_SHUTDOWN" help:"End all sessions when the server stops."`
	WebhookAllow    string        `name:"webhook-allow" env:"ELIZAD_WEBHOOK_ALLOW" placeholder:"HOST|CIDR,…" help:"Hosts and networks to which the ends of jobs may be announced although they are private."`
}

// Sockets tunes the Socket.IO server. The defaults are those that clients expect.
type Sockets struct {
	PingInterval    time.Duration `name:"socket-ping-interval" type:"millis" env:"SOCKET_PING_INTERVAL_MS" default:"25s" help:"Time between heartbeats."`
	PingTimeout     time.Duration `name:"socket-ping-timeout" type:"millis" env:"SOCKET_PING_TIMEOUT_MS" default:"20s" help:"How long a client may take to answer a heartbeat."`
	MaxPayload      int64         `name:"socket-max-payload" type:"size" env:"SOCKET_MAX_PAYLOAD" default:"1mb" help:"Largest message on a socket."`
	Deflate         bool          `name:"socket-deflate" type:"switch" env:"SOCKET_DEFLATE" help:"Compress large messages on WebSockets (permessage-deflate) for clients that offer it; costs processor time."`
	RequireEntityID bool          `name:"socket-require-entity-id" type:"switch" env:"SOCKET_REQUIRE_ENTITY_ID" help:"Refuse sockets that don't say who they are."`
}

// Web switches the web UI and says which. Ask [Settings.WebUI], which knows which of the two switches wins.
type Web struct {
	Enable   *bool  `name:"web-ui" type:"switch" negatable:"" env:"ELIZA_UI_ENABLE" help:"Serve the web UI; by default on, and off in production."`
	Disable  bool   `name:"disable-web-ui" type:"switch" env:"DISABLE_WEB_UI" help:"Never serve the web UI; wins over the setting above."`
	Dir      string `name:"ui-dir" env:"ELIZA_UI_DIR" placeholder:"DIR" help:"Folder with another web UI to serve in place of the built-in one, such as dist of the npm package @elizaos/client."`
	External bool   `name:"ui-external" type:"switch" env:"ELIZAD_UI_EXTERNAL" help:"Let that UI load pictures, fonts and styles from other hosts, and connect to them. What an agent writes may then make a browser call any address."`
}

// Logs says what is logged, and in which form.
type Logs struct {
	Level      string `name:"log-level" env:"LOG_LEVEL" default:"info" help:"Least severe level to log: fatal, error, warn, info, log, progress, success, debug or trace."`
	JSON       bool   `name:"log-json" type:"switch" env:"LOG_JSON_FORMAT" help:"Log lines of JSON."`
	Timestamps bool   `name:"log-timestamps" type:"switch" negatable:"" env:"LOG_TIMESTAMPS" default:"on" help:"Begin text lines with the time."`
}

// Reports says where the server's own faults are reported. Without a DSN nothing is, and nothing else here has an effect.
type Reports struct {
	SentryDSN         string  `name:"sentry-dsn" env:"SENTRY_DSN" placeholder:"URL" help:"Sentry project to which panics and internal errors are reported, as https://KEY@HOST/PROJECT: with route, status and request id, never with what people wrote, ids of theirs or secrets. By default nothing is reported."`
	SentryEnvironment string  `name:"sentry-environment" env:"SENTRY_ENVIRONMENT" placeholder:"NAME" help:"Environment that the reports name; by default that of NODE_ENV."`
	TracesSampleRate  float64 `name:"sentry-traces-sample-rate" env:"SENTRY_TRACES_SAMPLE_RATE" default:"0" help:"Share of the requests, from 0 to 1, whose route, status and duration are sent to Sentry."`
}

// FromProcess completes settings that kong has filled with what is not a flag: the part of the process environment that
// agents may read. It returns the warnings that a person at a terminal should see.
func (s *Settings) FromProcess() (warnings []string) {
	environ := os.Environ()
	s.Agents.Environment = ReadAgentEnvironment(environ)
	return slices.Concat(Conflicts(environ), s.Warnings())
}

// Production reports whether the server runs in production.
func (s *Settings) Production() bool { return s.Security.Environment == "production" }

// WebUI reports whether the web UI is served.
func (s *Settings) WebUI() bool {
	switch {
	case s.Web.Disable:
		return false
	case s.Web.Enable != nil:
		return *s.Web.Enable
	default:
		return !s.Production()
	}
}
