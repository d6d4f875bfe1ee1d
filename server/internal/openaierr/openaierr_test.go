package openaierr_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/openaierr"
)

func TestForm(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		`{"error":{"code":"invalid_api_key","message":"API key required. Send one","param":null,"type":"authentication_error"}}`:         apierr.New(apierr.Unauthorized, "API key required").WithDetails("Send one"),
		`{"error":{"code":"invalid_request","message":"It is wrong","param":"messages.0.role","type":"invalid_request_error"}}`:          apierr.New(apierr.InvalidRequest, "It is wrong").WithDetails("/messages/0/role: must be a text; /n"),
		`{"error":{"code":"model_error","message":"The model is gone","param":null,"type":"server_error"}}`:                              apierr.New(apierr.ModelFailed, "The model is gone").WithDetails("model_unavailable"),
		`{"error":{"code":"rate_limit_exceeded","message":"Slower","param":null,"type":"rate_limit_error"}}`:                             apierr.New(apierr.RateLimited, "Slower"),
		`{"error":{"code":"forbidden","message":"No","param":null,"type":"permission_error"}}`:                                           apierr.New(apierr.Forbidden, "No"),
		`{"error":{"code":"internal","message":"` + apierr.From(errors.New("secret")).Message + `","param":null,"type":"server_error"}}`: errors.New("secret"),
	} {
		got, fault := json.Marshal(openaierr.Of(err))
		if fault != nil || string(got) != want {
			t.Errorf("got %s, want %s (%v)", got, want, fault)
		}
	}
}

func TestServes(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{"/v1": true, "/v1/models": true, "/v1beta": false, "/api/v1/models": false, "/": false} {
		if openaierr.Serves(path) != want {
			t.Errorf("%s: %t", path, !want)
		}
	}
}
