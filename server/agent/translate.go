package agent

import (
	"encoding/json"
	"slices"
	"strings"
)

// translate brings what older servers and other programs write into the form of a character.
func (i *importer) translate(doc map[string]any) {
	i.identity(doc)
	i.story(doc)
	for _, key := range []string{"topics", "adjectives", "plugins"} {
		i.words(doc, key)
	}
	i.lines(doc, "postExamples", "postExamples")
	i.style(doc)
	i.conversations(doc)
	i.knowledge(doc)
	i.templates(doc)
	i.plugins(doc)
	i.model(doc)
}

// identity leaves out an id that is none; the agent gets one from its name.
func (i *importer) identity(doc map[string]any) {
	text, ok := doc["id"].(string)
	if _, valid := ParseUUID(text); ok && !valid {
		delete(doc, "id")
		i.unused("id: is no UUID; the agent gets an id by its name")
	}
}

// story adds what other programs write about the agent beside the bio to it. A model gets all of them in the same way.
func (i *importer) story(doc map[string]any) {
	for _, key := range []string{"description", "lore"} {
		more, ok := textsOf(doc[key])
		if !ok || len(more) == 0 {
			continue
		}
		bio, ok := textsOf(doc["bio"])
		if !ok && doc["bio"] != nil {
			return // which is refused
		}
		delete(doc, key)
		doc["bio"] = listOf(slices.Concat(bio, more))
		i.used("%s: part of the bio", key)
	}
	if lines, ok := doc["system"].([]any); ok {
		if texts, ok := textsOf(lines); ok {
			doc["system"] = strings.Join(texts, "\n")
			i.used("system: its lines are one text")
		}
	}
}

// textsOf reads a text or a list of texts.
func textsOf(v any) ([]string, bool) {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil, true
		}
		return []string{v}, true
	case []any:
		out := make([]string, len(v))
		for at, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			out[at] = text
		}
		return out, true
	default:
		return nil, false
	}
}

func listOf(texts []string) []any {
	out := make([]any, len(texts))
	for at, text := range texts {
		out[at] = text
	}
	return out
}

// words makes a list of "one, two".
func (i *importer) words(doc map[string]any, key string) {
	if text, ok := doc[key].(string); ok {
		doc[key] = listOf(split(text, ","))
		i.used("%s: a list of what stands between commas", key)
	}
}

// lines makes a list of the lines of a text.
func (i *importer) lines(doc map[string]any, key, name string) {
	if text, ok := doc[key].(string); ok {
		doc[key] = listOf(split(text, "\n"))
		i.used("%s: a list of its lines", name)
	}
}

func split(text, separator string) []string {
	var out []string
	for part := range strings.SplitSeq(text, separator) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// style takes directions that are not separated by place for all places.
func (i *importer) style(doc map[string]any) {
	switch style := doc["style"].(type) {
	case string, []any:
		doc["style"] = map[string]any{"all": style}
		i.used("style: directions for all places")
	}
	if style, ok := doc["style"].(map[string]any); ok {
		for _, key := range []string{"all", "chat", "post"} {
			i.lines(style, key, "style."+key)
		}
	}
}

// knowledge opens the form of newer servers, {"item": {"case": "path", "value": ...}}.
func (i *importer) knowledge(doc map[string]any) {
	if text, ok := doc["knowledge"].(string); ok {
		doc["knowledge"] = []any{text}
	}
	items, _ := doc["knowledge"].([]any)
	for at, v := range items {
		object, _ := v.(map[string]any)
		if item, ok := object["item"].(map[string]any); ok {
			kind, _ := item["case"].(string)
			switch value := item["value"].(type) {
			case string:
				items[at] = map[string]any{kind: value}
			case map[string]any:
				items[at] = value
			}
		}
	}
}

// templates puts aside what is no text, such as code that was written out.
func (i *importer) templates(doc map[string]any) {
	templates, _ := doc["templates"].(map[string]any)
	var others map[string]any
	for name, v := range templates {
		if _, ok := v.(string); !ok {
			if others == nil {
				others = map[string]any{}
			}
			others[name] = v
			delete(templates, name)
		}
	}
	if others != nil {
		i.keep("templates", others)
	}
}

// plugins reads the names of plugins that are objects, and takes the clients of older servers for plugins, which is what
// became of them. The server reports of each whether it has it.
func (i *importer) plugins(doc map[string]any) {
	plugins, ok := doc["plugins"].([]any)
	if doc["plugins"] != nil && !ok {
		return // which is refused
	}
	var names []any
	for _, v := range plugins {
		if object, ok := v.(map[string]any); ok {
			name, _ := object["name"].(string)
			if name == "" {
				i.unused("plugins: an object without a name")
				continue
			}
			v = name
		}
		names = append(names, v)
	}
	clients, _ := textsOf(doc["clients"])
	if len(clients) > 0 {
		delete(doc, "clients")
	}
	for _, client := range clients {
		name := clientName(client)
		if name == "" {
			i.unused("clients: %s is not needed, for the server itself is reached directly", client)
			continue
		}
		if !slices.ContainsFunc(names, func(v any) bool { text, _ := v.(string); return PluginName(text) == name }) {
			names = append(names, "@elizaos/plugin-"+name)
		}
		i.used("clients: %s is among the plugins", client)
	}
	if len(names) > 0 {
		doc["plugins"] = names
	}
}

// clientName reduces the name of a client, such as Clients.DISCORD or @elizaos/client-discord, to that of the plugin; "" for
// what every server is by itself.
func clientName(client string) string {
	name := strings.TrimPrefix(PluginName(client), "client-")
	name = strings.TrimPrefix(name, "clients.")
	switch name {
	case "direct", "auto", "api", "rest", "web":
		return ""
	default:
		return name
	}
}

// providers are the names that older files have for the makers of models, by the names that servers know today.
var providers = map[string]string{
	"openai": "openai", "anthropic": "anthropic", "claude": "anthropic", "claude_vertex": "anthropic", "openrouter": "openrouter", "google": "google", "gemini": "google",
	"google-genai": "google", "groq": "groq", "grok": "xai", "xai": "xai", "mistral": "mistral", "deepseek": "deepseek", "ollama": "ollama", "lmstudio": "lmstudio", "vllm": "vllm",
}

// addressSetting is the setting that says where a maker's models are reached: of those that stand for it, the one that counts
// before the others.
func addressSetting(provider string) string {
	if provider == "ollama" {
		return "OLLAMA_API_ENDPOINT"
	}
	return strings.ToUpper(provider) + "_BASE_URL"
}

// parameters are where older files keep the parameters of models, by the settings that have them today.
var parameters = []struct{ key, setting string }{
	{"temperature", "MODEL_TEMPERATURE"}, {"maxOutputTokens", "MODEL_MAX_TOKEN"}, {"maxTokens", "MODEL_MAX_TOKEN"}, {"max_tokens", "MODEL_MAX_TOKEN"},
	{"frequency_penalty", "MODEL_FREQ_PENALTY"}, {"frequencyPenalty", "MODEL_FREQ_PENALTY"},
	{"presence_penalty", "MODEL_PRESENCE_PENALTY"}, {"presencePenalty", "MODEL_PRESENCE_PENALTY"},
}

// model takes up which model the character is for, and how it is to write.
func (i *importer) model(doc map[string]any) {
	settings, ok := doc["settings"].(map[string]any)
	if doc["settings"] != nil && !ok {
		return // which is refused
	}
	set := func(setting string, v any, from string) {
		if settings == nil {
			settings = map[string]any{}
			doc["settings"] = settings
		}
		if _, there := settings[setting]; !there {
			settings[setting] = v
			i.used("%s: the setting %s", from, setting)
		}
	}
	provider := ""
	if name, ok := doc["modelProvider"].(string); ok && name != "" {
		if provider, ok = providers[strings.ToLower(name)]; ok {
			delete(doc, "modelProvider")
			set("modelProvider", provider, "modelProvider")
		} else {
			i.unused("modelProvider: %.60q is none that this server knows", name)
		}
	}
	if address, ok := doc["modelEndpointOverride"].(string); ok && address != "" {
		if provider == "" {
			i.unused("modelEndpointOverride: whose address it is, modelProvider doesn't say; set the one of a provider, such as OPENAI_BASE_URL")
		} else {
			delete(doc, "modelEndpointOverride")
			set(addressSetting(provider), address, "modelEndpointOverride")
		}
	}
	config, _ := settings["modelConfig"].(map[string]any)
	for _, p := range parameters {
		if n, ok := config[p.key].(json.Number); ok {
			set(p.setting, n, "settings.modelConfig."+p.key)
		}
		if n, ok := settings[p.key].(json.Number); ok {
			set(p.setting, n, "settings."+p.key)
		}
	}
	name, ok := settings["model"].(string)
	switch {
	case !ok || name == "":
	case provider == "" || slices.Contains([]string{"small", "medium", "large"}, strings.ToLower(name)):
		i.unused("settings.model: %.60q is not used; name a model in LARGE_MODEL, or in the setting of its maker", name)
	default:
		set(strings.ToUpper(provider)+"_LARGE_MODEL", name, "settings.model")
	}
}

// conversations brings the forms of example conversations into one: lists of lines with a name and a content.
func (i *importer) conversations(doc map[string]any) {
	all, ok := doc["messageExamples"].([]any)
	if !ok {
		return
	}
	agent, _ := doc["name"].(string)
	e := exampleReader{agent: agent}
	var out, flat []any
	for _, v := range all {
		switch v := v.(type) {
		case []any:
			if len(v) > 0 {
				out = append(out, e.lines(v))
			}
		case map[string]any:
			if inner, ok := v["examples"].([]any); ok {
				out = append(out, e.lines(inner))
			} else if pair := e.pair(v); pair != nil {
				out = append(out, pair)
			} else {
				flat = append(flat, v)
			}
		default:
			flat = append(flat, v)
		}
	}
	if len(flat) > 0 { // one conversation, written without its brackets
		out = append(out, e.lines(flat))
		e.changed = true
	}
	doc["messageExamples"] = out
	if e.changed {
		i.used("messageExamples: lists of lines with name and content")
	}
}

// exampleReader reads lines of example conversations.
type exampleReader struct {
	agent   string
	changed bool
}

// person stands for the person that talks to the agent.
const person = "{{name1}}"

// lines reads a conversation. Texts alone are spoken in turns, first by a person.
func (e *exampleReader) lines(lines []any) []any {
	out := make([]any, len(lines))
	for at, line := range lines {
		if text, ok := line.(string); ok {
			speaker := person
			if at%2 == 1 {
				speaker = e.agent
			}
			line = exampleLine(speaker, text)
			e.changed = true
		} else if object, ok := line.(map[string]any); ok {
			e.line(object)
		}
		out[at] = line
	}
	return out
}

// line brings one line into form: the speaker may be under "user" or "role", and what is said may be a text alone.
func (e *exampleReader) line(object map[string]any) {
	for _, key := range []string{"user", "role", "speaker", "author"} {
		speaker, ok := object[key].(string)
		if !ok || object["name"] != nil {
			continue
		}
		if key == "role" {
			speaker = map[string]string{"assistant": e.agent, "agent": e.agent, "user": person}[strings.ToLower(speaker)]
			if speaker == "" {
				continue
			}
		}
		object["name"] = speaker
		delete(object, key)
		e.changed = e.changed || key != "user"
	}
	for _, key := range []string{"content", "text"} {
		if text, ok := object[key].(string); ok {
			delete(object, key)
			object["content"] = map[string]any{"text": text}
			e.changed = true
		}
	}
}

// pair reads a question and its answer in one object.
func (e *exampleReader) pair(object map[string]any) []any {
	first := func(keys ...string) string {
		for _, key := range keys {
			switch v := object[key].(type) {
			case string:
				return v
			case map[string]any:
				if text, ok := v["text"].(string); ok {
					return text
				}
			}
		}
		return ""
	}
	answer := first("response", "output", "answer", "assistant", "reply")
	question := first("content", "input", "question", "prompt", "text", "user")
	if answer == "" || question == "" {
		return nil
	}
	speaker, _ := object["user"].(string)
	if speaker == question || speaker == "" {
		speaker = person
	}
	e.changed = true
	return []any{exampleLine(speaker, question), exampleLine(e.agent, answer)}
}

func exampleLine(speaker, text string) map[string]any {
	return map[string]any{"name": speaker, "content": map[string]any{"text": text}}
}
