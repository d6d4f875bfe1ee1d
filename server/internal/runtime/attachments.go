package runtime

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/internal/attachment"
	"github.com/elizad/elizad/server/internal/lifecycle"
	"github.com/elizad/elizad/server/model"
)

// Attachments reads what is attached to messages.
type Attachments interface {
	Read(ctx context.Context, req attachment.Request) (attachment.Content, error)
}

const (
	attachmentsBack = 8                // how many of the newest messages are looked at
	maxAttachments  = 8                // that are read for an answer
	maxPictures     = 4                // that are shown for an answer
	attachmentsAt   = 4                // that are read at the same time
	attachmentsTime = 30 * time.Second // after which an answer goes without those that are still being read
)

// readAttachments finds the texts and pictures of what is attached to the newest messages, before they are answered (agent
// runtime §9.3). What can't be read says why; it never fails the run.
func (r *run) readAttachments(ctx context.Context) {
	newest := r.view.Recent[max(0, len(r.view.Recent)-attachmentsBack):]
	has := func(m agent.Message) bool { return len(m.Content.Attachments) > 0 }
	if r.service.cfg.Attachments == nil || !slices.ContainsFunc(newest, has) {
		return
	}
	recent, wanted := r.withOwnAttachments()
	if len(wanted) == 0 {
		return
	}
	limited, cancel := context.WithTimeoutCause(ctx, attachmentsTime, attachment.TooLong)
	defer cancel()
	pictures := make([]*model.Picture, len(wanted))
	var group sync.WaitGroup
	slots := make(chan struct{}, attachmentsAt)
	for i, a := range wanted {
		group.Go(func() {
			defer lifecycle.Contain(r.service.cfg.Logger, "an attachment")
			slots <- struct{}{}
			defer func() { <-slots }()
			pictures[i] = r.readAttachment(limited, a)
		})
	}
	group.Wait()
	for i, p := range slices.Backward(pictures) {
		if p == nil || len(r.pictures) == maxPictures {
			continue
		}
		r.pictures = append(r.pictures, *p)
		wanted[i].Description = joined("; ", wanted[i].Description, "it is shown beside this text")
	}
	slices.Reverse(r.pictures)
	r.view.Recent = recent
	r.view.Message = recent[len(recent)-1]
}

// withOwnAttachments returns the conversation with copies of the attachments that are to be read, oldest first: providers that
// outstayed their time may still look at the others.
func (r *run) withOwnAttachments() (recent []agent.Message, wanted []*agent.Attachment) {
	recent = slices.Clone(r.view.Recent)
	var newest time.Time
	for i, m := range slices.Backward(recent) {
		if len(recent)-i > attachmentsBack || len(wanted) >= maxAttachments {
			break
		}
		if len(m.Content.Attachments) == 0 {
			continue
		}
		if newest.IsZero() {
			newest = m.CreatedAt
		}
		if newest.Sub(m.CreatedAt) > hideAttachmentsAfter {
			break
		}
		own := slices.Clone(m.Content.Attachments)
		recent[i].Content.Attachments = own
		for j := range slices.Backward(own) {
			if own[j].URL != "" && own[j].Text == "" && own[j].ContentType != "video" && len(wanted) < maxAttachments {
				wanted = append(wanted, &own[j])
			}
		}
	}
	slices.Reverse(wanted)
	return recent, wanted
}

// readAttachment reads an attachment, and returns it if it is a picture.
func (r *run) readAttachment(ctx context.Context, a *agent.Attachment) *model.Picture {
	content, err := r.service.cfg.Attachments.Read(ctx, attachment.Request{
		ChannelID: r.turn.ChannelID, AgentID: r.turn.AgentID, Address: a.URL, Hear: r.hearing(),
	})
	if err != nil {
		reason := publicText(err)
		if problem, ok := errors.AsType[attachment.Problem](err); ok {
			reason = problem.Error()
		}
		r.log().InfoContext(ctx, "attachment not read", "address", a.URL, "error", err)
		a.Description = joined("; ", a.Description, "its content is not known: it "+reason)
		return nil
	}
	if content.Picture != nil {
		return &model.Picture{MediaType: content.MediaType, Data: content.Picture}
	}
	a.Text = content.Text
	if content.Cut {
		a.Text += "\n(the document goes on)"
	}
	return nil
}

// hearing returns what turns sounds into words; nil where the agent has no model for it.
func (r *run) hearing() func(ctx context.Context, sound []byte, mediaType string) (string, error) {
	t := r.agent.model.Transcription
	if t.Transcriber == nil {
		return nil
	}
	return func(ctx context.Context, sound []byte, mediaType string) (string, error) {
		r.agent.settings.use(t.Key)
		return t.Transcribe(ctx, model.Recording{
			Name: "recording", ContentType: mediaType, Content: bytes.NewReader(sound), Size: int64(len(sound)),
		})
	}
}
