package runtime

import _ "embed"

// defaultCharacter is the agent of a server that has no other.
//
//go:embed eliza.json
var defaultCharacter []byte
