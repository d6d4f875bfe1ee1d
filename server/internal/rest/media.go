package rest

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/media"
	"github.com/elizad/elizad/server/internal/present"
)

type mediaHandlers struct {
	files *media.Service
	docs  present.Documents
}

func (h mediaHandlers) UploadAgentMedia(ctx context.Context, req apiserver.UploadAgentMediaRequestObject) (apiserver.UploadAgentMediaResponseObject, error) {
	u, err := h.files.Upload(ctx, auth.FromContext(ctx), media.Owner{Area: media.AgentUploads, ID: req.AgentID}, onceFor(ctx, req.Params.IdempotencyKey), req.Body)
	if err != nil {
		return nil, err
	}
	return apiserver.UploadAgentMedia200JSONResponse{UploadAnswerJSONResponse: h.uploadAnswer(u, u.Kind.Category)}, nil
}

func (h mediaHandlers) UploadChannelMedia(ctx context.Context, req apiserver.UploadChannelMediaRequestObject) (apiserver.UploadChannelMediaResponseObject, error) {
	u, err := h.files.Upload(ctx, auth.FromContext(ctx), media.Owner{Area: media.ChannelUploads, ID: req.ChannelID}, onceFor(ctx, req.Params.IdempotencyKey), req.Body)
	if err != nil {
		return nil, err
	}
	return apiserver.UploadChannelMedia200JSONResponse{UploadAnswerJSONResponse: h.uploadAnswer(u, u.Kind.MIME)}, nil
}

func (h mediaHandlers) UploadMessageMedia(ctx context.Context, req apiserver.UploadMessageMediaRequestObject) (apiserver.UploadMessageMediaResponseObject, error) {
	u, err := h.files.Upload(ctx, auth.FromContext(ctx), media.Owner{Area: media.ChannelUploads, ID: req.ChannelID}, onceFor(ctx, req.Params.IdempotencyKey), req.Body)
	if err != nil {
		return nil, err
	}
	return apiserver.UploadMessageMedia200JSONResponse{UploadAnswerJSONResponse: h.uploadAnswer(u, u.Kind.MIME)}, nil
}

// onceFor names what a caller does under an idempotency key; empty without one.
func onceFor(ctx context.Context, key *string) string {
	k := deref(key)
	if k == "" {
		return ""
	}
	return auth.FromContext(ctx).Entity().String() + ":" + k
}

// uploadAnswer shows a stored file to whoever brought it. What type means differs between the routes.
func (h mediaHandlers) uploadAnswer(u media.Upload, kind string) apiserver.UploadAnswerJSONResponse {
	return apiserver.UploadAnswerJSONResponse{Success: true, Data: api.Upload{
		URL: h.docs.File(u.URL), Type: kind, MimeType: u.Kind.MIME, Filename: u.Name, OriginalName: u.OriginalName, Size: u.Size,
	}}
}

func (h mediaHandlers) GetAgentUpload(ctx context.Context, req apiserver.GetAgentUploadRequestObject) (apiserver.GetAgentUploadResponseObject, error) {
	return h.open(ctx, media.AgentUploads, req.AgentID, req.Filename)
}

func (h mediaHandlers) GetChannelUpload(ctx context.Context, req apiserver.GetChannelUploadRequestObject) (apiserver.GetChannelUploadResponseObject, error) {
	return h.open(ctx, media.ChannelUploads, req.ChannelID, req.Filename)
}

func (h mediaHandlers) GetGeneratedFile(ctx context.Context, req apiserver.GetGeneratedFileRequestObject) (apiserver.GetGeneratedFileResponseObject, error) {
	return h.open(ctx, media.Generated, req.AgentID, req.Filename)
}

func (h mediaHandlers) open(ctx context.Context, area media.Area, owner uuid.UUID, name string) (fileResponse, error) {
	f, err := h.files.File(ctx, auth.FromContext(ctx), media.Owner{Area: area, ID: owner}, name)
	return fileResponse{ctx, f}, err
}

// fileResponse answers with a file. What is sent depends on the headers of the request: ranges and conditions.
type fileResponse struct {
	ctx  context.Context // the request's, which leads to the request
	file *media.File
}

func (f fileResponse) serve(w http.ResponseWriter) error {
	defer f.file.Close()
	f.file.ServeHTTP(w, requestFrom(f.ctx))
	return nil
}

func (f fileResponse) VisitGetAgentUploadResponse(w http.ResponseWriter) error   { return f.serve(w) }
func (f fileResponse) VisitGetChannelUploadResponse(w http.ResponseWriter) error { return f.serve(w) }
func (f fileResponse) VisitGetGeneratedFileResponse(w http.ResponseWriter) error { return f.serve(w) }
