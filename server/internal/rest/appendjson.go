package rest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/jsontext"
)

// Answers that are written too often for encoding/json.

// maxKeptBuffer is the size of the largest buffer that is kept for other answers.
const maxKeptBuffer = 256 << 10

// buffers holds the buffers of answers that have been written.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeJSON writes the JSON that build appends as an answer.
func writeJSON(w http.ResponseWriter, status int, build func(dst []byte) []byte) error {
	buffer := buffers.Get().(*[]byte)
	body := append(build((*buffer)[:0]), '\n')
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	if *buffer = body; cap(body) <= maxKeptBuffer {
		buffers.Put(buffer)
	}
	return err
}

// appendList appends a list.
func appendList[T any](dst []byte, list []T, add func(dst []byte, v *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = add(dst, &list[i])
	}
	return append(dst, ']')
}

// appendOptional appends a member, with its name in JSON, unless the value is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return jsontext.AppendString(append(dst, name...), value)
}

// appendNullable appends a member, with its name in JSON, that is an id or null.
func appendNullable(dst []byte, name string, id *uuid.UUID) []byte {
	if dst = append(dst, name...); id == nil {
		return append(dst, "null"...)
	}
	return appendID(dst, *id)
}

// appendRaw appends a member, with its name in JSON, whose value is JSON already, unless there is none.
func appendRaw(dst []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		return dst
	}
	return append(append(dst, name...), value...)
}

// appendID appends an id as a JSON string.
func appendID(dst []byte, id uuid.UUID) []byte { return jsontext.AppendID(dst, id) }
