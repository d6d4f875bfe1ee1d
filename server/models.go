package server

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/egress"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/internal/secrets"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/doctor"
	"github.com/elizad/elizad/server/model/openai"
	"github.com/elizad/elizad/server/model/price"
	"github.com/elizad/elizad/server/model/vendors"
)

// The notice to owners and readers about the built-in responder.
const (
	builtinName        = "builtin"
	builtinNotice      = "To connect a language model, set OPENAI_API_KEY, or OPENAI_BASE_URL or OLLAMA_API_ENDPOINT for a local one."
	builtinReplyNotice = "Built-in responder: not a language model"
)

// models chooses the model of each agent: the provider that a setting names, else the program's, else one that the character's plugins
// name and that has its key, else the first whose key or address is set, else the built-in responder. A choice that can't work is
// never replaced by another, unless a setting names fallbacks; a notice says to the agent's owner what to change.
type models struct {
	builtin model.Provider
	program model.Provider // that the program brought along; nil: none
	prices  price.Table
	listed  bool // the prices are those of a file, and hold for any address
	guard   *egress.Guard
	guarded *http.Client  // for addresses that callers name
	http    *http.Client  // for the others. Both are shared by all agents and their versions, so that connections are
	forms   vendors.Forms // and what each model refuses
	breaker model.Breaker // and which of them fail
}

// newModels reads the prices of models from a file, if it is named.
func newModels(guard *egress.Guard, notice bool, delay time.Duration, pricesFile string) (*models, error) {
	provider, err := doctor.New(doctor.Options{HideNotice: !notice, WordDelay: delay})
	if err != nil {
		return nil, fmt.Errorf("making the built-in responder: %w", err)
	}
	prices, err := price.Builtin()
	if pricesFile != "" {
		prices, err = price.ReadFile(pricesFile)
	}
	if err != nil {
		return nil, err
	}
	return &models{
		builtin: provider,
		prices:  prices,
		listed:  pricesFile != "",
		guard:   guard,
		guarded: &http.Client{Transport: guard.Guarded(openai.NewTransport(openai.DefaultMaxConns))},
		http:    &http.Client{Transport: openai.NewTransport(openai.DefaultMaxConns)}}, nil
}

// Choose implements runtime.Models.
func (m *models) Choose(req runtime.ModelRequest) runtime.ModelChoice {
	choice := m.withFallbacks(m.byKind(m.chooseText(req), req.Lookup), req.Lookup)
	choice.Transcription, choice.Speech = m.transcription(req.Lookup), m.speech(req.Lookup)
	return choice
}

// Routes implements runtime.Models. Which of the vendors is chosen routes nothing: each has its own keys and addresses.
func (m *models) Routes(lookup model.Lookup) []secrets.Route { return routes(lookup) }

func routes(lookup model.Lookup) []secrets.Route {
	out := []secrets.Route{{Addresses: slices.Concat(providerSettings, fallbackSettings, []string{providerOf(model.TextSmall), providerOf(model.TextLarge)})}}
	for _, r := range vendors.Routes(lookup) {
		out = append(out, secrets.Route(r))
	}
	return out
}

// providerSettings name whose model an agent uses.
var providerSettings = []string{"modelProvider", "MODEL_PROVIDER"}

// Settings of further models: those that are asked when the chosen one fails, and of the two kinds of text.
var fallbackSettings = []string{"MODEL_FALLBACKS", "MODEL_FALLBACK"}

// providerOf returns the setting that names the provider of a kind of text.
func providerOf(kind model.Kind) string { return string(kind) + "_" + "PROVIDER" }

func (m *models) chooseText(req runtime.ModelRequest) runtime.ModelChoice {
	wish, ok := wanted(req.Lookup)
	if !ok {
		return m.chooseByWhatIsSet(req)
	}
	if m.program != nil && strings.EqualFold(wish.Value, m.program.Name()) {
		return m.programsChoice()
	}
	if strings.EqualFold(wish.Value, builtinName) {
		return m.builtinChoice("")
	}
	vendor, known := vendors.VendorNamed(wish.Value)
	switch {
	case !known:
		message := wish.Name + " names " + wish.Value + ", which is not a provider of this server."
		return runtime.ModelChoice{Provider: runtime.Misconfigured(wish.Value, message), Notice: message}
	case wish.Origin == model.FromCharacter && !usable(vendor, req.Lookup):
		// A character that was written for another server still speaks here.
		choice := m.chooseByWhatIsSet(req)
		why := "Nothing is set for it."
		if _, err := vendor.Config(req.Lookup); err != nil { // such as a key that is set and may not go to the address
			why = apierr.From(err).Message
			if e, ok := errors.AsType[*model.Error](err); ok {
				why = e.Message
			}
		}
		choice.Notice = strings.TrimSpace("The character wants " + wish.Value + ". " + why + " " + choice.Notice)
		return choice
	}
	return m.connect(vendor, req.Lookup)
}

