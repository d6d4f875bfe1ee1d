// Package price knows what calls of models cost. A [Table] has prices in US dollars per million tokens; what it doesn't know has
// no cost, rather than none to pay.
package price

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/model"
)

// Amount is money, in billionths of a US dollar.
type Amount int64

// billion is how many amounts a dollar has.
const billion = 1_000_000_000

// OfDollars returns an amount; one that doesn't fit is the greatest or the smallest that does.
func OfDollars(dollars float64) Amount {
	n := math.Round(dollars * billion)
	switch {
	case n >= math.MaxInt64:
		return math.MaxInt64
	case n <= math.MinInt64:
		return math.MinInt64
	default:
		return Amount(n)
	}
}

// Dollars returns the amount in US dollars.
func (a Amount) Dollars() float64 { return float64(a) / billion }

// String returns the amount for people, with as many digits as it needs.
func (a Amount) String() string {
	text := strconv.FormatFloat(a.Dollars(), 'f', 9, 64)
	whole, cents, _ := strings.Cut(text, ".")
	return "$" + whole + "." + cents[:2] + strings.TrimRight(cents[2:], "0")
}

// Price is what a model costs, in US dollars per million tokens.
type Price struct {
	Input  float64  `json:"input"`
	Output float64  `json:"output"`
	Cached *float64 `json:"cached,omitempty"` // input that came from the vendor's cache; nil: as any input
}

// cost returns the price of a call. What a vendor charges beside its tokens, as for writing to its cache, is not in it.
func (p Price) cost(u model.Usage) Amount {
	cached := min(max(u.CachedTokens, 0), u.InputTokens)
	ofCached := p.Input
	if p.Cached != nil {
		ofCached = *p.Cached
	}
	perMillion := float64(u.InputTokens-cached)*p.Input + float64(cached)*ofCached + float64(u.OutputTokens)*p.Output
	return OfDollars(perMillion / 1e6)
}

// Table is a list of prices. The zero value knows none.
type Table struct {
	Name   string // says in records by which table a cost was found
	prices map[string]Price
}

//go:embed prices.json
var builtin []byte

// builtinName says when the prices were looked up.
const builtinName = "built-in 2026-11"

// Builtin returns the list prices of well-known models at their own vendors.
func Builtin() (Table, error) { return parse(builtinName, builtin) }

// maxTable bounds a file of prices, in bytes.
const maxTable = 1 << 20

// ReadFile reads a table: a JSON object from "vendor/model", "vendor/*" for all others of a vendor, or "model" for whoever has it, to
// a [Price].
func ReadFile(path string) (Table, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Table{}, fmt.Errorf("reading prices: %w", err)
	}
	if info.Size() > maxTable {
		return Table{}, fmt.Errorf("reading prices: %s is larger than %d bytes", path, maxTable)
	}
	data, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if err != nil {
		return Table{}, fmt.Errorf("reading prices: %w", err)
	}
	t, err := parse(info.Name()+" "+info.ModTime().UTC().Format("2006-01-02"), data)
	if err != nil {
		return Table{}, fmt.Errorf("reading prices from %s: %w", path, err)
	}
	return t, nil
}

func parse(name string, data []byte) (Table, error) {
	var all map[string]*struct {
		Input, Output, Cached *float64
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		return Table{}, err
	}
	t := Table{Name: name, prices: make(map[string]Price, len(all))}
	for key, p := range all {
		if p == nil || p.Input == nil || p.Output == nil {
			return Table{}, fmt.Errorf("%s: input and output are required", key)
		}
		for _, v := range []*float64{p.Input, p.Output, p.Cached} {
			if v != nil && (*v < 0 || *v > 1e6) {
				return Table{}, fmt.Errorf("%s: a price is outside 0 to 1,000,000", key)
			}
		}
		t.prices[strings.ToLower(key)] = Price{Input: *p.Input, Output: *p.Output, Cached: p.Cached}
	}
	return t, nil
}

// dated ends the names of models that stay as they are: gpt-5-mini-2025-08-07, claude-haiku-4-5-20251001.
var dated = regexp.MustCompile(`-(\d{4}-\d{2}-\d{2}|20\d{6})$`)

// Cost returns what a call of a vendor's model cost, and whether that is known.
func (t Table) Cost(vendor, modelName string, u model.Usage) (Amount, bool) {
	vendor, modelName = strings.ToLower(vendor), strings.ToLower(modelName)
	undated := dated.ReplaceAllString(modelName, "")
	for _, key := range []string{vendor + "/" + modelName, vendor + "/" + undated, modelName, undated, vendor + "/*"} {
		if p, ok := t.prices[key]; ok {
			return p.cost(u), true
		}
	}
	return 0, false
}
