package server

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/runtime"
	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/doctor"
	"github.com/elizad/elizad/server/model/openai"
)

// What owners and readers are told about the built-in responder.
const (
	builtinName        = "builtin"
	builtinNotice      = "To connect a language model, set OPENAI_API_KEY, or OPENAI_BASE_URL or OLLAMA_API_ENDPOINT for a local one."
	builtinReplyNotice = "Built-in responder: not a language model"
)

// models chooses the model of each agent: the provider that a setting names, else one that the character's plugins name and
// that has its key, else the first whose key or address is set, else the built-in responder. A choice that can't work is
// never replaced by another; the agent's owner is told what to change.
type models struct {
	builtin model.Provider
	http    *http.Client // shared by all agents and their versions, so that connections are
}

func newModels(notice bool, delay time.Duration) (*models, error) {
	provider, err := doctor.New(doctor.Options{HideNotice: !notice, WordDelay: delay})
	if err != nil {
		return nil, err
	}
	return &models{builtin: provider, http: &http.Client{Transport: openai.NewTransport(openai.DefaultMaxConns)}}, nil
}

// Choose implements runtime.Models.
func (m *models) Choose(req runtime.ModelRequest) runtime.ModelChoice {
	choice := m.chooseText(req)
	choice.Ear, choice.Mouth = m.ear(req.Setting), m.mouth(req.Setting)
	return choice
}

func (m *models) chooseText(req runtime.ModelRequest) runtime.ModelChoice {
	if setting, name := wanted(req.Setting); name != "" {
		if strings.EqualFold(name, builtinName) {
			return m.builtinChoice("")
		}
		vendor, known := openai.VendorNamed(name)
		if !known {
			message := setting + " names " + name + ", which is not a provider of this server."
			return runtime.ModelChoice{Provider: runtime.Misconfigured(name, message), Notice: message}
		}
		return m.connect(vendor, req.Setting)
	}
	for _, plugin := range req.Plugins {
		if vendor, known := openai.VendorNamed(plugin); known && usable(vendor, req.Setting) {
			return m.connect(vendor, req.Setting)
		}
	}
	vendor, reason, ok := openai.Detect(req.Setting)
	if !ok {
		return m.builtinChoice(builtinNotice + " At present " + reason + ".")
	}
	return m.connect(vendor, req.Setting)
}

// wanted returns the provider that a setting names: the character's own before the server's.
func wanted(lookup openai.Lookup) (setting, name string) {
	for _, setting := range []string{"modelProvider", "MODEL_PROVIDER"} {
		if name, ok := lookup(setting); ok && name != "" {
			return setting, name
		}
	}
	return "", ""
}

func (m *models) builtinChoice(notice string) runtime.ModelChoice {
	return runtime.ModelChoice{Provider: m.builtin, Notice: notice, ReplyNotice: builtinReplyNotice}
}

// usable reports whether the settings hold what a vendor needs: its key, or the address of a server without one.
func usable(v openai.Vendor, lookup openai.Lookup) bool {
	if _, err := v.Config(lookup); err != nil {
		return false
	}
	for _, name := range append(v.KeyFrom, v.URLFrom...) {
		if value, ok := lookup(name); ok && value != "" {
			return true
		}
	}
	return false
}

func (m *models) connect(v openai.Vendor, lookup openai.Lookup) runtime.ModelChoice {
	cfg, err := v.Config(lookup)
	if err == nil {
		cfg.HTTPClient = m.http
		var client *openai.Client
		if client, err = openai.New(cfg); err == nil {
			return runtime.ModelChoice{Provider: model.Retry(client)}
		}
	}
	message := apierr.From(err).Message
	if e, ok := errors.AsType[*model.Error](err); ok {
		message = e.Message
	}
	return runtime.ModelChoice{Provider: runtime.Misconfigured(v.Name, message), Notice: message}
}
