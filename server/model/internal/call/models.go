package call

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// maxModelList is the largest list of models that is read.
const maxModelList = 8 << 20

// Models returns the ids of the models the endpoint lists, in its order.
func (e *Endpoint) Models(ctx context.Context) ([]string, error) {
	w, cancel := newWatch(ctx, e.cfg.IdleTimeout, e.cfg.IdleTimeout)
	defer cancel()
	resp, err := e.Send(w.Context, http.MethodGet, "models", nil)
	if err != nil {
		return nil, e.ConnectionError(ctx, w, err)
	}
	defer resp.Body.Close()
	body := w.Reader(resp.Body)
	if resp.StatusCode != http.StatusOK {
		_, err := e.StatusError(resp, body, model.TextLarge)
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(body, maxModelList))
	if err != nil {
		return nil, e.ConnectionError(ctx, w, err)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, &model.Error{Kind: model.Protocol, Provider: e.cfg.Name, Err: err,
			Message: fmt.Sprintf("The endpoint's list of models is not readable; check %s.", e.cfg.Settings.BaseURL)}
	}
	var ids []string
	for _, m := range list.Data {
		if m.ID != "" {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}

// ResolveModel returns the configured model for kind, or the first text model the endpoint lists. Calls that begin
// before the list was read each ask for it; they find the same.
func (e *Endpoint) ResolveModel(ctx context.Context, kind model.Kind) (string, error) {
	if name := e.Model(kind); name != "" {
		return name, nil
	}
	ids, err := e.Models(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if !strings.Contains(strings.ToLower(id), "embed") {
			e.found.Store(&id)
			return id, nil
		}
	}
	return "", &model.Error{Kind: model.Config, Provider: e.cfg.Name,
		Message: fmt.Sprintf("The endpoint lists no model that writes text; load one, or set %s.", e.cfg.Settings.LargeModel)}
}
