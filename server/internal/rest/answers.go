package rest

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

// Answers whose JSON is appended by hand, since they are written too often for encoding/json.

// maxKeptBuffer is the size of the largest buffer that is kept for other answers.
const maxKeptBuffer = 256 << 10

// buffers holds the buffers of answers that have been written.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeJSON writes the JSON that build appends as an answer.
func writeJSON(w http.ResponseWriter, status int, build func(dst []byte) []byte) error {
	buffer := buffers.Get().(*[]byte)
	body := append(build((*buffer)[:0]), '\n')
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	if *buffer = body; cap(body) <= maxKeptBuffer {
		buffers.Put(buffer)
	}
	return err
}

// messagePage answers a request for a page of messages.
type messagePage struct {
	docs present.Documents
	messaging.History
	cursors api.MessageCursors
	link    *string
}

// VisitListMessagesResponse writes the page.
func (p messagePage) VisitListMessagesResponse(w http.ResponseWriter) error {
	if p.link != nil {
		w.Header().Set("Link", *p.link)
	}
	return writeJSON(w, http.StatusOK, func(dst []byte) []byte { return p.docs.AppendMessagePage(dst, p.History, p.cursors) })
}

// postedAnswer answers a posted message.
type postedAnswer struct {
	docs present.Documents
	messaging.Posted
	answer *api.AgentResponse
}

// VisitPostMessageResponse writes the answer.
func (p postedAnswer) VisitPostMessageResponse(w http.ResponseWriter) error {
	return writeJSON(w, http.StatusCreated, func(dst []byte) []byte { return p.docs.AppendMessagePosted(dst, p.Posted, p.answer) })
}

// done is the answer of operations that have nothing else to report.
func done(what string) api.DoneEnvelope {
	return api.DoneEnvelope{Success: true, Message: what, Data: api.Done{Success: true, Message: &what}}
}