// programsChoice is the model that the program brought along.
func (m *models) programsChoice() runtime.ModelChoice {
	cost := func(name string, u model.Usage) (price.Amount, bool) {
		if !m.listed {
			return 0, false
		}
		return m.prices.Cost(m.program.Name(), name, u)
	}
	return runtime.ModelChoice{
		Provider: model.Retry(m.program), Sources: map[string]runtime.Source{m.program.Name(): {Prices: m.prices.Name, Cost: cost}},
	}
}

// chooseByWhatIsSet chooses the program's model if it brought one, else by the plugins that a character names, else by the keys and
// addresses that there are.
func (m *models) chooseByWhatIsSet(req runtime.ModelRequest) runtime.ModelChoice {
	if m.program != nil {
		return m.programsChoice()
	}
	for _, plugin := range req.Plugins {
		if vendor, known := vendors.VendorNamed(plugin); known && usable(vendor, req.Lookup) {
			return m.connect(vendor, req.Lookup)
		}
	}
	vendor, reason, ok := vendors.Detect(req.Lookup)
	if !ok {
		return m.builtinChoice(builtinNotice + " At present " + reason + ".")
	}
	return m.connect(vendor, req.Lookup)
}

// wanted returns the provider that a setting names: the character's own before the server's.
func wanted(lookup model.Lookup) (model.Setting, bool) {
	for _, setting := range providerSettings {
		if s, ok := lookup(setting); ok && s.Value != "" {
			return s, true
		}
	}
	return model.Setting{}, false
}

func (m *models) builtinChoice(notice string) runtime.ModelChoice {
	return runtime.ModelChoice{Provider: m.builtin, Notice: notice, ReplyNotices: map[string]string{builtinName: builtinReplyNotice}, Introduction: doctor.Notice}
}

// usable reports whether the settings hold what a vendor needs: its key, or the address of a server without one.
func usable(v vendors.Vendor, lookup model.Lookup) bool {
	e, err := v.Config(lookup)
	return err == nil && (e.APIKey != "" || e.Address.Name != "")
}

func (m *models) connect(v vendors.Vendor, lookup model.Lookup) runtime.ModelChoice {
	return m.connectTo(v, lookup, "")
}

// connectTo chooses a model of a vendor, or its usual ones if the name is empty.
func (m *models) connectTo(v vendors.Vendor, lookup model.Lookup, name string) runtime.ModelChoice {
	e, client, err := m.endpoint(v, lookup)
	if name != "" {
		e.SmallModel, e.LargeModel = name, name
	}
	if err == nil {
		var provider model.Provider
		if provider, err = e.Provider(client, &m.forms); err == nil {
			return runtime.ModelChoice{
				Provider: m.breaker.Break(model.Retry(provider), e.BaseURL, e.APIKey), Sources: map[string]runtime.Source{v.Name: m.source(e)}, Notice: e.Notice,
			}
		}
	}
	message := apierr.From(err).Message
	if e, ok := errors.AsType[*model.Error](err); ok {
		message = e.Message
	}
	return runtime.ModelChoice{Provider: runtime.Misconfigured(v.Name, message), Notice: message}
}

// named returns the choice that a setting names as "vendor" or "vendor:model". One that isn't there can't be used, and says so.
func (m *models) named(setting, text string, lookup model.Lookup) (choice runtime.ModelChoice, usable bool) {
	name, of, _ := strings.Cut(strings.TrimSpace(text), ":")
	if strings.EqualFold(name, builtinName) {
		return m.builtinChoice(""), true
	}
	v, known := vendors.VendorNamed(name)
	if !known {
		message := setting + " names " + name + ", which is not a provider of this server."
		return runtime.ModelChoice{Provider: runtime.Misconfigured(name, message), Notice: message}, false
	}
	choice = m.connectTo(v, lookup, strings.TrimSpace(of))
	return choice, len(choice.Sources) > 0
}

