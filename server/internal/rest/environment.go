package rest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/jsontext"
	"github.com/elizad/elizad/server/internal/secrets"
)

func (h systemHandlers) GetLocalEnvironment(ctx context.Context, _ apiserver.GetLocalEnvironmentRequestObject) (apiserver.GetLocalEnvironmentResponseObject, error) {
	read := h.deps.Settings.Read
	switch err := h.mayHandleSettings(ctx, "inspection is"); {
	case errors.Is(err, auth.ErrRefused):
		read = h.deps.Settings.Names // the official web client reads them on every page, whoever uses it
	case err != nil:
		return nil, err
	}
	settings, err := read()
	if err != nil {
		return nil, err
	}
	return apiserver.GetLocalEnvironment200JSONResponse{Success: true, Data: settings}, nil
}

func (h systemHandlers) UpdateLocalEnvironment(ctx context.Context, req apiserver.UpdateLocalEnvironmentRequestObject) (apiserver.UpdateLocalEnvironmentResponseObject, error) {
	if err := h.mayHandleSettings(ctx, "updates are"); err != nil {
		return nil, err
	}
	settings, err := settingsOf(*req.Body)
	if err != nil {
		return nil, err
	}
	dropped, err := h.deps.Settings.Replace(settings)
	if err != nil {
		return nil, err
	}
	return apiserver.UpdateLocalEnvironment200JSONResponse(done(strings.TrimSuffix("Local env updated. "+secrets.Dropped(dropped), ". "))), nil
}

func (h systemHandlers) mayHandleSettings(ctx context.Context, what string) error {
	if h.deps.Environment == productionEnvironment {
		return apierr.New(apierr.Forbidden, "Local environment %s disabled in production", what)
	}
	return h.deps.CheckOwner(ctx)
}

const productionEnvironment = "production"

// settingsOf reads settings by name: texts, numbers and booleans. A null or empty one is left out.
func settingsOf(b api.UpdateLocalEnvironmentRequest) (map[string]string, error) {
	out := map[string]string{}
	for name, raw := range jsontext.ObjectOf(b.Content) {
		text := strings.TrimSpace(string(raw))
		switch {
		case text == "null":
			continue
		case text[0] == '{' || text[0] == '[':
			return nil, apierr.New(apierr.ValidationFailed, "%s must be a text, a number or a boolean", name)
		case text[0] == '"':
			if err := json.Unmarshal(raw, &text); err != nil {
				return nil, bodyError(err)
			}
		}
		if text != "" {
			out[name] = text
		}
	}
	return out, nil
}
