package runtime

import (
	"cmp"
	"encoding/json"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/model"
)

// modelState is the situation in structured form, for the built-in responder.
func (r *run) modelState() *model.State {
	s := &model.State{
		Agent: persona(r.agent.character), ChannelID: r.view.Room.ID, ChannelType: r.view.Room.Type, Sender: r.view.Message.Author,
		Text: r.view.Message.Content.Text, StartedAt: r.startedAt.UTC(), Seed: hash(r.turn.MessageID, r.turn.AgentID),
	}
	for _, p := range r.view.Room.Participants {
		if p.ID != r.turn.AgentID && p.ID != r.view.Message.AuthorID && p.Name != "" {
			s.Participants = append(s.Participants, p.Name)
		}
	}
	s.HistoryCut = len(r.view.Recent) >= r.service.cfg.ConversationLength
	s.Program = r.context.Program
	s.Introduced = r.introduced
	s.Setup = r.agent.model.Notice
	for _, m := range r.view.Recent[:len(r.view.Recent)-1] {
		s.History = append(s.History, model.Line{
			Author: m.Author, FromAgent: m.FromAgent, FromSelf: m.FromSelf, Text: m.Content.Text, At: m.CreatedAt,
		})
	}
	for _, a := range r.view.Message.Content.Attachments {
		s.Attachments = append(s.Attachments, model.Attachment{
			Title: a.Title, ContentType: a.ContentType, Description: a.Description, Text: a.Text,
		})
	}
	for _, p := range r.passages() {
		s.Knowledge = append(s.Knowledge, quotable(p))
	}
	for _, a := range r.offered {
		s.Actions = append(s.Actions, model.Action{
			Name: a.Name, Similes: a.Similes, Description: a.Description, Parameters: r.agent.schemas.of(a).names(),
		})
	}
	s.Remembers = true
	for _, f := range r.view.Facts {
		about := ""
		if !f.Own {
			about = cmp.Or(f.Name, "Somebody")
		}
		s.Facts = append(s.Facts, model.Fact{Claim: f.Claim, About: about})
	}
	for _, o := range r.steps {
		s.Results = append(s.Results, model.ActionResult{Action: o.Action, Success: !o.Failed, Text: o.Text})
	}
	return s
}

// persona is the part of a character that shapes what it says.
func persona(c *agent.Character) model.Persona {
	fill := func(lists ...[]string) []string {
		var out []string
		for _, list := range lists {
			for _, line := range list {
				out = append(out, fillName(line, c.Name))
			}
		}
		return out
	}
	p := model.Persona{
		Name: c.Name, Username: c.Username, System: fillName(c.System, c.Name), Bio: fill(c.Bio.Lines), Topics: c.Topics,
		Adjectives: c.Adjectives, Style: fill(c.Style.All, c.Style.Chat), PostStyle: fill(c.Style.All, c.Style.Post), PostExamples: fill(c.PostExamples),
	}
	for _, conversation := range c.MessageExamples {
		var lines []model.ExampleLine
		for _, e := range conversation {
			lines = append(lines, model.ExampleLine{Name: fillName(e.Name, c.Name), Text: fillName(e.Content.Text, c.Name)})
		}
		p.MessageExamples = append(p.MessageExamples, lines)
	}
	if rules, ok := c.Settings["builtinScript"]; ok {
		if text, err := json.Marshal(rules); err == nil {
			p.BuiltinScript = text
		}
	}
	return p
}
