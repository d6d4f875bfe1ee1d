package apierr_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/apierr"
)

func TestFrom(t *testing.T) {
	t.Parallel()
	notFound := apierr.New(apierr.NotFound, "No such channel")
	tests := []struct {
		name       string
		err        error
		wantCode   apierr.Code
		wantStatus int
	}{
		{"kept", notFound, apierr.NotFound, http.StatusNotFound},
		{"found inside a wrapped error", fmt.Errorf("reading: %w", notFound), apierr.NotFound, http.StatusNotFound},
		{"cancelled", fmt.Errorf("query: %w", context.Canceled), apierr.Cancelled, 499},
		{"deadline", context.DeadlineExceeded, apierr.Timeout, http.StatusGatewayTimeout},
		{"unknown", errors.New("UNIQUE constraint failed: secrets.key"), apierr.Internal, http.StatusInternalServerError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := apierr.From(tt.err)
			if got.Code != tt.wantCode || got.Code.Status() != tt.wantStatus {
				t.Errorf("From(%v) = %s/%d, want %s/%d", tt.err, got.Code, got.Code.Status(), tt.wantCode, tt.wantStatus)
			}
			if !errors.Is(got, tt.err) && !errors.Is(tt.err, got) {
				t.Errorf("From(%v) lost its cause", tt.err)
			}
		})
	}
	if apierr.From(nil) != nil {
		t.Error("From(nil) is not nil")
	}
}

func TestPublicMessageHidesCause(t *testing.T) {
	t.Parallel()
	got := apierr.From(errors.New("dial /secret/socket: refused"))
	if strings.Contains(got.Message+got.Details, "secret") {
		t.Errorf("public text shows the cause: %q", got.Message)
	}
	if !strings.Contains(got.Error(), "secret") {
		t.Error("the log text should keep the cause")
	}
}

func TestCauseWithTheSameTextIsNotRepeated(t *testing.T) {
	t.Parallel()
	cause := errors.New("name is required")
	err := apierr.Wrap(cause, apierr.CreateFailed, "%s", cause.Error())
	if err.Error() != "name is required" || !errors.Is(err, cause) {
		t.Errorf("%q", err)
	}
}
