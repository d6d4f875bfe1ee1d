package price_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/model"
	"github.com/elizad/elizad/server/model/price"
)

func TestCost(t *testing.T) {
	t.Parallel()
	builtin, err := price.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	usage := model.Usage{InputTokens: 1_000_000, OutputTokens: 100_000, CachedTokens: 400_000}
	for name, tt := range map[string]struct {
		vendor, model string
		dollars       float64
		known         bool
	}{
		"with a cache":              {"anthropic", "claude-haiku-4-5", 0.6*1 + 0.4*0.1 + 0.1*5, true},
		"with a date":               {"openai", "gpt-5-mini-2025-08-07", 0.6*0.25 + 0.4*0.025 + 0.1*2, true},
		"with a date in one piece":  {"anthropic", "claude-haiku-4-5-20251001", 0.6*1 + 0.4*0.1 + 0.1*5, true},
		"without a price of cached": {"groq", "llama-3.1-8b-instant", 0.05 + 0.1*0.08, true},
		"unknown":                   {"openai", "gpt-99", 0, false},
		"of another vendor":         {"groq", "gpt-5-mini", 0, false},
		"local":                     {"ollama", "llama3.2", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, known := builtin.Cost(tt.vendor, tt.model, usage)
			if got != price.OfDollars(tt.dollars) || known != tt.known {
				t.Errorf("%v %t, want %v %t", got, known, tt.dollars, tt.known)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	write := func(text string) string {
		path := filepath.Join(t.TempDir(), "prices.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	table, err := price.ReadFile(write(`{"ollama/*": {"input": 0, "output": 0}, "Mine": {"input": 2, "output": 4}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, known := table.Cost("ollama", "llama3.2", model.Usage{InputTokens: 5}); got != 0 || !known {
		t.Errorf("a model that is free: %v %t", got, known)
	}
	if got, known := table.Cost("openai", "mine", model.Usage{InputTokens: 500_000}); got.String() != "$1.00" || !known {
		t.Errorf("a model of any vendor: %v %t", got, known)
	}
	if _, known := table.Cost("openai", "gpt-5-mini", model.Usage{InputTokens: 5}); known {
		t.Error("the file doesn't replace what is built in")
	}
	if !strings.HasPrefix(table.Name, "prices.json 2") {
		t.Errorf("the table is called %q", table.Name)
	}
	for _, bad := range []string{`[]`, `{"a": {"input": 1}}`, `{"a": {"input": -1, "output": 1}}`, `{"a": {"input": 1, "output": 1, "cache": 1}}`, `{"a": null}`} {
		if _, err := price.ReadFile(write(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	if _, err := price.ReadFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that isn't there is taken")
	}
}

func TestAmount(t *testing.T) {
	t.Parallel()
	for amount, want := range map[price.Amount]string{0: "$0.00", 1: "$0.000000001", 1_500_000_000: "$1.50", 12_345_000: "$0.012345"} {
		if got := amount.String(); got != want {
			t.Errorf("%d is %s, want %s", int64(amount), got, want)
		}
	}
}
