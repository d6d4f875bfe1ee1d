package storetest

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/apierr"
)

func testErrors(t *testing.T, setup func(t *testing.T) *fixture) {
	t.Run("classified on the way out", func(t *testing.T) {
		f := setup(t)
		server, agent := f.server(t), f.agent(t, "Ann")
		channel := f.channel(t, server)
		message := f.post(t, channel, uuid.New(), "hello", start)
		unknownChannel := newMessage(uuid.New(), uuid.New(), "x")
		sameSeq := newMessage(channel, uuid.New(), "x")
		sameSeq.Seq = message.Seq
		sameAgent := newAgent("Bob")
		sameAgent.ID = agent
		for name, tt := range map[string]struct {
			err  error
			want apierr.Code
		}{
			"no such row":                {failing(t, f, db.System.GetChannel, uuid.New()), apierr.NotFound},
			"no such row to change":      {failing(t, f, db.System.SetAgentRunning, db.SetAgentRunningParams{ID: uuid.New()}), apierr.NotFound},
			"the key exists":             {failing(t, f, db.System.InsertAgent, sameAgent), apierr.Conflict},
			"the number exists":          {failing(t, f, insertMessage, sameSeq), apierr.Conflict},
			"reference to nowhere":       {failing(t, f, insertMessage, unknownChannel), apierr.NotFound},
			"one that was run, not read": {failing(t, f, db.System.AddServerAgent, db.AddServerAgentParams{MessageServerID: server, AgentID: uuid.New()}), apierr.NotFound},
		} {
			if !apierr.IsCode(tt.err, tt.want) {
				t.Errorf("%s: %v, want %s", name, tt.err, tt.want)
			}
			if public := apierr.From(tt.err).Message; strings.Contains(public, "messages") || strings.Contains(public, "agents") {
				t.Errorf("%s: the public message %q names a table", name, public)
			}
		}
	})

	t.Run("the domain's own pass unchanged", func(t *testing.T) {
		f := setup(t)
		want := apierr.New(apierr.Forbidden, "Not yours")
		fn := func(db.System) error { return fmt.Errorf("checking: %w", want) }
		for name, err := range map[string]error{
			"Update": f.SystemUpdate(t.Context(), fn),
			"View":   f.SystemView(t.Context(), fn),
		} {
			if apierr.From(err) != want {
				t.Errorf("%s: %v, want the very error", name, err)
			}
		}
	})

	t.Run("no rows, inside and outside", func(t *testing.T) {
		f := setup(t)
		for name, run := range map[string]func(func(db.System) error) error{
			"Update": func(fn func(db.System) error) error { return f.SystemUpdate(t.Context(), fn) },
			"View":   func(fn func(db.System) error) error { return f.SystemView(t.Context(), fn) },
		} {
			err := run(func(q db.System) error {
				_, err := q.GetAgent(t.Context(), uuid.New())
				if !errors.Is(err, sql.ErrNoRows) {
					t.Errorf("inside %s: %v, want sql.ErrNoRows", name, err)
				}
				return err
			})
			if !apierr.IsCode(err, apierr.NotFound) {
				t.Errorf("outside %s: %v, want NOT_FOUND", name, err)
			}
		}
	})
}
