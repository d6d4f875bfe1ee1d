package settings_test

import (
	"fmt"

	"github.com/elizad/elizad/server/settings"
)

// The settings of a server without configuration.
func ExampleDefault() {
	s := settings.Default()
	fmt.Println(s.Network.Address(), s.Limits.MaxBody, s.Messages.RunTimeout)
	// Output: 127.0.0.1:3000 2097152 5m0s
}

// Every setting with its flag, its variables and its default, as "elizad help settings" shows them.
func ExampleTable() {
	for _, row := range settings.Table()[:3] {
		fmt.Println("--"+row.Flag, row.Env, row.Default)
	}
	// Output:
	// --host [SERVER_HOST HOST] 127.0.0.1
	// --port [SERVER_PORT PORT] 3000
	// --drain-timeout [ELIZAD_DRAIN_TIMEOUT_MS] 4s
}
