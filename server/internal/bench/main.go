// Command bench measures what elizad claims about itself and prints it as ratios and counts:
//
//	go run ./server/internal/bench [--only start,memory,soak,posts,sockets,rest,product,growth] [--json]
//
// It builds the real binary and runs it on loopback with new data; what is compared is compared in the same run, on
// the same machine. Figures of different machines mean nothing beside each other; the ratios do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
)

// figure is one result.
type figure struct {
	Name  string    `json:"name"`
	Value float64   `json:"value"`
	Unit  string    `json:"unit"`
	Goal  string    `json:"goal,omitempty"`
	Met   *bool     `json:"met,omitempty"` // nil where there is no goal
	Curve []float64 `json:"curve,omitempty"`
	How   string    `json:"how"`
}

// measurement makes figures.
type measurement struct {
	name string
	run  func(ctx context.Context, progress io.Writer) ([]figure, error)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case peerCommand:
			return runPeer(args[1:])
		case restPeerCommand:
			return runRestPeer(args[1:])
		case baselineCommand:
			return runBaseline(args[1:])
		}
	}
	all := []measurement{{"start", measureStart}, {"memory", measureMemory}, {"soak", measureSoak}, {"posts", measurePosts}, {"sockets", measureSockets}, {"rest", measureRest}, {"product", measureProduct}, {"growth", measureGrowth}}
	names := make([]string, len(all))
	for i, m := range all {
		names[i] = m.name
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "comma-separated measurements to run: "+strings.Join(names, ", "))
	asJSON := flags.Bool("json", false, "print the figures as JSON")
	profile := flags.String("cpu-profile", "", "file to write a CPU profile of this process to, which is the server of sockets and rest")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen := names
	if *only != "" {
		chosen = strings.Split(*only, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no measurement %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	if *profile != "" {
		stop, err := startProfile(*profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	var figures []figure
	for _, m := range all {
		if !slices.Contains(chosen, m.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", m.name)
		got, err := m.run(ctx, os.Stderr)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
		figures = append(figures, got...)
	}
	if *asJSON {
		err := json.NewEncoder(os.Stdout).Encode(figures)
		return errors.Join(err, missed(figures))
	}
	show(figures)
	return missed(figures)
}

// missed reports the goals that were not met.
func missed(figures []figure) error {
	var names []string
	for _, f := range figures {
		if f.Met != nil && !*f.Met {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%d goals were missed: %s", len(names), strings.Join(names, "; "))
}

func startProfile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("making the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(fmt.Errorf("profiling: %w", err), file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // a profile that is cut short shows it
	}, nil
}

func show(figures []figure) {
	for _, f := range figures {
		verdict := ""
		if f.Met != nil {
			verdict = "met"
			if !*f.Met {
				verdict = "MISSED"
			}
		}
		fmt.Printf("%-56s %10.2f %-6s goal %-12s %s\n", f.Name, f.Value, f.Unit, f.Goal, verdict)
		fmt.Printf("    %s\n", f.How)
		if f.Curve != nil {
			fmt.Printf("    curve: %.1f\n", f.Curve)
		}
	}
}

func atMost(name string, value float64, unit string, goal float64, how string) figure {
	return figure{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf("≤ %g", goal), Met: new(value <= goal), How: how}
}

func atLeast(name string, value float64, unit string, goal float64, how string) figure {
	return figure{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf("≥ %g", goal), Met: new(value >= goal), How: how}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
