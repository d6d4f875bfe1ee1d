package rest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/runtime"
)

type audioHandlers struct {
	agents    Agents
	files     *media.Service
	messaging *messaging.Service
	messages  messageHandlers
}

func (h audioHandlers) Transcribe(ctx context.Context, req apiserver.TranscribeRequestObject) (apiserver.TranscribeResponseObject, error) {
	text, err := h.transcript(ctx, req.AgentID, req.Body)
	return apiserver.Transcribe200JSONResponse{Success: true, Data: api.Transcript{Text: text}}, err
}

func (h audioHandlers) TranscribeAudioMessage(ctx context.Context, req apiserver.TranscribeAudioMessageRequestObject) (apiserver.TranscribeAudioMessageResponseObject, error) {
	text, err := h.transcript(ctx, req.AgentID, req.Body)
	return apiserver.TranscribeAudioMessage200JSONResponse{
		Success: true, Data: api.AudioMessage{Transcription: text, Message: "Audio transcribed"},
	}, err
}

// transcript returns the words of a recording.
func (h audioHandlers) transcript(ctx context.Context, agentID uuid.UUID, form *multipart.Reader) (string, error) {
	voice, err := h.agents.Voice(ctx, auth.FromContext(ctx), agentID)
	if err != nil {
		return "", err
	}
	text, _, err := h.transcribe(ctx, voice, form)
	return text, err
}

