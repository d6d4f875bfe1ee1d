package main

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ operation, refusal string }{
		{"{operationId: ping, x-access: {scope: read, owner: tenant}}", ""},
		{"{x-access: {scope: read, owner: tenant}}", "no operationId"},
		{"{operationId: ping}", "no x-access"},
		{"{operationId: ping, x-access: {owner: tenant}}", `"" is no scope`},
		{"{operationId: ping, x-access: {scope: all, owner: tenant}}", `"all" is no scope`},
		{"{operationId: ping, x-access: {scope: read, owner: me}}", `"me" is no owner`},
	} {
		rules, err := read([]byte("paths: {/ping: {parameters: [], get: " + tt.operation + "}}"))
		if tt.refusal == "" {
			if err != nil || len(rules) != 1 || !strings.Contains(string(write(rules)), "case \"ping\", \"Ping\":\nreturn Rule{ScopeRead, OwnerTenant}, true") {
				t.Errorf("%s: %v, %v", tt.operation, rules, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.refusal) {
			t.Errorf("%s: %v, want %s", tt.operation, err, tt.refusal)
		}
	}
}
