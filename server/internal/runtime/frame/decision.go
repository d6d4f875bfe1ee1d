package frame

import (
	"slices"
	"strings"
)

// Decision is what a model wants an agent to do.
type Decision struct {
	Thought string
	Actions []string // names as written, in order; never empty
	// Parameters are those of actions by their index, in JSON as the model wrote it; check before use.
	Parameters map[int]string
	Providers  []string
	Text       string
	Unframed   bool // the answer was plain text
	Cut        bool // the text ends in the middle
}

// Read takes the answer to a prompt apart that asks for thought, actions, their parameters, providers and text (agent runtime
// §6.3).
func Read(answer string) (Frame, bool) {
	return Parse(answer, "thought", "actions", "params", "parameters", "providers", "text")
}

// Decide returns the decision in an answer.
func Decide(answer string) (Decision, bool) {
	f, _ := Read(answer)
	return f.Decide()
}

// Decide returns the decision in what [Read] returned. It reports false when there is nothing to go by.
func (f Frame) Decide() (Decision, bool) {
	d := Decision{
		Thought: f.Fields["thought"], Providers: List(f.Fields["providers"]),
		Text: f.Fields["text"], Unframed: f.Unframed, Cut: f.Cut == "text",
	}
	calls := f.calls()
	if f.Cut != "" && d.Text == "" || len(calls) == 0 && d.Text == "" {
		return Decision{}, false // it ended before the words, or has nothing to go by
	}
	for i, c := range settled(calls, d.Text) {
		d.Actions = append(d.Actions, c.name)
		if c.parameters != "" {
			if d.Parameters == nil {
				d.Parameters = map[int]string{}
			}
			d.Parameters[i] = c.parameters
		}
	}
	return d, true
}

// settled resolves an IGNORE beside other actions, for with a text the agent means to speak, and a text without any.
func settled(calls []call, text string) []call {
	isIgnore := func(c call) bool { return Fold(c.name) == "ignore" }
	if text == "" && slices.ContainsFunc(calls, isIgnore) {
		return []call{{name: "IGNORE"}}
	}
	if calls = slices.DeleteFunc(calls, isIgnore); len(calls) == 0 {
		return []call{{name: "REPLY"}}
	}
	return calls
}

// OnlyReply reports whether the text can be sent as it is: there is one, and nothing else is to be done first.
func (d *Decision) OnlyReply() bool {
	return d.Text != "" && len(d.Providers) == 0 && len(d.Actions) == 1 && Fold(d.Actions[0]) == "reply"
}

// List splits a list of names at commas. Brackets, quotes and tags around the names, which some models add, are dropped,
// and so are empty items.
func List(value string) []string {
	for _, t := range slices.Backward(scan(value)) {
		value = value[:t.start] + "," + value[t.end:]
	}
	var out []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.Trim(item, " \t\r\n[]\"'`"); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// Fold brings a name to the form in which names are compared: lower case, without underscores.
func Fold(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }
