package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/messaging"
)

// How much of a character one prompt holds.
const (
	maxBioLines      = 10
	maxTopics        = 5
	maxConversations = 5
	maxPosts         = 50
	maxNames         = 10 // {{name1}} to {{name10}}
)

// firstNames stand for the people in examples.
var firstNames = []string{
	"Amara", "Bruno", "Chloe", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kaia", "Leo", "Mina", "Nils", "Oona", "Pablo",
	"Quinn", "Rosa", "Sami", "Tilda", "Umar", "Vera", "Wanda", "Yusuf", "Zora",
}

// characterProvider tells the model who it is (agent runtime §2.2). Choices are made from copies, by the run's seed.
func characterProvider() agent.Provider {
	return agent.Provider{
		Name: "CHARACTER", Description: "Who the agent is and how it writes",
		Get: func(_ context.Context, run *agent.Run) (agent.ProviderResult, error) {
			return (&portrait{run: run, rand: run.Rand("CHARACTER")}).draw(), nil
		},
	}
}

// portrait puts a character into words.
type portrait struct {
	run  *agent.Run
	rand *rand.Rand
}

func (p *portrait) draw() agent.ProviderResult {
	c := p.run.Character
	var (
		bio         = p.bio(c.Bio)
		adjective   = p.pick(c.Adjectives)
		topic       = p.pick(c.Topics)
		others      = p.otherTopics(c.Topics, topic)
		forMessages = p.directions(c.Style.All, c.Style.Chat)
		forPosts    = p.directions(c.Style.All, c.Style.Post)
		dialogues   = p.conversations(c.MessageExamples)
		posts       = p.posts(c.PostExamples)
		system      = p.fill(c.System)
	)
	directions, examples := forMessages, dialogues
	if isPostRoom(p.run.Room.Type) {
		directions, examples = forPosts, posts
	}
	sections := []string{
		titled("About "+c.Name, bio),
		sentence("%s is %s.", c.Name, adjective),
		sentence("%s is currently interested in %s.", c.Name, topic),
		sentence("%s also likes to talk about %s.", c.Name, others),
		titled("How "+c.Name+" writes", directions),
		titled("Examples of "+c.Name+"'s writing", examples),
		system,
	}
	return agent.ProviderResult{
		Text: joined("\n\n", sections...),
		Values: map[string]any{
			"agentName": c.Name, "bio": bio, "system": system, "adjective": sentence("%s is %s", c.Name, adjective),
			"topic": topic, "topics": others, "messageDirections": forMessages, "postDirections": forPosts, "directions": directions,
			"characterMessageExamples": dialogues, "characterPostExamples": posts, "examples": examples,
		},
	}
}

func isPostRoom(kind string) bool {
	return kind == string(messaging.TypeFeed) || kind == string(messaging.TypeThread)
}

func (p *portrait) bio(b agent.Bio) string {
	if !b.List {
		return p.fill(b.First())
	}
	return p.fill(strings.Join(p.sample(b.Lines, maxBioLines), "\n"))
}

func (p *portrait) otherTopics(topics []string, chosen string) string {
	rest := slices.DeleteFunc(slices.Clone(topics), func(t string) bool { return t == chosen })
	return strings.Join(p.sample(rest, maxTopics), ", ")
}

func (p *portrait) directions(lists ...[]string) string {
	return p.fill(strings.Join(slices.Concat(lists...), "\n"))
}

func (p *portrait) posts(all []string) string {
	return p.fill(strings.Join(p.sample(all, maxPosts), "\n"))
}

func (p *portrait) conversations(all [][]agent.Example) string {
	chosen := sample(p.rand, all, maxConversations)
	texts := make([]string, len(chosen))
	for i, lines := range chosen {
		texts[i] = p.fill(nameStandIns(exampleText(lines), p.rand))
	}
	return strings.Join(texts, "\n\n")
}

// exampleText writes an example conversation, a line for each speaker.
func exampleText(lines []agent.Example) string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = line.Name + ": " + line.Content.Text
		if actions := actionsOf(line.Content); len(actions) > 0 {
			out[i] += " (actions: " + strings.Join(actions, ", ") + ")"
		}
	}
	return strings.Join(out, "\n")
}

// actionsOf returns the actions of an example. Older characters name one, under "action".
func actionsOf(c agent.Content) []string {
	var one string
	if raw, ok := c.Extra["action"]; ok && len(c.Actions) == 0 && json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	return c.Actions
}

// fill puts names where a character's text leaves room for them.
func (p *portrait) fill(text string) string {
	return fillNames(text, p.run.Character.Name, authorOf(p.run.Message))
}

// fillNames puts in the agent's name, and that of the person it talks to.
func fillNames(text, name, person string) string {
	return strings.ReplaceAll(fillName(text, name), "{{user}}", person)
}

// agentNamed is the room that characters of any origin leave for the agent's name.
var agentNamed = regexp.MustCompile(`\{\{\s*(?i:agentName|agent_name|name|char)\s*\}\}`)

func fillName(text, name string) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	return agentNamed.ReplaceAllLiteralString(text, name)
}

func (p *portrait) pick(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[p.rand.IntN(len(list))]
}

func (p *portrait) sample(list []string, n int) []string { return sample(p.rand, list, n) }

// sample returns up to n items of a list in random order. The list stays as it is.
func sample[T any](r *rand.Rand, list []T, n int) []T {
	out := slices.Clone(list)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// nameStandIns replaces {{name1}}, {{user1}} and so on by first names, and {{user}}, of whom there is one, by the first.
func nameStandIns(text string, r *rand.Rand) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	names := sample(r, firstNames, maxNames)
	for i, name := range names {
		number := strconv.Itoa(i + 1)
		text = strings.ReplaceAll(text, "{{name"+number+"}}", name)
		text = strings.ReplaceAll(text, "{{user"+number+"}}", name)
	}
	return strings.ReplaceAll(text, "{{user}}", names[0])
}

// standIns replaces what is left of them in a prompt.
func (r *run) standIns(prompt string) string { return nameStandIns(prompt, r.view.Rand("names")) }

// titled returns a text under a heading, or nothing without a text.
func titled(title, text string) string {
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return "# " + title + "\n" + text
}

// sentence formats texts, or returns nothing when the last of them is empty.
func sentence(format string, parts ...string) string {
	if parts[len(parts)-1] == "" {
		return ""
	}
	args := make([]any, len(parts))
	for i, p := range parts {
		args[i] = p
	}
	return fmt.Sprintf(format, args...)
}

// joined joins the texts that are not empty.
func joined(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return strings.TrimSpace(t) == "" }), separator)
}
