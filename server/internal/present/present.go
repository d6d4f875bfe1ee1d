// Package present shows the domain in the documents of the contract, api/openapi.yaml: a function for each of them, called like
// its schema, which takes what the domain knows and returns the type that is generated of the schema. What sockets get of a message is in
// broadcast.go. It decides what is seen and
// under which names, and nothing else. Agents are shown by package rest, so that showing a message does not import the runtime.
//
// To add a field, write it into the contract, run go generate, and fill it in here. A page of messages and the answer to a post
// are also appended as JSON (appended.go), where a field of a message has to be added too: a property test demands it.
// encoding/json takes about 5 times as long for them, and so does json/v2: 5.3 times for 50 messages, 4.0 times for the answer to
// a post, measured on 2026-11-29 with github.com/go-json-experiment/json 1.27.2 (docs/decisions/0004-appended-json.md).
package present

import (
	"encoding/json"

	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	"github.com/elizad/elizad/server/internal/fileurl"
)

// Documents shows what may hold addresses of files. The zero value shows them as they are stored.
type Documents struct{ files *fileurl.Signer }

// New returns what signs the addresses of files that it shows; with nil it doesn't.
func New(files *fileurl.Signer) Documents { return Documents{files} }

// File shows the address of a file, given by its path, to somebody who may have it.
func (d Documents) File(path string) string { return d.files.Signed(path) }

// OfAgent shows a document that belongs to no channel. Of the files in it, those of agents may be its readers'.
func (d Documents) OfAgent(doc json.RawMessage) json.RawMessage { return d.files.Shown(doc, uuid.Nil) }

// Each shows a list by how one is shown. The result is never nil, so that it is never null on the wire.
func Each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

// List returns in, and an empty list for nil.
func List[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

// Optional returns a pointer to v, and nil for the zero value, which the wire leaves out.
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func nullableID(id *uuid.UUID) nullable.Nullable[uuid.UUID] {
	if id == nil {
		return nullable.NewNullNullable[uuid.UUID]()
	}
	return nullable.NewNullableWithValue(*id)
}
