package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime/template"
)

// defaultProviderTimeout is how long a provider may take unless PROVIDER_TIMEOUT_MS says otherwise.
const defaultProviderTimeout = time.Second

// compose asks the named providers that have not been asked in this run, all at once, and puts the texts of the named ones
// together (agent runtime §7.1). Unknown names are left out. A provider that fails, or is late, is left out too and noted in
// the record; only the end of the run is an error.
func (r *run) compose(ctx context.Context, names []string) error {
	var wanted []agent.Provider
	for _, p := range r.agent.components.Providers {
		if slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, p.Name) }) {
			wanted = append(wanted, p)
		}
	}
	slices.SortStableFunc(wanted, func(a, b agent.Provider) int { return a.Position - b.Position })

	missing := slices.DeleteFunc(slices.Clone(wanted), func(p agent.Provider) bool {
		_, known := r.state.Providers[p.Name]
		return known
	})
	if err := r.ask(ctx, missing); err != nil {
		return err
	}
	var texts []string
	for _, p := range wanted {
		result := r.state.Providers[p.Name]
		maps.Copy(r.state.Values, result.Values)
		if text := strings.TrimSpace(result.Text); text != "" {
			texts = append(texts, text)
		}
	}
	r.state.Text = strings.Join(texts, "\n\n")
	r.state.Values["providers"] = r.state.Text
	return nil
}

// defaultProviders returns the names of the providers that are asked unless the caller names some.
func (r *run) defaultProviders() []string {
	var names []string
	for _, p := range r.agent.components.Providers {
		if !p.Dynamic && !p.Private {
			names = append(names, p.Name)
		}
	}
	return names
}

// usualProviders returns those, and the one of attachments if the message has some: nobody should have to ask for them.
func (r *run) usualProviders() []string {
	names := r.defaultProviders()
	if len(r.view.Message.Content.Attachments) > 0 {
		names = append(names, attachmentsName)
	}
	return names
}

// forget makes the next compose ask a provider again.
func (r *run) forget(name string) { delete(r.state.Providers, name) }

// provided is the answer of a provider.
type provided struct {
	name   string
	result agent.ProviderResult
	err    error
}

// ask asks providers at once and keeps what they say.
func (r *run) ask(ctx context.Context, providers []agent.Provider) error {
	if len(providers) == 0 {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, r.agent.settings.millis("PROVIDER_TIMEOUT_MS", defaultProviderTimeout))
	defer cancel()
	var (
		view    = r.forComponents()
		answers = make(chan provided, len(providers)) // room for all, so that late ones don't hang
		late    = map[string]bool{}
	)
	for _, p := range providers {
		late[p.Name] = true
		r.service.background.Go(func() {
			defer lifecycle.Contain(r.service.cfg.Logger, "a provider")
			result, err := get(limited, p, view)
			answers <- provided{p.Name, result, err}
		})
	}
	for len(late) > 0 {
		select {
		case a := <-answers:
			delete(late, a.name)
			if a.err != nil {
				r.leaveOut(ctx, a.name, a.err)
			}
			r.state.Providers[a.name] = a.result
			if found := r.passages(); a.name == knowledgeName && len(found) > 0 {
				r.record.add(messaging.LogKnowledge, map[string]any{"passages": sourcesOf(found)})
			}
		case <-limited.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			for _, name := range slices.Sorted(maps.Keys(late)) {
				r.leaveOut(ctx, name, errors.New("it took too long"))
				r.state.Providers[name] = agent.ProviderResult{}
			}
			return nil
		}
	}
	return nil
}

// get asks one provider. A panic is its error.
func get(ctx context.Context, p agent.Provider, view *agent.Run) (result agent.ProviderResult, err error) {
	defer func() {
		if v := recover(); v != nil {
			result, err = agent.ProviderResult{}, fmt.Errorf("panic: %v", v)
		}
	}()
	return p.Get(ctx, view)
}

// leaveOut notes that a provider said nothing.
func (r *run) leaveOut(ctx context.Context, name string, err error) {
	r.agent.log.WarnContext(ctx, "provider left out", "provider", name, "turnId", r.turn.ID, "error", err)
	r.record.leaveOut(name)
}

// render renders a prompt with what the providers said.
func (r *run) render(name string) (string, error) {
	values := maps.Clone(r.state.Values)
	values["senderName"] = r.view.Message.Author
	values["roomName"] = r.view.Room.Name
	values["channelType"] = r.view.Room.Type
	values["date"] = r.startedAt.UTC().Format(time.DateOnly)
	for _, name := range []string{"agentName", "name"} {
		if _, ok := values[name]; !ok {
			values[name] = r.agent.character.Name
		}
	}
	text, err := r.agent.templates[name].Execute(values)
	if errors.Is(err, template.ErrTooLong) {
		return "", &runError{reason: reasonTemplate, detail: "The prompt " + name + " becomes too long", err: err}
	} else if err != nil {
		return "", err
	}
	return r.standIns(text), nil
}
