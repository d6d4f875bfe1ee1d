package messaging

import (
	"bytes"
	"encoding/json"
)

// FailureKey is the member of a message's metadata that describes a failed answer.
const FailureKey = "failure"

// Failure describes a failed answer, in the metadata of the message that is in the conversation in place of
// the answer.
type Failure struct {
	Reason  string `json:"reason"`  // the turn's
	Message string `json:"message"` // the same for people
	Partial bool   `json:"partial"` // the text is the part of the answer that was written; otherwise it only says that there is none
}

// Failure returns the failed answer that m stands for; nil for every other message.
func (m *Message) Failure() *Failure {
	if m.SourceType != SourceAgentResponse || !bytes.Contains(m.Metadata, []byte(`"`+FailureKey+`"`)) {
		return nil
	}
	var metadata struct {
		Failure *Failure `json:"failure"`
	}
	if json.Unmarshal(m.Metadata, &metadata) != nil {
		return nil
	}
	return metadata.Failure
}

// SaysNothing reports whether m only says that there is no answer. It has no author: it is no part of a conversation.
func (m *Message) SaysNothing() bool {
	f := m.Failure()
	return f != nil && !f.Partial
}
