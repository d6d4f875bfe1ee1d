// Package settings is the one table of elizad's settings.
//
// Programs that embed the server begin with server.DefaultConfig, which is [Default] with the keys of models from the
// environment, and set fields:
//
//	cfg := server.DefaultConfig()
//	cfg.Storage.Dir = "/var/lib/mine"
//	cfg.Limits.MaxUpload = 10 << 20
//	srv, err := server.New(cfg)
//
// [Settings] is a plain struct whose tags name, for every setting, the flag, the environment variables in order of
// precedence, the default, the help text and the group. kong turns the tags into flags and --help; [Default] gives the
// defaults to programs that embed the server and parse nothing. A flag wins over a variable, and among the variables of
// one setting the first that is set wins. A variable that is set but empty counts as not set, because compose files
// produce such variables all the time.
//
// Settings of models and agents (OPENAI_API_KEY, ALWAYS_RESPOND_CHANNELS, …) are not flags: a character may override each
// of them. [AgentSettings] lists the names, and [AgentEnvironment] holds their values as they were at start. No other
// variable of the process environment reaches an agent.
//
// To add a setting, add a field here; the tests refuse one without help. To add an agent setting, add a row in agents.go.
package settings
