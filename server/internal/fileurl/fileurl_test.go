package fileurl

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func split(t *testing.T, address string) (path, query string) {
	t.Helper()
	path, query, ok := strings.Cut(address, "?")
	if !ok {
		t.Fatalf("%s is not signed", address)
	}
	return path, query
}

// A signature is good for its file, its tenant and its time, by each key that is given.
func TestSignatures(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	older, newer, tenant, owner := []byte("older"), []byte("newer"), uuid.New(), uuid.New()
	s := New([][]byte{older}, tenant, c.now)
	address := s.Signed(Path(ChannelUploads, owner.String(), "a.png"))
	path, query := split(t, address)
	until, err := s.Check(path, query)
	if err != nil || until.Sub(c.at) < window || until.Sub(c.at) > 2*window {
		t.Fatalf("%s: %v, %v left", address, err, until.Sub(c.at))
	}
	if _, err := New([][]byte{newer, older}, tenant, c.now).Check(path, query); err != nil {
		t.Errorf("while the key is changed: %v", err)
	}
	for name, check := range map[string]func() (time.Time, error){
		"another key":    func() (time.Time, error) { return New([][]byte{newer}, tenant, c.now).Check(path, query) },
		"another tenant": func() (time.Time, error) { return New([][]byte{older}, uuid.New(), c.now).Check(path, query) },
		"another name":   func() (time.Time, error) { return s.Check(strings.Replace(path, "a.png", "b.png", 1), query) },
		"another owner": func() (time.Time, error) {
			return s.Check(strings.Replace(path, owner.String(), uuid.NewString(), 1), query)
		},
		"another area":    func() (time.Time, error) { return s.Check(strings.Replace(path, "channels", "agents", 1), query) },
		"another end":     func() (time.Time, error) { return s.Check(path, strings.Replace(query, "=1", "=2", 1)) },
		"another form":    func() (time.Time, error) { return s.Check(path, strings.Replace(query, "=", "=0", 1)) },
		"a part":          func() (time.Time, error) { return s.Check(path, query[:len(query)-4]) },
		"none":            func() (time.Time, error) { return s.Check(path, "") },
		"another page":    func() (time.Time, error) { return s.Check("/api/agents", query) },
		"a broken query":  func() (time.Time, error) { return s.Check(path, query+"&%") },
		"a folder deeper": func() (time.Time, error) { return s.Check(path+"/b", query) },
	} {
		if _, err := check(); err == nil || s.HasExpired(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.at = until.Add(-time.Second)
	if again := s.Signed(path); again == address {
		t.Error("an address that ends in a second is handed out")
	}
	if _, err := s.Check(path, query); err != nil {
		t.Errorf("in its last second: %v", err)
	}
	c.at = until
	if _, err := s.Check(path, query); !s.HasExpired(err) {
		t.Errorf("after its end: %v", err)
	}
	spaced := Path(Generated, owner.String(), "ä b&c.png")
	path, query = split(t, s.Signed(spaced))
	if _, err := s.Check("/media/generated/"+owner.String()+"/ä b&c.png", query); err != nil || path != spaced {
		t.Errorf("%s?%s: %v", path, query, err)
	}
}

// What is shown has one good signature for each file that its readers may have; what is taken has none.
func TestDocuments(t *testing.T) {
	t.Parallel()
	c := &clock{time.Unix(1_800_000_000, 0)}
	s, channel, agent := New([][]byte{[]byte("key")}, uuid.New(), c.now), uuid.New(), uuid.New()
	own, foreign := Path(ChannelUploads, channel.String(), "a.png"), Path(ChannelUploads, uuid.NewString(), "a.png")
	made, odd := Path(Generated, agent.String(), "a.png"), Path(AgentUploads, agent.String(), "a&b.png")
	signed := func(path string) string { return s.Signed(path) }
	old := signed(own)
	c.at = c.at.Add(30 * time.Hour)
	if signed(own) == old {
		t.Fatal("the clock stands still")
	}
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, tt := range []struct{ taken, stored, shown string }{
		{`{"url":"` + own + `"}`, "", `{"url":"` + signed(own) + `"}`},
		{`[ "` + own + `" , {"a" : "` + own + `"}]`, "", `[ "` + signed(own) + `" , {"a" : "` + signed(own) + `"}]`},
		{`{"url":"` + old + `"}`, `{"url":"` + own + `"}`, `{"url":"` + signed(own) + `"}`},
		{`{"url":"` + strings.ReplaceAll(old, "/", `\/`) + `"}`, `{"url":"` + own + `"}`, `{"url":"` + signed(own) + `"}`},
		{`{"url":"` + strings.ReplaceAll(old, "m", `\u006d`) + `"}`, `{"url":"` + own + `"}`, `{"url":"` + signed(own) + `"}`},
		{`{"url":"http://host:1` + old + `"}`, `{"url":"` + own + `"}`, `{"url":"` + signed(own) + `"}`},
		{`{"url":"https://elsewhere` + own + `?sig=1.x"}`, "", ""},
		{`{"url":"` + signed(foreign) + `"}`, `{"url":"` + foreign + `"}`, `{"url":"` + foreign + `"}`},
		{`{"url":"` + made + `"}`, `{"url":"` + made + `?unsigned"}`, `{"url":"` + made + `"}`},
		{`{"url":"` + made + `?sig=1.x"}`, `{"url":"` + made + `?unsigned"}`, `{"url":"` + made + `"}`},
		{`{"url":"\u002f` + made[1:] + `"}`, `{"url":"` + made + `?unsigned"}`, `{"url":"` + made + `"}`},
		{`{"url":"` + signed(made) + `"}`, `{"url":"` + made + `"}`, `{"url":"` + signed(made) + `"}`},
		{`{"url":` + encode(signed(odd)) + `}`, `{"url":` + encode(odd) + `}`, `{"url":` + encode(signed(odd)) + `}`},
		{`{"text":"` + old + `","content":"` + made + `"}`, "", ""},
		{`{"text":["` + own + `"]}`, "", `{"text":["` + signed(own) + `"]}`},
		{`{"` + own + `":1,"b":"see ` + own + `","c":"\"` + own + `","d":"` + own + `/x"}`, "", ""},
		{`{"note":"` + own + `"`, "", `{"note":"` + signed(own) + `"`},
		{`"` + own, "", ""}, {`{"media":"`, "", ""}, {``, "", ""}, {`nonsense /media/`, "", ""},
	} {
		if tt.stored == "" {
			tt.stored = tt.taken
		}
		if tt.shown == "" {
			tt.shown = tt.stored
		}
		if got := string(s.Taken([]byte(tt.taken), false)); got != tt.stored {
			t.Errorf("taken  %s\nstored %s\nwant   %s", tt.taken, got, tt.stored)
		}
		if got := string(s.Shown(json.RawMessage(tt.stored), channel)); got != tt.shown {
			t.Errorf("stored %s\nshown  %s\nwant   %s", tt.stored, got, tt.shown)
		}
		if got := string(s.ShowFrom([]byte("before"+tt.stored), len("before"), channel)); got != "before"+tt.shown {
			t.Errorf("stored %s\nshown  %s", tt.stored, got)
		}
	}
	if got := string(s.Taken([]byte(`"`+made+`"`), true)); got != `"`+made+`"` {
		t.Errorf("of somebody who sees the files of agents: %s", got)
	}
	var none *Signer
	if doc := `"` + old + `"`; string(none.Shown(json.RawMessage(doc), channel)) != doc || string(none.Taken([]byte(doc), false)) != doc || none.Signed(own) != own {
		t.Error("without a key something changes")
	}
}
