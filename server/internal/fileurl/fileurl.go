// Package fileurl knows the addresses of the files that a server keeps, and makes of them addresses that expire: with a signature, a
// browser that sends no credential for a picture may have it.
//
//	/media/uploads/channels/{channel}/{name}?sig={unix seconds}.{MAC}
//
// A signature is put on where something is shown, and taken off where something comes in, so that none is ever stored: see
// [Signer.Shown] and [Signer.Taken]. It is good for one file of one tenant until one moment, the same for everybody, so that what is
// shown to many is encoded once and kept by browsers. Whoever has the whole address gets the file.
package fileurl

import (
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// Area is a part of the stored files, named as in their addresses.
type Area string

// The areas.
const (
	AgentUploads   Area = "uploads/agents"
	ChannelUploads Area = "uploads/channels"
	Generated      Area = "generated"
)

// Prefix is what the path of each file begins with.
const Prefix = "/media/"

// Path returns the path of a file's address.
func Path(area Area, owner, name string) string {
	return Prefix + string(area) + "/" + url.PathEscape(owner) + "/" + url.PathEscape(name)
}

// address is that of a file, without a signature.
type address struct {
	area  Area
	owner uuid.UUID
	name  string
}

// parse reads the path of an address as [Path] writes it.
func parse(path string) (a address, ok bool) {
	path, ok = strings.CutPrefix(path, Prefix)
	if !ok {
		return a, false
	}
	for _, area := range [...]Area{ChannelUploads, AgentUploads, Generated} {
		rest, found := strings.CutPrefix(path, string(area)+"/")
		if !found {
			continue
		}
		owner, name, _ := strings.Cut(rest, "/")
		id, err := uuid.Parse(owner)
		if err != nil || len(owner) != len(uuid.UUID{}.String()) || name == "" || strings.ContainsAny(name, "/?#") {
			return a, false
		}
		if name, err = url.PathUnescape(name); err != nil {
			return a, false
		}
		return address{area, id, name}, true
	}
	return a, false
}

// Parse reads an address as it is stored. Proven is false for an agent's file of which nobody who named it has shown that it is
// theirs to see.
func Parse(text string) (area Area, owner uuid.UUID, name string, proven, ok bool) {
	path, query, _ := strings.Cut(text, "?")
	a, ok := parse(path)
	return a.area, a.owner, a.name, query != unproven, ok
}

func (a address) path() string { return Path(a.area, a.owner.String(), a.name) }
