package vendors

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/anthropic"
	"github.com/elizad/elizad/server/model/openai"
)

// SettingNames are the names of the settings an endpoint came from, so that an error can say which one to fix.
type SettingNames = openai.SettingNames

// Forms remembers for a while in which form models take requests, whatever their protocol.
type Forms = openai.Forms

// Endpoint is where a vendor is reached by the settings of an agent.
type Endpoint struct {
	Name       string // of the vendor
	Messages   bool   // it speaks Anthropic's Messages; otherwise OpenAI's chat completions
	BaseURL    string
	APIKey     string // empty for endpoints that ask for none
	SmallModel string // empty: the first text model the endpoint lists
	LargeModel string
	Settings   SettingNames
	Own        bool // the address is the vendor's own
	Discreet   bool // errors report the status of an answer and not its text: the address was chosen by another party

	TranscriptionModel string // models for speech; empty: there is none
	SpeechModel        string
	Voice              string

	CompletionTokens bool // of chat completions: the token limit is called max_completion_tokens
	NoStreamUsage    bool // of chat completions: the endpoint refuses stream_options

	Address model.Setting // of the base URL; without a name where it is the vendor's own
	Notice  string        // what the owner should know: a key that is set and not used
}

// Named reports whether callers of the API may have chosen the address: it is neither the vendor's own nor the operator's.
func (e Endpoint) Named() bool { return e.Address.Origin < model.FromOperator }

// Provider returns a client for texts, in the protocol of the endpoint. It connects to nothing.
func (e Endpoint) Provider(client *http.Client, forms *Forms) (p model.Provider, err error) {
	if e.Messages {
		p, err = e.messages(client, forms)
	} else {
		p, err = e.Chat(client, forms)
	}
	if err != nil {
		return nil, err // and no nil of a type
	}
	return p, nil
}

func (e Endpoint) messages(client *http.Client, forms *Forms) (*anthropic.Client, error) {
	return anthropic.New(anthropic.Config{
		Name: e.Name, BaseURL: e.BaseURL, APIKey: e.APIKey, SmallModel: e.SmallModel, LargeModel: e.LargeModel, Settings: e.Settings,
		Discreet: e.Discreet, HTTPClient: client, Forms: forms,
	})
}

// Chat returns a client for OpenAI's protocol, which speech is part of. It connects to nothing.
func (e Endpoint) Chat(client *http.Client, forms *Forms) (*openai.Client, error) {
	return openai.New(openai.Config{
		Name: e.Name, BaseURL: e.BaseURL, APIKey: e.APIKey, SmallModel: e.SmallModel, LargeModel: e.LargeModel, Settings: e.Settings,
		Discreet: e.Discreet, HTTPClient: client, Forms: forms,
		TranscriptionModel: e.TranscriptionModel, SpeechModel: e.SpeechModel, Voice: e.Voice,
		CompletionTokens: e.CompletionTokens, NoStreamUsage: e.NoStreamUsage,
	})
}

// Config returns the endpoint of v by settings; SMALL_MODEL and LARGE_MODEL stand in for the vendor's own model settings. A
// key is used only with an address that [model.Setting.MayCarry] it to; otherwise it counts as not set, and the notice says
// so. A missing key is a [*model.Error] of kind Auth that names the setting.
func (v Vendor) Config(lookup model.Lookup) (Endpoint, error) {
	address := v.address(lookup)
	key := v.key(lookup, address)
	if key.Name == "" && !v.KeyOptional {
		return Endpoint{}, &model.Error{Kind: model.Auth, Provider: v.Name, Message: key.missing(v.KeyFrom[0])}
	}
	small := first(lookup, append(slices.Clone(v.SmallFrom), "SMALL_MODEL"))
	large := first(lookup, append(slices.Clone(v.LargeFrom), "LARGE_MODEL"))
	if v.elsewhere(address.Value) {
		v.SmallModel, v.LargeModel = "", "" // another server has other models
		v.TranscriptionModel, v.SpeechModel, v.Voice = "", "", ""
		v.completionTokens = false
	}
	return Endpoint{
		Name:       v.Name,
		Messages:   v.messages && !namesChat(first(lookup, v.URLFrom).Value),
		BaseURL:    address.Value,
		APIKey:     key.Value,
		SmallModel: cmp.Or(small.Value, v.SmallModel, large.Value),
		LargeModel: cmp.Or(large.Value, v.LargeModel, small.Value),
		Settings: SettingNames{
			APIKey:     cmp.Or(key.Name, key.wanted(), v.KeyFrom[0]),
			BaseURL:    cmp.Or(address.Name, v.URLFrom[0]),
			SmallModel: cmp.Or(small.Name, v.SmallFrom[0]),
			LargeModel: cmp.Or(large.Name, v.LargeFrom[0]),

			TranscriptionModel: v.TranscriptionFrom,
			SpeechModel:        v.SpeechFrom,
			Voice:              v.VoiceFrom,
		},
		TranscriptionModel: cmp.Or(first(lookup, []string{v.TranscriptionFrom}).Value, v.TranscriptionModel),
		SpeechModel:        cmp.Or(first(lookup, []string{v.SpeechFrom}).Value, v.SpeechModel),
		Voice:              cmp.Or(first(lookup, []string{v.VoiceFrom}).Value, v.Voice),

		Own:              !v.elsewhere(address.Value),
		Discreet:         address.Origin < model.FromOperator,
		CompletionTokens: v.completionTokens,
		NoStreamUsage:    v.noStreamUsage,

		Address: address,
		Notice:  key.notice(),
	}, nil
}
