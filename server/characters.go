package server

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/audit"
	"github.com/elizad/elizad/server/internal/auth"
)

// found is a character, and where it was.
type found struct {
	place string
	agent.Character
}

// bringsNone reports whether neither the settings nor the program name agents.
func (s *Server) bringsNone() bool { return len(s.cfg.Agents.Characters)+len(s.characters) == 0 }

// bringAgents imports the characters that the settings and the program name; where there are none, a new database gets the default agent. One
// that is refused does not keep the others out.
func (s *Server) bringAgents(ctx context.Context, characters []found) error {
	agents := s.parts.runtime.Agents()
	if s.bringsNone() {
		return agents.EnsureDefault(ctx)
	}
	for _, c := range characters {
		ids, err := agents.Import(ctx, []agent.Character{c.Character}, true)
		if refused, ok := errors.AsType[*apierr.Error](err); ok && refused.Code != apierr.Unavailable {
			s.leaveOut(c.place, err)
		} else if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.parts.audit.Append(ctx, audit.Entry{Action: "agent.import", Who: auth.System(), Target: id, Details: "at the start"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaveOut notes a character that does not become an agent.
func (s *Server) leaveOut(place string, err error) {
	if invalid, ok := errors.AsType[*agent.ValidationError](err); ok {
		err = invalid // which says it all; what is around it is for answers
	}
	err = fmt.Errorf("reading the character in %s: %w", place, err)
	s.log.Error("character left out", "error", err)
	s.parts.problems = append(s.parts.problems, err.Error())
}

// readCharacters returns the characters of the program, and those that it reads because the settings name them. What cannot be read does not keep the others out.
func (s *Server) readCharacters() []found {
	var characters []found
	for _, c := range s.characters {
		characters = append(characters, found{"the program", c})
	}
	for _, path := range s.cfg.Agents.Characters {
		data, err := os.ReadFile(path)
		if err != nil {
			s.leaveOut(path, err)
			continue
		}
		all, err := agent.ImportCharacters(data)
		if err != nil {
			all = []agent.Imported{{Err: err}}
		}
		for at, one := range all {
			place := path
			if len(all) > 1 {
				place = fmt.Sprintf("%s (character %d of %d)", path, at+1, len(all))
			}
			if one.Err != nil {
				s.leaveOut(place, one.Err)
				continue
			}
			s.logImport(place, one)
			characters = append(characters, found{place, one.Character})
		}
	}
	return characters
}

// logImport logs which parts of a character file were imported in another form, or not at all.
func (s *Server) logImport(place string, one agent.Imported) {
	r := one.Report
	switch {
	case len(r.Kept)+len(r.Unused) > 0:
		s.log.Warn("character imported; some of it has no effect here", "file", place, "agentName", one.Character.Name,
			"used", r.Used, "unused", r.Unused, "keptUnderSettingsImported", r.Kept)
	case len(r.Used) > 0:
		s.log.Info("character imported", "file", place, "agentName", one.Character.Name, "used", r.Used)
	}
}
