package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/bus"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/store"
	"github.com/elizad/elizad/server/internal/store/sqlitestore"
)

// What the databases of the REST measurements hold.
const (
	restAgents   = 100
	restChannels = 1000 // of two people each
	restHistory  = 200  // messages of channel 0
	restPage     = 50   // messages that are read at a time
)

// fillRestData makes a database in dir: agents with characters of a usual size, channels, and a conversation in which every
// other message carries what the answers of agents do.
func fillRestData(ctx context.Context, dir string) error {
	return fillData(ctx, dir, fillAgents, fillChannels, fillMessages)
}

// fillProductData makes one with channels of people and a conversation of short messages. The program adds its own agent.
func fillProductData(ctx context.Context, dir string) error {
	return fillData(ctx, dir, fillChannels, fillShortMessages)
}

// filler puts something into a database.
type filler func(context.Context, store.System, *messaging.Service) error

func fillData(ctx context.Context, dir string, fillers ...filler) error {
	st, err := sqlitestore.Open(ctx, sqlitestore.Config{Dir: dir})
	if err != nil {
		return err
	}
	service := messaging.New(messaging.Config{Store: st, Bus: bus.NewLocal()})
	err = service.Prepare(ctx)
	for _, fill := range fillers {
		if err == nil {
			err = fill(ctx, st, service)
		}
	}
	return errors.Join(err, st.Close())
}

func fillAgents(ctx context.Context, st store.System, _ *messaging.Service) error {
	now := dbtype.MillisOf(time.Now())
	return st.SystemUpdate(ctx, func(q db.System) error {
		for n := range restAgents {
			id, name := benchID("agent", n), fmt.Sprintf("Agent %d", n)
			character, err := json.Marshal(map[string]any{
				"id": id, "name": name, "system": "Answer as " + name + " would, in a few words. " + eventText,
				"bio":        []string{name + " likes to be measured.", eventText, eventText},
				"topics":     []string{"music", "mountains", "machines", "mathematics"},
				"adjectives": []string{"brief", "kind", "curious"},
				"style":      map[string]any{"all": []string{"short sentences", "no emoji"}, "chat": []string{"friendly"}},
				"messageExamples": [][]any{{
					map[string]any{"name": "{{user1}}", "content": map[string]any{"text": "Who are you?"}},
					map[string]any{"name": name, "content": map[string]any{"text": "I am " + name + ", and " + eventText}},
				}},
			})
			if err != nil {
				return err
			}
			if _, err := q.InsertAgent(ctx, db.InsertAgentParams{
				ID: id, Name: name, Character: character, Secrets: dbtype.JSON(`{}`), Enabled: true, Running: n%2 == 0, CreatedAt: now, UpdatedAt: now,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func fillChannels(ctx context.Context, st store.System, _ *messaging.Service) error {
	now := dbtype.MillisOf(time.Now())
	return st.SystemUpdate(ctx, func(q db.System) error {
		for n := range restChannels {
			if _, err := q.InsertChannel(ctx, db.InsertChannelParams{
				ID: channelID(n), MessageServerID: messaging.DefaultServerID, Name: "bench", Type: string(messaging.TypeGroup),
				Metadata: dbtype.JSON(`{}`), TurnPolicy: string(messaging.PolicyQueue), CreatedAt: now, UpdatedAt: now,
			}); err != nil {
				return err
			}
			for person := range 2 {
				if _, err := q.AddParticipant(ctx, db.AddParticipantParams{ChannelID: channelID(n), EntityID: benchID("person", person), JoinedAt: now}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func fillMessages(ctx context.Context, _ store.System, service *messaging.Service) error {
	const text = "\"All work and no play\", she said, \"makes Jack a dull boy.\"\nIt is naïve to think otherwise – but who does?\n\n"
	said := strings.Repeat(text, 3)
	reply, err := json.Marshal(map[string]any{"text": said, "thought": "Say something friendly.", "actions": []string{"REPLY"}, "providers": []string{"TIME"}})
	if err != nil {
		return err
	}
	for n := range restHistory {
		d := messaging.Draft{
			ChannelID: channelID(0), AuthorID: benchID("person", n%2), AuthorName: fmt.Sprintf("Person %d", n%2), Content: said,
			Metadata: json.RawMessage(`{"user_display_name":"Person","channelType":"GROUP"}`),
		}
		if n%2 == 1 {
			d.RawMessage = reply
		}
		if _, err := service.Post(ctx, auth.Claimed(d.AuthorID), d); err != nil {
			return err
		}
	}
	return nil
}

func fillShortMessages(ctx context.Context, _ store.System, service *messaging.Service) error {
	for n := range restHistory {
		d := messaging.Draft{
			ChannelID: channelID(0), AuthorID: benchID("person", n%2), AuthorName: fmt.Sprintf("Person %d", n%2), Content: benchText,
			SourceType: messaging.SourceGUI, Metadata: json.RawMessage(`{"user_display_name":"Person"}`),
		}
		if _, err := service.Post(ctx, auth.Claimed(d.AuthorID), d); err != nil {
			return err
		}
	}
	return nil
}
