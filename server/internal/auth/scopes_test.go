package auth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
)

func TestScopes(t *testing.T) {
	t.Parallel()
	all := []string{"read", "chat", "manage", "admin", "service"}
	for _, tt := range []struct {
		names   string
		granted []string
	}{
		{"none", []string{}},
		{"read", []string{"read"}},
		{"chat", []string{"read", "chat"}},
		{"manage", []string{"read", "chat", "manage"}},
		{"admin", all},
		{"service", []string{"service"}},
		{"service chat", []string{"read", "chat", "service"}},
	} {
		set, err := auth.ParseScopes(strings.Fields(tt.names)...)
		if err != nil {
			t.Fatal(err)
		}
		granted := set.Granted()
		if got := granted.Names(); !slices.Equal(got, tt.granted) {
			t.Errorf("%s grants %v, want %v", tt.names, got, tt.granted)
		}
		for _, name := range all {
			needed, err := auth.ParseScopes(name)
			if err != nil {
				t.Fatal(err)
			}
			switch err := granted.Require(needed); {
			case slices.Contains(tt.granted, name):
				if err != nil {
					t.Errorf("%s, which needs %s: %v", tt.names, name, err)
				}
			case !apierr.IsCode(err, apierr.Forbidden) || !strings.Contains(apierr.From(err).Details, name):
				t.Errorf("%s, which needs %s: %v", tt.names, name, err)
			}
		}
		if err := granted.Require(0); err != nil {
			t.Errorf("%s, which needs nothing: %v", tt.names, err)
		}
	}
	if _, err := auth.ParseScopes("read", "write"); err == nil || !strings.Contains(err.Error(), `"write" is no scope`) {
		t.Errorf("an unknown scope: %v", err)
	}
}
