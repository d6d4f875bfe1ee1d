package openai

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// Lookup returns the value of a setting and whether it is set.
type Lookup func(name string) (string, bool)

// Detect finds the vendor that the settings ask for, in the order of agent runtime §17.3: services by their key, OpenAI
// also by its base URL alone, then local servers by theirs. The reason is a sentence for people: which setting decided,
// which placeholders were passed over, or that nothing was found. Local servers that no setting names are not looked for.
func Detect(lookup Lookup) (vendor Vendor, reason string, ok bool) {
	var ignored []string
	for _, v := range Vendors() {
		key, placeholders := v.key(lookup)
		ignored = append(ignored, placeholders...)
		if key.name != "" && !v.Local {
			return v, explain(key.name+" is set", ignored), true
		}
		if url := first(lookup, v.URLFrom); url.name != "" && v.KeyOptional {
			return v, explain(url.name+" is set", ignored), true
		}
	}
	return Vendor{}, explain("no key and no address of a model is set", ignored), false
}

// explain makes the reason's sentence.
func explain(reason string, ignored []string) string {
	if len(ignored) == 0 {
		return reason
	}
	return fmt.Sprintf("%s (ignored, because they hold placeholders: %s)", reason, strings.Join(ignored, ", "))
}

// Config returns the configuration of v's endpoint from settings; SMALL_MODEL and LARGE_MODEL stand in for the vendor's
// own model settings. A missing key is a [*model.Error] of kind Auth that names the setting.
func (v Vendor) Config(lookup Lookup) (Config, error) {
	key, placeholders := v.key(lookup)
	if key.name == "" && !v.KeyOptional {
		message := fmt.Sprintf("%s is not set.", v.KeyFrom[0])
		if len(placeholders) > 0 {
			message = fmt.Sprintf("%s holds a placeholder, not a key.", placeholders[0])
		}
		return Config{}, &model.Error{Kind: model.Auth, Provider: v.Name, Message: message}
	}
	url := first(lookup, v.URLFrom)
	small := first(lookup, append(v.SmallFrom, "SMALL_MODEL"))
	large := first(lookup, append(v.LargeFrom, "LARGE_MODEL"))
	if url.value == "" {
		url.value = v.BaseURL
	} else if v.Name == "ollama" {
		url.value = ollamaBaseURL(url.value)
	}
	if v.elsewhere(url.value) {
		v.SmallModel, v.LargeModel = "", "" // another server has other models
		v.TranscriptionModel, v.SpeechModel, v.Voice = "", "", ""
		v.completionTokens = false
	}
	return Config{
		Name:       v.Name,
		BaseURL:    url.value,
		APIKey:     key.value,
		SmallModel: cmp.Or(small.value, v.SmallModel, large.value),
		LargeModel: cmp.Or(large.value, v.LargeModel, small.value),
		Settings: SettingNames{
			APIKey:     cmp.Or(key.name, v.KeyFrom[0]),
			BaseURL:    cmp.Or(url.name, v.URLFrom[0]),
			SmallModel: cmp.Or(small.name, v.SmallFrom[0]),
			LargeModel: cmp.Or(large.name, v.LargeFrom[0]),

			TranscriptionModel: v.TranscriptionFrom,
			SpeechModel:        v.SpeechFrom,
			Voice:              v.VoiceFrom,
		},
		TranscriptionModel: cmp.Or(first(lookup, []string{v.TranscriptionFrom}).value, v.TranscriptionModel),
		SpeechModel:        cmp.Or(first(lookup, []string{v.SpeechFrom}).value, v.SpeechModel),
		Voice:              cmp.Or(first(lookup, []string{v.VoiceFrom}).value, v.Voice),

		CompletionTokens: v.completionTokens,
		NoStreamUsage:    v.noStreamUsage,
	}, nil
}

// key returns the first usable key and the settings that hold placeholders instead of one.
func (v Vendor) key(lookup Lookup) (key setting, placeholders []string) {
	atHome := !v.elsewhere(first(lookup, v.URLFrom).value)
	for _, name := range v.KeyFrom {
		value, ok := lookup(name)
		value = strings.TrimSpace(value)
		switch {
		case !ok || value == "":
		case isPlaceholder(value, atHome):
			placeholders = append(placeholders, name)
		default:
			return setting{name, value}, placeholders
		}
	}
	return setting{}, placeholders
}

// elsewhere reports whether a base URL leads away from the service's own address; a local server is always elsewhere.
func (v Vendor) elsewhere(baseURL string) bool {
	if v.Local {
		return true
	}
	if baseURL == "" {
		return false
	}
	theirs, err := parseBaseURL(baseURL)
	if err != nil {
		return true
	}
	home, err := parseBaseURL(v.BaseURL)
	return err != nil || theirs.Host != home.Host
}

// isPlaceholder reports whether a key is one of the texts that examples and templates put where a key belongs. Keys of
// the form sk-… are long at the services that issue them; private servers use short ones of that form.
func isPlaceholder(key string, issued bool) bool {
	lower := strings.ToLower(key)
	for _, prefix := range []string{"your_", "your-", "<", "${", "changeme", "change_me", "change-me", "xxx", "insert", "replace", "todo"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	if strings.Contains(key, "...") || strings.Contains(key, "…") {
		return true
	}
	return issued && strings.HasPrefix(lower, "sk-") && len(key) < 20
}

// setting is a setting that was found.
type setting struct{ name, value string }

// first returns the first of names that is set to something.
func first(lookup Lookup, names []string) setting {
	for _, name := range names {
		if value, ok := lookup(name); ok {
			if value = strings.TrimSpace(value); value != "" {
				return setting{name, value}
			}
		}
	}
	return setting{}
}
