package server_test

import "testing"

// What a refused request holds may be a secret in the wrong place, and the log is read by others.
func TestRefusedValuesAreNotLogged(t *testing.T) {
	t.Parallel()
	var log journal
	n := startWith(t, testConfig(t), log.option())
	const secret = "sk-canary-0123456789"
	n.do("POST", "/api/messaging/jobs", map[string]any{"userId": secret, "content": "Hello", "metadata": secret}).want(400)
	n.do("POST", "/api/agents", map[string]any{"agent": secret}).want(400)
	n.do("GET", "/api/messaging/dm-channel?targetUserId="+secret, nil).want(400)
	n.stop()
	if got := log.lines("userId: must be a UUID"); len(got) != 1 {
		t.Errorf("the refusal is not in the log: %s", &log.text)
	}
	if got := log.lines(secret); len(got) > 0 {
		t.Errorf("the log holds what was refused: %s", got)
	}
}
