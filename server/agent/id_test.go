package agent_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/agent"
)

func TestUUIDOf(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"Eliza", "b850bc30-45f8-0041-a00a-83df46d8555d"},
		{"Alpha", "58061aa5-4439-0a79-8e33-181a443b15b7"},
		{"hello world", "f0355dd5-2823-054c-ae66-a0b12842c215"},
		{"Hello World", "9e8536ed-880f-0b60-9d1e-8bd6038e88c6"},
		{"42", "92cfceb3-9d57-0914-ad8b-14d0e37643de"},
		{"ünïcode/space x", "624d1049-3d5d-0d2a-acb8-60d828320529"},
		{"Café ☕", "2c63e6a2-a833-00bf-965f-256c9b3a5716"},
		{"a/b?c=1&d", "4964b90c-a2b4-0ab5-9901-7c69c0486631"},
		{"!*'()~_-.", "ee1d3521-a73d-0533-88c3-eac2183d9b21"},
		{"", "da39a3ee-5e6b-0b0d-b255-bfef95601890"},
		{"user@example.com", "be14940a-8d93-02cf-ae30-3b5962e968cd"},
		{"eliza:alice", "17dcb1c8-cf1f-038a-b8c7-dc93995e78be"},
		{"did:privy:clabcd1234567890", "8842aa43-cdc0-076a-ba59-87e2f010df3d"},
		{"héllo wörld", "93824064-00f3-05ac-9053-09726326c166"},
		{"DEADBEEF-0000-0000-0000-000000000000", "deadbeef-0000-0000-0000-000000000000"},
		{"58061aa5-4439-0a79-8e33-181a443b15b7", "58061aa5-4439-0a79-8e33-181a443b15b7"},
	}
	for _, tt := range tests {
		if got := agent.UUIDOf(tt.text).String(); got != tt.want {
			t.Errorf("UUIDOf(%q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestUUIDFor(t *testing.T) {
	t.Parallel()
	const eliza, alpha = "b850bc30-45f8-0041-a00a-83df46d8555d", "58061aa5-4439-0a79-8e33-181a443b15b7"
	tests := []struct{ agent, base, want string }{
		{eliza, "user-1", "53f4979a-5a36-08d1-b15f-120ecb19064c"},
		{eliza, "55555555-5555-4555-8555-555555555555", "2bb0e832-a5b7-093e-93b5-bb781b9cce74"},
		{eliza, "00000000-0000-0000-0000-000000000000", "740de269-82a9-0d4f-9889-c87fb8884f7f"},
		{eliza, "direct", "b05e41e3-8255-0089-ac8c-0314fb89ffdd"},
		{eliza, "world-1700000000000", "dec793fc-c523-0cac-9993-b536acb152af"},
		{eliza, eliza, eliza},
		{eliza, "B850BC30-45F8-0041-A00A-83DF46D8555D", eliza},
		{alpha, "a754cd35-323b-449b-a989-4846a5be30ab", "7ca7dbbb-c5ec-0f88-8abe-86c4da7a089b"},
		{alpha, "A754CD35-323B-449B-A989-4846A5BE30AB", "7ca7dbbb-c5ec-0f88-8abe-86c4da7a089b"},
	}
	for _, tt := range tests {
		if got := agent.UUIDFor(uuid.MustParse(tt.agent), tt.base).String(); got != tt.want {
			t.Errorf("UUIDFor(%s, %q) = %s, want %s", tt.agent, tt.base, got, tt.want)
		}
	}
}

func TestParseUUIDAcceptsOneForm(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{b850bc30-45f8-0041-a00a-83df46d8555d}", "urn:uuid:b850bc30-45f8-0041-a00a-83df46d8555d",
		"b850bc3045f80041a00a83df46d8555d", "b850bc30-45f8-0041-a00a-83df46d8555g", " b850bc30-45f8-0041-a00a-83df46d855d",
	} {
		if id, ok := agent.ParseUUID(text); ok {
			t.Errorf("ParseUUID(%q) = %s", text, id)
		}
	}
}
