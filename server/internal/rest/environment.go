package rest

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/gen/apiserver"
	"github.com/elizad/elizad/server/apierr"
)

func (h systemHandlers) GetLocalEnvironment(ctx context.Context, _ apiserver.GetLocalEnvironmentRequestObject) (apiserver.GetLocalEnvironmentResponseObject, error) {
	if err := h.mayHandleSettings(ctx, "inspection is"); err != nil {
		return nil, err
	}
	settings, err := h.deps.Settings.Read()
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
	if err := h.deps.Settings.Replace(settings); err != nil {
		return nil, err
	}
	return apiserver.UpdateLocalEnvironment200JSONResponse(done("Local env updated")), nil
}

func (h systemHandlers) mayHandleSettings(ctx context.Context, what string) error {
	switch {
	case h.deps.Environment == productionEnvironment:
		return apierr.New(apierr.Forbidden, "Local environment %s disabled in production", what)
	case !h.deps.Trusted(ctx):
		return apierr.New(apierr.Forbidden, "Local environment %s for callers on the server's own machine", what).
			WithDetails("Set ELIZA_SERVER_AUTH_TOKEN, and callers with that key may, too")
	default:
		return nil
	}
}

const productionEnvironment = "production"

// settingsOf reads settings by name: texts, numbers and booleans. A null or empty one is left out.
func settingsOf(b api.UpdateLocalEnvironmentRequest) (map[string]string, error) {
	out := map[string]string{}
	for name, raw := range fieldsOf(b.Content) {
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
