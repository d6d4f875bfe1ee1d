package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// SecretMask replaces a secret's value in answers. Sent back, it means that the value stays as it is.
const SecretMask = "********"

// Character describes an agent (agent runtime §2). Only Name and Bio are required.
//
// Its JSON form is the wire's. Decoding checks it with [ParseCharacter]; the zero value of every optional field is left
// out when encoding.
type Character struct {
	ID              uuid.UUID         `json:"id,omitzero"` // zero: derived from Name
	Name            string            `json:"name"`
	Username        string            `json:"username,omitempty"`
	System          string            `json:"system,omitempty"` // system prompt
	Bio             Bio               `json:"bio"`
	MessageExamples [][]Example       `json:"messageExamples,omitempty"` // conversations
	PostExamples    []string          `json:"postExamples,omitempty"`
	Topics          []string          `json:"topics,omitempty"`
	Adjectives      []string          `json:"adjectives,omitempty"`
	Knowledge       []Knowledge       `json:"knowledge,omitempty"`
	Plugins         []string          `json:"plugins,omitempty"`  // names, as they came
	Settings        map[string]any    `json:"settings,omitempty"` // numbers are json.Number
	Secrets         map[string]any    `json:"secrets,omitempty"`  // text, bool or json.Number
	Style           Style             `json:"style,omitzero"`
	Templates       map[string]string `json:"templates,omitempty"` // prompt templates by name

	// The keys of newer servers: kept and returned, not used.
	Documents        []any          `json:"documents,omitempty"`
	AdvancedPlanning *bool          `json:"advancedPlanning,omitempty"`
	AdvancedMemory   *bool          `json:"advancedMemory,omitempty"`
	Metadata         map[string]any `json:"metadata,omitempty"`
}

// Style holds directions for writing, one per line.
type Style struct {
	All  []string `json:"all,omitempty"`
	Chat []string `json:"chat,omitempty"`
	Post []string `json:"post,omitempty"`
}

// IsZero reports whether there are no directions; then the style is left out when encoding, whether its lists are nil or empty.
func (s Style) IsZero() bool { return len(s.All)+len(s.Chat)+len(s.Post) == 0 }

// Example is one line of an example conversation. Names like {{name1}} stand for people.
type Example struct {
	Name    string  `json:"name"`
	Content Content `json:"content"`
}

// Bio is a text or a list of texts. It is encoded in the form it was decoded from.
type Bio struct {
	Lines []string
	List  bool // a list, even when it has one line
}

// BioText returns the bio of a single text.
func BioText(text string) Bio { return Bio{Lines: []string{text}} }

// First returns the text, or the first of the list; empty when there is none.
func (b Bio) First() string {
	if len(b.Lines) == 0 {
		return ""
	}
	return b.Lines[0]
}

// MarshalJSON returns a JSON text or list of texts.
func (b Bio) MarshalJSON() ([]byte, error) {
	if !b.List {
		return json.Marshal(b.First())
	}
	if b.Lines == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(b.Lines)
}

// Knowledge is one item of a character's knowledge: a text, a file or a directory of files. Either Text or one of Path and
// Directory is set; a text may come with the path of the file that it was read from.
type Knowledge struct {
	ID        string // as its maker names it; may be empty
	Text      string
	Path      string
	Directory string
	Shared    *bool // for files: whether all agents of the owner may use them; nil when not said
}

// MarshalJSON returns a JSON text, or an object with those of id, path, directory, content and shared that there are.
func (k Knowledge) MarshalJSON() ([]byte, error) {
	type object struct {
		ID        string `json:"id,omitempty"`
		Path      string `json:"path,omitempty"`
		Directory string `json:"directory,omitempty"`
		Content   string `json:"content,omitempty"`
		Shared    *bool  `json:"shared,omitempty"`
	}
	if k == (Knowledge{Text: k.Text}) {
		return json.Marshal(k.Text)
	}
	return json.Marshal(object{k.ID, k.Path, k.Directory, k.Text, k.Shared})
}

// UnmarshalJSON decodes and checks a character like [ParseCharacter].
func (c *Character) UnmarshalJSON(data []byte) error {
	parsed, err := ParseCharacter(data)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// Addresses reports the names by which people call the agent: its name and, if it has one, its user name.
func (c *Character) Addresses() []string {
	names := []string{c.Name}
	if c.Username != "" && !strings.EqualFold(c.Username, c.Name) {
		names = append(names, c.Username)
	}
	return names
}

// Equal reports whether two characters say the same.
func (c *Character) Equal(other *Character) bool {
	a, errA := json.Marshal(c)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// document returns the character as the generic JSON object it is on the wire.
func (c *Character) document() (map[string]any, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding character: %w", err)
	}
	doc, err := decodeObject(data)
	if err != nil {
		return nil, fmt.Errorf("decoding character: %w", err)
	}
	return doc, nil
}
