package messaging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/jsontext"
)

// Extras is what a message brings beside its text, however it came in: each is JSON as the sender wrote it, and nil or null
// stands for nothing. It is stored as members of the message's metadata.
type Extras struct {
	Attachments    json.RawMessage // a list of files, or of their addresses; an object alone counts as a list
	Thought        json.RawMessage // a text
	Actions        json.RawMessage // the names of actions; one alone counts as a list
	MentionContext json.RawMessage // an object: whether the platform says that the message is for the agent
}

// Names of the members that readers look for in a message's metadata.
const (
	attachmentsKey    = "attachments"
	thoughtKey        = "thought"
	actionsKey        = "actions"
	mentionContextKey = "mentionContext"
)

// into returns metadata, an object, with the extras in it. What has the wrong form is refused with its place.
func (e Extras) into(metadata json.RawMessage) (json.RawMessage, error) {
	var list []jsontext.Member
	for _, extra := range []struct {
		name  string
		value json.RawMessage
		read  func(raw json.RawMessage, place string) (json.RawMessage, error)
	}{
		{attachmentsKey, e.Attachments, func(raw json.RawMessage, place string) (json.RawMessage, error) {
			if raw[0] == '"' {
				return nil, wrongForm(place, "a list of files")
			}
			return attachmentList(raw, place)
		}},
		{thoughtKey, e.Thought, textValue},
		{actionsKey, e.Actions, textList},
		{mentionContextKey, e.MentionContext, objectValue},
	} {
		value, err := jsontext.Check(extra.value, extra.name, maxMessageJSON)
		if err != nil {
			return nil, err
		}
		if value == nil {
			continue
		}
		if value, err = extra.read(bytes.TrimSpace(value), extra.name); err != nil {
			return nil, err
		}
		list = jsontext.Set(list, extra.name, value)
	}
	if e.Attachments == nil && bytes.Contains(metadata, []byte(`"`+attachmentsKey+`"`)) {
		for name, value := range jsontext.Members(metadata) {
			if string(name) != attachmentsKey || string(value) == "null" {
				continue
			}
			listed, err := attachmentList(value, "metadata."+attachmentsKey)
			if err != nil {
				return nil, err
			}
			if len(listed) != len(value) {
				list = jsontext.Set(list, attachmentsKey, listed)
			}
		}
	}
	return jsontext.With(metadata, list), nil
}

func wrongForm(place, want string) error {
	return apierr.New(apierr.ValidationFailed, "%s must be %s", place, want)
}

func textValue(raw json.RawMessage, place string) (json.RawMessage, error) {
	if raw[0] != '"' {
		return nil, wrongForm(place, "a text")
	}
	return raw, nil
}

func objectValue(raw json.RawMessage, place string) (json.RawMessage, error) {
	if raw[0] != '{' {
		return nil, wrongForm(place, "an object")
	}
	return raw, nil
}

// textList reads a list of texts, or one.
func textList(raw json.RawMessage, place string) (json.RawMessage, error) {
	items, err := listOf(raw, place, "a list of texts")
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		if _, err := textValue(item, fmt.Sprintf("%s[%d]", place, i)); err != nil {
			return nil, err
		}
	}
	return asList(raw), nil
}

// attachmentList reads a list of attachments, or one.
func attachmentList(raw json.RawMessage, place string) (json.RawMessage, error) {
	items, err := listOf(raw, place, "a list of files")
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		if err := checkAttachment(item, fmt.Sprintf("%s[%d]", place, i)); err != nil {
			return nil, err
		}
	}
	return asList(raw), nil
}

// listOf returns the items of a list; a text or an object alone is a list of one.
func listOf(raw json.RawMessage, place, want string) ([]json.RawMessage, error) {
	switch raw[0] {
	case '"', '{':
		return []json.RawMessage{raw}, nil
	case '[':
		if len(raw) == len("[]") { // as the official client sends with each message
			return nil, nil
		}
		items := []json.RawMessage{}
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, wrongForm(place, want)
		}
		return items, nil
	default:
		return nil, wrongForm(place, want)
	}
}

// asList returns a list as it is, and anything else as a list of one.
func asList(raw json.RawMessage) json.RawMessage {
	if raw[0] == '[' {
		return raw
	}
	return slices.Concat(json.RawMessage("["), raw, json.RawMessage("]"))
}

// checkAttachment refuses what no agent could see: an attachment is an address, or an object whose members are texts and which
// says where the file is, or what is in it.
func checkAttachment(raw json.RawMessage, place string) error {
	if raw[0] == '"' {
		return nil
	}
	if raw[0] != '{' {
		return wrongForm(place, "an object with a url")
	}
	useful := false
	for name, value := range jsontext.Members(raw) {
		if !slices.Contains([]string{"url", "title", "name", "description", "text", "source", "contentType", "type"}, string(name)) || string(value) == "null" {
			continue
		}
		if value[0] != '"' {
			return wrongForm(place+"."+string(name), "a text")
		}
		useful = useful || len(value) > len(`""`)
	}
	if !useful {
		return apierr.New(apierr.ValidationFailed, "%s needs a url, or a text", place)
	}
	return nil
}
