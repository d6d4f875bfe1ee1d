package parser

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Raw is a received argument, for sending it again.
type Raw struct {
	json        json.RawMessage // known to be valid
	attachments [][]byte
}

// NewRaw makes a Raw of one of the arguments that [Packet.Args] returned, and of the attachments that its placeholders refer
// to, if the packet has any.
func NewRaw(arg json.RawMessage, attachments [][]byte) Raw {
	return Raw{json: arg, attachments: attachments}
}

// AppendEvent appends the JSON array of an event's name and arguments to dst. It returns the attachments found in the
// arguments: []byte values, also within []any and map[string]any, and those of Raw values. A json.RawMessage is taken
// byte for byte; everything else is marshalled, without escaping HTML.
func AppendEvent(dst []byte, name string, args []any) (data []byte, attachments [][]byte, err error) {
	e := encoder{dst: append(dst, '[')}
	if err := e.value(name); err != nil {
		return nil, nil, err
	}
	return e.finish(args, true)
}

// AppendArgs appends the JSON array of an acknowledgement's arguments to dst, like AppendEvent.
func AppendArgs(dst []byte, args []any) (data []byte, attachments [][]byte, err error) {
	e := encoder{dst: append(dst, '[')}
	return e.finish(args, false)
}

// MarshalObject marshals the payload of a Connect or ConnectError packet.
func MarshalObject(v any) (json.RawMessage, error) {
	var e encoder
	if err := e.marshal(v); err != nil {
		return nil, err
	}
	return e.dst, nil
}

type encoder struct {
	dst         []byte
	attachments [][]byte
}

func (e *encoder) finish(args []any, comma bool) (data []byte, attachments [][]byte, err error) {
	for i, arg := range args {
		if comma || i > 0 {
			e.dst = append(e.dst, ',')
		}
		if err := e.value(arg); err != nil {
			return nil, nil, fmt.Errorf("encoding argument %d: %w", i, err)
		}
	}
	return append(e.dst, ']'), e.attachments, nil
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.dst = append(e.dst, "null"...)
	case []byte:
		e.attach(v)
	case json.RawMessage:
		return e.raw(v)
	case Raw:
		e.again(v)
	case string:
		if plain(v) {
			e.dst = append(append(append(e.dst, '"'), v...), '"')
			return nil
		}
		return e.marshal(v)
	case int:
		e.dst = strconv.AppendInt(e.dst, int64(v), 10)
	case []any:
		return e.array(v)
	case map[string]any:
		return e.object(v)
	default:
		return e.marshal(v)
	}
	return nil
}

func (e *encoder) attach(data []byte) {
	e.dst = appendPlaceholder(e.dst, len(e.attachments))
	e.attachments = append(e.attachments, data)
}

// again encodes a received argument.
func (e *encoder) again(v Raw) {
	if len(v.attachments) == 0 {
		e.dst = append(e.dst, v.json...)
		return
	}
	e.dst = replace(e.dst, v.json, func(dst []byte, num int) []byte {
		data, _ := pick(v.attachments, num)
		e.attachments = append(e.attachments, data)
		return appendPlaceholder(dst, len(e.attachments)-1)
	})
}

// errInvalidRaw keeps a packet from being sent that would make every client close its connection.
var errInvalidRaw = errors.New("raw JSON is not valid")

func (e *encoder) raw(v json.RawMessage) error {
	if v == nil {
		e.dst = append(e.dst, "null"...)
		return nil
	}
	if !json.Valid(v) {
		return errInvalidRaw
	}
	e.dst = append(e.dst, v...)
	return nil
}

func (e *encoder) array(v []any) error {
	if v == nil {
		e.dst = append(e.dst, "null"...)
		return nil
	}
	e.dst = append(e.dst, '[')
	for i, element := range v {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		if err := e.value(element); err != nil {
			return err
		}
	}
	e.dst = append(e.dst, ']')
	return nil
}

// object encodes a map like encoding/json, with its keys sorted.
func (e *encoder) object(v map[string]any) error {
	if v == nil {
		e.dst = append(e.dst, "null"...)
		return nil
	}
	e.dst = append(e.dst, '{')
	for i, key := range slices.Sorted(maps.Keys(v)) {
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		if err := e.marshal(key); err != nil {
			return err
		}
		e.dst = append(e.dst, ':')
		if err := e.value(v[key]); err != nil {
			return err
		}
	}
	e.dst = append(e.dst, '}')
	return nil
}

// marshal appends v as encoding/json has it, except that HTML is not escaped: the text is compared and measured by clients,
// and is never in a page.
func (e *encoder) marshal(v any) error {
	buf := bytes.NewBuffer(e.dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	e.dst = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	return nil
}

// plain reports whether a string needs no escaping.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
