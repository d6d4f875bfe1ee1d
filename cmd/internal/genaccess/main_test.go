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

func TestAudited(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ method, scope, audit, refusal string }{
		{"get", "admin", "", ""}, {"post", "chat", "", ""}, {"post", "service", "", ""},
		{"post", "manage", "", "no x-audit"}, {"patch", "admin", "", "no x-audit"}, {"delete", "read", "", "no x-audit"},
		{"delete", "chat", "none", ""}, {"post", "admin", "key.create", ""}, {"get", "read", "key.read", ""},
		{"post", "admin", "Key", `"Key" is no action`}, {"post", "admin", "key.", "is no action"},
	} {
		rules, err := read([]byte("paths: {/p: {" + tt.method + ": {operationId: ping, x-audit: " + tt.audit + ", x-access: {scope: " + tt.scope + ", owner: nobody}}}}"))
		if tt.refusal != "" {
			if err == nil || !strings.Contains(err.Error(), tt.refusal) {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		_, table, _ := strings.Cut(string(write(rules)), "func Audited(")
		if got := strings.Contains(table, "return \""+tt.audit+"\""); got != (tt.audit != "none") || tt.audit != "" && tt.audit != "none" && !strings.Contains(table, "case \"ping\"") {
			t.Errorf("%+v: %s", tt, table)
		}
	}
}

// TestOpen: an operation is open if its security names no way to come in.
func TestOpen(t *testing.T) {
	t.Parallel()
	for security, open := range map[string]bool{"": false, "security: [], ": true, "security: [{}], ": true, "security: [{key: []}, {}], ": false} {
		rules, err := read([]byte("paths: {/p: {get: {operationId: ping, " + security + "x-access: {scope: none, owner: nobody}}}}"))
		if err != nil {
			t.Errorf("%s: %v", security, err)
			continue
		}
		want := `{ID: "ping", Method: "GET", Path: "/p"` + map[bool]string{true: ", Open: true}", false: "}"}[open]
		if got := string(write(rules)); !strings.Contains(got, want) {
			t.Errorf("%s: %s is missing in\n%s", security, want, got)
		}
	}
}
