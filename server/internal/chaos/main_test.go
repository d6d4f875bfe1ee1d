// Package chaos_test hurts a running server as machines and people do — kills, suspensions, disks that fill or vanish, damaged
// files, databases that crash, readers that stop reading — while clients talk to it, and checks that the promises hold:
//
//   - what was acknowledged is there, once, at its number, and no number is missing;
//   - every message that asks an agent comes to one outcome, and to one reply at most;
//   - jobs, sessions and files are there, each file once, and nothing else; the database is undamaged;
//   - a request that is repeated after a kill need not wait for the one that was running.
//
// The tests depend on no time but a long time-out. Without -chaos each scenario runs once; make chaos runs them many times, and
// those that need more of the machine.
package chaos_test

import (
	"flag"
	"testing"
	"time"

	"github.com/elizad/elizad/server/internal/programtest"
)

// rounds is how often a scenario hurts the server; more than one makes the long form.
var rounds = flag.Int("chaos", 1, "how often each scenario hurts the server; more than 1 also runs those that need a file system of their own")

// patience is the time-out of every wait.
const patience = 2 * time.Minute

// binary is the path of the program under test, built once.
var binary string

func TestMain(m *testing.M) { programtest.Main(m, &binary) }
