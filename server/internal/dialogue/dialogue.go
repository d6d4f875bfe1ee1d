package dialogue

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/messaging"
)

// Limits of dialogues.
const (
	idle = 7 * 24 * time.Hour // how long one is kept after its newest question
	// passing is how long a question of no chat is kept.
	passing = 10 * time.Minute

	maxHistory      = 64     // messages that a new dialogue is told of what was said before, the newest
	maxLine         = 8_000  // characters of each of them
	maxInstructions = 16_000 // characters
	// MaxName is how long the name of a chat may be, in bytes.
	MaxName = 256
)

// channelSource is the source type of the channels of dialogues.
const channelSource = "dialogue"

// Line is what one side said.
type Line struct {
	FromAgent bool // the user said it, otherwise
	Text      string
	Pictures  []string // their addresses
}

// Question is what a user says, and what the client says with it.
type Question struct {
	AgentID      uuid.UUID
	UserID       uuid.UUID
	AuthorName   string // of the user; may be empty
	Chat         string // the client's own name for the chat; empty if it has none, or belongs to none
	Before       []Line // what was said before, in order
	Line                // what is said now
	Instructions string // what the client asks of the agent, beside what the user says
	Passing      bool   // it belongs to no chat, and nothing follows it
}

// digest stands for what was said up to a point.
type digest []byte

// then returns the digest with one more line. What says nothing leaves no trace, since clients leave out what they have no text of.
func (d digest) then(l Line) digest {
	text := strings.TrimSpace(l.Text)
	if text == "" && len(l.Pictures) == 0 {
		return d
	}
	who := byte('u')
	if l.FromAgent {
		who = 'a'
	}
	return sum(append(d[:len(d):len(d)], who), append([]string{text}, l.Pictures...)...)
}

// sum hashes a beginning and texts, so that no other texts have the same.
func sum(beginning []byte, texts ...string) digest {
	h := sha256.New()
	h.Write(beginning) // never fails
	for _, text := range texts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		h.Write([]byte(text))
	}
	return h.Sum(nil)
}

func digestOf(lines []Line) digest {
	d := digest{}
	for _, l := range lines {
		d = d.then(l)
	}
	return d
}

// questionsIn counts the lines of the user.
func questionsIn(lines []Line) (n int) {
	for _, l := range lines {
		if !l.FromAgent {
			n++
		}
	}
	return n
}

// place tells how far a named chat is: how many questions were asked, and what the agent said last. Clients change what users said, by
// what they have found for it, and not what agents did.
func place(questions int, last string) []byte {
	return sum(binary.BigEndian.AppendUint64(nil, uint64(questions)), last)
}

// lastAnswer returns what the agent said last; empty if the user spoke after that.
func lastAnswer(lines []Line) string {
	if len(lines) == 0 || !lines[len(lines)-1].FromAgent {
		return ""
	}
	return strings.TrimSpace(lines[len(lines)-1].Text)
}

// nameOf is how the name of a chat is stored; empty for none.
func nameOf(chat string) []byte {
	if chat == "" {
		return []byte{}
	}
	return sum(nil, chat)
}

// attached returns pictures as what comes with a message.
func attached(pictures []string) messaging.Extras {
	if len(pictures) == 0 {
		return messaging.Extras{}
	}
	type picture struct {
		URL         string `json:"url"`
		ContentType string `json:"contentType"`
	}
	list := make([]picture, len(pictures))
	for i, url := range pictures {
		list[i] = picture{url, "image"}
	}
	return messaging.Extras{Attachments: jsontext.Encode(list)}
}

// metadata is what the message of a question says about it.
func (q Question) metadata() json.RawMessage {
	if q.Instructions == "" {
		return nil
	}
	return jsontext.Encode(map[string]any{messaging.InstructionsKey: cut(q.Instructions, maxInstructions)})
}

// cut returns the beginning of a text.
func cut(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + " …"
		}
		n++
	}
	return text
}
