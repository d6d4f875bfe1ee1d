package openai

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
func (c *Client) Models(ctx context.Context) ([]string, error) {
	call, cancel := newWatch(ctx, c.cfg.IdleTimeout, c.cfg.IdleTimeout)
	defer cancel()
	resp, err := c.send(call.ctx, http.MethodGet, "models", nil)
	if err != nil {
		return nil, c.connectionError(ctx, call, err)
	}
	defer resp.Body.Close()
	body := call.reader(resp.Body)
	if resp.StatusCode != http.StatusOK {
		_, err := c.statusError(resp, body, model.TextLarge)
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(body, maxModelList))
	if err != nil {
		return nil, c.connectionError(ctx, call, err)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, &model.Error{Kind: model.Protocol, Provider: c.cfg.Name, Err: err,
			Message: fmt.Sprintf("The endpoint's list of models is not readable; check %s.", c.cfg.Settings.BaseURL)}
	}
	var ids []string
	for _, m := range list.Data {
		if m.ID != "" {
			ids = append(ids, m.ID)
		}
	}
	return ids, nil
}

// resolveModel returns the configured model for kind, or the first text model the endpoint lists. Calls that begin
// before the list was read each ask for it; they find the same.
func (c *Client) resolveModel(ctx context.Context, kind model.Kind) (string, error) {
	if name := c.Model(kind); name != "" {
		return name, nil
	}
	ids, err := c.Models(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if !strings.Contains(strings.ToLower(id), "embed") {
			c.found.Store(&id)
			return id, nil
		}
	}
	return "", &model.Error{Kind: model.Config, Provider: c.cfg.Name,
		Message: fmt.Sprintf("The endpoint lists no model that writes text; load one, or set %s.", c.cfg.Settings.LargeModel)}
}
