package rest

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/knowledge"
	"github.com/elizad/elizad/server/internal/present"
)

type knowledgeHandlers struct{ knowledge *knowledge.Service }

func (h knowledgeHandlers) ListDocuments(ctx context.Context, req apiserver.ListDocumentsRequestObject) (apiserver.ListDocumentsResponseObject, error) {
	list, more, err := h.knowledge.List(ctx, auth.FromContext(ctx), req.AgentID, looseInt(req.Params.Limit), looseInt(req.Params.Offset))
	if err != nil {
		return nil, err
	}
	documents := present.Each(list, present.Document)
	return apiserver.ListDocuments200JSONResponse{Success: true, Data: api.DocumentList{Documents: documents, Memories: documents, HasMore: more}}, nil
}

func (h knowledgeHandlers) AddDocuments(ctx context.Context, req apiserver.AddDocumentsRequestObject) (apiserver.AddDocumentsResponseObject, error) {
	added := []api.Document{}
	add := func(u knowledge.Upload) error {
		d, _, err := h.knowledge.Add(ctx, auth.FromContext(ctx), req.AgentID, u)
		added = append(added, present.Document(d))
		return err
	}
	var err error
	if req.JSONBody != nil {
		err = add(knowledge.Upload{Name: deref(req.JSONBody.Title), MediaType: "text/plain", Content: []byte(req.JSONBody.Content)})
	} else {
		err = eachFile(req.MultipartBody, add)
	}
	if err != nil {
		return nil, err
	}
	return apiserver.AddDocuments200JSONResponse{Success: true, Data: added}, nil
}

// maxFiles is how many files one form may bring.
const maxFiles = 20

// eachFile reads the files of a form, one at a time.
func eachFile(form *multipart.Reader, add func(knowledge.Upload) error) error {
	for files := 0; ; {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF) && files == 0:
			return apierr.New(apierr.InvalidRequest, "No file provided").WithDetails(`Send files in the form field "files"`)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return formError(err)
		case part.FileName() == "" && part.Header.Get("Content-Type") == "":
			continue // a field, which means nothing
		case files == maxFiles:
			return apierr.New(apierr.InvalidRequest, "Too many files").WithDetails("Send up to 20 files per request")
		}
		files++
		content, err := io.ReadAll(io.LimitReader(part, knowledge.MaxSize+1))
		if err != nil {
			return formError(err)
		}
		if err := add(knowledge.Upload{Name: part.FileName(), MediaType: part.Header.Get("Content-Type"), Content: content}); err != nil {
			return err
		}
	}
}

// formError says in our terms why a form could not be read to its end.
func formError(err error) error {
	if _, ok := errors.AsType[*apierr.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return apierr.Wrap(err, apierr.FileTooLarge, "File too large")
	}
	return apierr.Wrap(err, apierr.InvalidRequest, "The form is not readable to its end")
}

func (h knowledgeHandlers) GetDocument(ctx context.Context, req apiserver.GetDocumentRequestObject) (apiserver.GetDocumentResponseObject, error) {
	d, err := h.knowledge.Get(ctx, auth.FromContext(ctx), req.AgentID, req.DocumentID)
	if err != nil {
		return nil, err
	}
	return apiserver.GetDocument200JSONResponse{Success: true, Data: api.DocumentBox{Document: present.Document(d)}}, nil
}

func (h knowledgeHandlers) DeleteDocument(ctx context.Context, req apiserver.DeleteDocumentRequestObject) (apiserver.DeleteDocumentResponseObject, error) {
	if err := h.knowledge.Delete(ctx, auth.FromContext(ctx), req.AgentID, req.DocumentID); err != nil {
		return nil, err
	}
	return apiserver.DeleteDocument204Response{}, nil
}

// defaultFound is how many passages a search returns unless the caller says otherwise.
const defaultFound = 20

func (h knowledgeHandlers) SearchKnowledge(ctx context.Context, req apiserver.SearchKnowledgeRequestObject) (apiserver.SearchKnowledgeResponseObject, error) {
	question, limit := req.Params.Q, looseInt(req.Params.Limit)
	if limit <= 0 {
		limit = defaultFound
	}
	found, err := h.knowledge.Search(ctx, auth.FromContext(ctx), req.AgentID, question, limit)
	if err != nil {
		return nil, err
	}
	return apiserver.SearchKnowledge200JSONResponse{Success: true, Data: api.KnowledgeFound{
		Query: question, Results: present.Each(found, present.KnowledgePassage), Count: len(found),
	}}, nil
}
