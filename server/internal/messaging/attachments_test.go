package messaging_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/messaging/messagingtest"
)

// Attachments are stored, announced and changed with addresses in place of paths of this machine; other addresses stay
// unchanged, to the byte.
func TestAttachmentsNameAddresses(t *testing.T) {
	t.Parallel()
	service := messagingtest.New(t, func(c *messaging.Config) {
		c.PublicURL = func(location string) string {
			if name, ok := strings.CutPrefix(location, "/data/"); ok {
				return "/media/" + name
			}
			return location
		}
	})
	events, err := service.Subscribe(uuid.Nil)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	channel := uuid.New()
	for document, want := range map[string]string{
		`{"attachments":["/data/a"]}`:                                        `{"attachments":["/media/a"]}`,
		`{"attachments":"/data/a"}`:                                          `{"attachments":"/media/a"}`,
		`{"attachments":{"url":"/data/a","x":1}}`:                            `{"attachments":{"url":"/media/a","x":1}}`,
		`{"attachments":[{"url":"/data/a"},{"url":"https://x/"},"/data/b"]}`: `{"attachments":[{"url":"/media/a"},{"url":"https://x/"},"/media/b"]}`,
		`{"attachments": [ {"url": "https://x/?a=1&b=<2>"} ], "z": 1}`:       `{"attachments": [ {"url": "https://x/?a=1&b=<2>"} ], "z": 1}`,
		`{"attachments":[["/data/a"]]}`:                                      `{"attachments":[["/data/a"]]}`,
		`{"attachments":{"url":["/data/a"]}}`:                                `{"attachments":{"url":["/data/a"]}}`,
		`{"attachments":null,"text":"/data/a"}`:                              `{"attachments":null,"text":"/data/a"}`,
		`{"text":"attachments"}`:                                             `{"text":"attachments"}`,
		`["attachments"]`:                                                    `["attachments"]`,
	} {
		posted, err := service.Post(t.Context(), auth.System(), messaging.Draft{
			ChannelID: channel, AuthorID: uuid.New(), Content: "x", RawMessage: json.RawMessage(document), Create: &messaging.AutoCreate{},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(posted.Message.RawMessage); got != want {
			t.Errorf("%s became %s, want %s", document, got, want)
		}
		e, err := messaging.DecodeEvent(<-events.C())
		if err != nil || e.Message == nil {
			t.Fatalf("%+v, %v", e, err)
		}
		if strings.Contains(string(e.Message.RawMessage), "/data/") && strings.Contains(want, "/media/") {
			t.Errorf("the event has %s", e.Message.RawMessage)
		}
		for m := e; m.Type != messaging.EventTurnEnded; { // no agent answers
			if m, err = messaging.DecodeEvent(<-events.C()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDeletedChannelsAreAnnounced(t *testing.T) {
	t.Parallel()
	f := messagingtest.New(t)
	deleted, err := f.DeletedChannels()
	if err != nil {
		t.Fatal(err)
	}
	defer deleted.Close()
	c, err := f.CreateChannel(t.Context(), auth.System(), messaging.NewChannel{Name: "x", Type: messaging.TypeGroup})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteChannel(t.Context(), auth.System(), c.ID); err != nil {
		t.Fatal(err)
	}
	if e, err := messaging.DecodeEvent(<-deleted.C()); err != nil || e.ChannelID != c.ID || e.Type != messaging.EventChannelDeleted {
		t.Errorf("%+v, %v", e, err)
	}
}