// byKind gives the kinds of text that a setting names a provider for to that provider.
func (m *models) byKind(choice runtime.ModelChoice, lookup model.Lookup) runtime.ModelChoice {
	large, small := choice, choice
	own := func(setting string, into *runtime.ModelChoice) bool {
		s, ok := lookup(setting)
		if ok = ok && strings.TrimSpace(s.Value) != ""; ok {
			*into, _ = m.named(setting, s.Value, lookup)
		}
		return ok
	}
	ownLarge, ownSmall := own(providerOf(model.TextLarge), &large), own(providerOf(model.TextSmall), &small)
	if !ownLarge && !ownSmall {
		return choice
	}
	out := large
	out.Main = large.Provider
	out.Provider = model.ByKind(small.Provider, large.Provider)
	out.Sources = merged(large.Sources, small.Sources)
	out.Notice = large.Notice
	if small.Notice != large.Notice {
		out.Notice = strings.TrimSpace(large.Notice + " " + small.Notice)
	}
	return out
}

// maxFallbacks is how many fallbacks a model may have.
const maxFallbacks = 5

// withFallbacks has other models asked where the chosen one fails, as a setting names them. Those that can't be used are left out, and the
// notice says so.
func (m *models) withFallbacks(choice runtime.ModelChoice, lookup model.Lookup) runtime.ModelChoice {
	for _, setting := range fallbackSettings {
		s, ok := lookup(setting)
		if !ok || strings.TrimSpace(s.Value) == "" {
			continue
		}
		choice.Main = cmp.Or(choice.Main, choice.Provider)
		for text := range strings.SplitSeq(s.Value, ",") {
			if strings.TrimSpace(text) == "" {
				continue
			}
			next, usable := m.named(setting, text, lookup)
			if len(choice.Fallbacks) == maxFallbacks {
				next, usable = runtime.ModelChoice{Notice: fmt.Sprintf("%s names more than %d models.", setting, maxFallbacks)}, false
			}
			if next.Notice != "" && next.Notice != choice.Notice {
				choice.Notice = strings.TrimSpace(choice.Notice + " " + next.Notice)
			}
			if !usable {
				continue
			}
			choice.Fallbacks = append(choice.Fallbacks, next.Provider)
			choice.Sources = merged(next.Sources, choice.Sources)
			choice.ReplyNotices = merged(next.ReplyNotices, choice.ReplyNotices)
			choice.Introduction = cmp.Or(choice.Introduction, next.Introduction)
		}
		choice.Provider = model.Fallback(choice.Provider, choice.Fallbacks...)
		break
	}
	return choice
}

// merged returns the entries of both; those of the second count.
func merged[V any](first, second map[string]V) map[string]V {
	out := map[string]V{}
	maps.Copy(out, first)
	maps.Copy(out, second)
	return out
}

// source says what answers of an endpoint cost. Built-in prices are those of the vendor itself: what another server takes under its
// name is not known.
func (m *models) source(e vendors.Endpoint) runtime.Source {
	return runtime.Source{Key: keyOf(e), Prices: m.prices.Name, Cost: func(name string, u model.Usage) (price.Amount, bool) {
		if !e.Own && !m.listed {
			return 0, false
		}
		return m.prices.Cost(e.Name, name, u)
	}}
}

// keyOf names the setting that holds the key of an endpoint; empty for none.
func keyOf(e vendors.Endpoint) string {
	if e.APIKey == "" {
		return ""
	}
	return e.Settings.APIKey
}

// endpoint returns a vendor's endpoint, and the way to it. There is no other from settings to a model: what they may do with
// keys and addresses is decided in [vendors.Vendor.Config] and here.
func (m *models) endpoint(v vendors.Vendor, lookup model.Lookup) (vendors.Endpoint, *http.Client, error) {
	e, err := v.Config(lookup)
	if err != nil {
		return e, nil, err
	}
	if !e.Named() {
		return e, m.http, nil
	}
	if err := m.guard.CheckBase(e.BaseURL); err != nil {
		return e, nil, &model.Error{Kind: model.Config, Provider: e.Name, Err: err, Message: fmt.Sprintf(
			"%s in %s %v; whoever runs the server may allow the host by ELIZAD_EGRESS_ALLOW, or set %[1]s in the environment.", e.Address.Name, e.Address.Origin, err)}
	}
	return e, m.guarded, nil
}