func (h audioHandlers) GenerateSpeech(ctx context.Context, req apiserver.GenerateSpeechRequestObject) (apiserver.GenerateSpeechResponseObject, error) {
	voice, err := h.agents.Voice(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	return h.read(ctx, voice, utterance(*req.Body))
}

func (h audioHandlers) SynthesizeAudioMessage(ctx context.Context, req apiserver.SynthesizeAudioMessageRequestObject) (apiserver.SynthesizeAudioMessageResponseObject, error) {
	who, said := auth.FromContext(ctx), utterance(*req.Body)
	voice, err := h.agents.Voice(ctx, who, req.AgentID)
	if err != nil {
		return nil, err
	}
	if said.Text != "" || deref(req.Body.MessageID) == "" {
		return h.read(ctx, voice, said)
	}
	messageID, err := auth.ParseID(*req.Body.MessageID)
	if err != nil {
		return nil, err
	}
	message, err := h.messaging.AgentMessage(ctx, who, req.AgentID, messageID)
	if err != nil {
		return nil, err
	}
	said.Text = message.Content
	sound, err := h.read(ctx, voice, said)
	if err != nil {
		return nil, err
	}
	data, err := sound.all()
	if err != nil {
		return nil, err
	}
	return apiserver.SynthesizeAudioMessage200JSONResponse{
		Success: true, Data: api.Sound{Audio: base64.StdEncoding.EncodeToString(data), Format: sound.format()},
	}, nil
}

func (h audioHandlers) ConverseAloud(ctx context.Context, req apiserver.ConverseAloudRequestObject) (apiserver.ConverseAloudResponseObject, error) {
	if req.MultipartBody != nil {
		answer, err := h.converseByRecording(ctx, req.AgentID, req.MultipartBody)
		return apiserver.ConverseAloud200JSONResponse{Success: true, Data: answer}, err
	}
	voice, err := h.agents.Voice(ctx, auth.FromContext(ctx), req.AgentID)
	if err != nil {
		return nil, err
	}
	if err := voice.CanSpeak(); err != nil { // before anything is stored
		return nil, err
	}
	b := req.JSONBody
	reply, _, err := h.ask(ctx, req.AgentID, spoken{
		text: deref(b.Text), room: deref(b.RoomID), entity: deref(b.EntityID), name: cmp.Or(deref(b.UserName), deref(b.Name)),
	})
	if err != nil {
		return nil, err
	}
	if reply.Text == "" {
		return nil, apierr.New(apierr.ModelFailed, "The agent has no answer").WithDetails(deref(reply.Reason))
	}
	return h.read(ctx, voice, runtime.Utterance{Text: reply.Text, Voice: deref(b.Voice)})
}

func (h audioHandlers) ProcessSpeech(ctx context.Context, req apiserver.ProcessSpeechRequestObject) (apiserver.ProcessSpeechResponseObject, error) {
	answer, err := h.converseByRecording(ctx, req.AgentID, req.Body)
	return apiserver.ProcessSpeech200JSONResponse{Success: true, Data: answer}, err
}

// converseByRecording transcribes what a person says to an agent, and answers with text and sound.
func (h audioHandlers) converseByRecording(ctx context.Context, agentID uuid.UUID, form *multipart.Reader) (api.SpokenAnswer, error) {
	voice, err := h.agents.Voice(ctx, auth.FromContext(ctx), agentID)
	if err != nil {
		return api.SpokenAnswer{}, err
	}
	if err := voice.CanSpeak(); err != nil {
		return api.SpokenAnswer{}, err
	}
	text, fields, err := h.transcribe(ctx, voice, form)
	if err != nil {
		return api.SpokenAnswer{}, err
	}
	if text == "" {
		return api.SpokenAnswer{}, apierr.New(apierr.InvalidRequest, "No words were heard in the recording")
	}
	inside := jsontext.ObjectOf(json.RawMessage(fields["metadata"]))
	field := func(name string) string { return cmp.Or(fields[name], inside.Text(name)) }
	reply, posted, err := h.ask(ctx, agentID, spoken{text: text, room: field("roomId"), entity: field("entityId"), name: cmp.Or(field("userName"), field("name"))})
	if err != nil {
		return api.SpokenAnswer{}, err
	}
	answer := api.SpokenAnswer{Text: reply.Text, Format: mpeg, Metadata: api.SpokenMetadata{Transcription: text, MessageID: posted.ID, RoomID: posted.ChannelID}}
	if reply.Text == "" {
		return answer, nil
	}
	sound, err := h.read(ctx, voice, runtime.Utterance{Text: reply.Text})
	if err != nil {
		return api.SpokenAnswer{}, err
	}
	data, err := sound.all()
	answer.Audio, answer.Format = base64.StdEncoding.EncodeToString(data), sound.format()
	return answer, err
}

// transcribe receives a recording and transcribes it. It returns the other fields of its form too.
func (h audioHandlers) transcribe(ctx context.Context, voice runtime.Voice, form *multipart.Reader) (string, map[string]string, error) {
	if err := voice.CanTranscribe(); err != nil { // before the recording is sent in vain
		return "", nil, err
	}
	in, err := h.files.Recording(form)
	if err != nil {
		return "", nil, err
	}
	defer in.Discard()
	text, err := voice.Transcribe(ctx, recording(in))
	return text, in.Fields, err
}

func recording(in *media.Incoming) runtime.Recording {
	return runtime.Recording{
		Name: in.Kind.FileName("recording"), ContentType: in.Kind.MIME, Content: in.Content(), Size: in.Size, Language: in.Fields["language"],
	}
}

func utterance(b api.SpeechRequest) runtime.Utterance {
	return runtime.Utterance{Text: deref(b.Text), Voice: deref(b.Voice), Speed: deref(b.Speed), Format: deref(b.Format)}
}

// read reads a text aloud. Failures that come before the first sound are errors.
func (h audioHandlers) read(ctx context.Context, voice runtime.Voice, said runtime.Utterance) (soundResponse, error) {
	if said.Text == "" {
		return soundResponse{}, apierr.New(apierr.InvalidRequest, "Text is required for speech synthesis")
	}
	sound, err := voice.Speak(ctx, said)
	if err != nil {
		return soundResponse{}, err
	}
	return newSoundResponse(sound)
}

// spoken is what a person says to an agent, in the words of the request.
type spoken struct{ text, room, entity, name string }

// ask posts what a person says to an agent and waits for the answer.
func (h audioHandlers) ask(ctx context.Context, agentID uuid.UUID, s spoken) (api.AgentResponse, messaging.Message, error) {
	who := auth.FromContext(ctx)
	said := messaging.Spoken{AgentID: agentID, SpeakerID: who.Entity(), AuthorName: s.name, Text: s.text}
	if s.entity != "" || said.SpeakerID == uuid.Nil {
		said.SpeakerID = idFor(agentID, cmp.Or(s.entity, "Anon"))
	}
	if s.room != "" {
		said.ChannelID = idFor(agentID, s.room)
	}
	exchange, err := h.messaging.AskAloud(ctx, who, said)
	if err != nil {
		return api.AgentResponse{}, messaging.Message{}, err
	}
	answer, err := h.messages.answer(ctx, exchange)
	if err != nil {
		return api.AgentResponse{}, messaging.Message{}, err
	}
	return *answer, exchange.Message, nil
}

// idFor returns the id that a text is, or the one that it stands for with an agent.
func idFor(agentID uuid.UUID, text string) uuid.UUID {
	if id, ok := agent.ParseUUID(text); ok {
		return id
	}
	return agent.UUIDFor(agentID, text)
}
