package template_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/runtime/template"
)

func TestExecute(t *testing.T) {
	t.Parallel()
	values := map[string]any{
		"name": "Ada <&>", "empty": "", "yes": true, "no": false, "zero": 0, "n": 1.5, "big": json.Number("12345678901234567890"),
		"list": []string{"a", "b", "c"}, "none": []string{},
		"person": map[string]any{"name": "Bob", "tags": []any{"x", 1, true}, "address": map[string]any{"city": "Paris"}},
		"people": []map[string]any{{"name": "Ann", "pets": []any{"cat"}}, {"name": "Ben"}},
	}
	tests := map[string]struct{ source, want string }{
		"text":                 {"plain } { text", "plain } { text"},
		"value":                {"Hi {{name}}!", "Hi Ada <&>!"},
		"three braces":         {"Hi {{{ name }}}!", "Hi Ada <&>!"},
		"ampersand":            {"{{& name}}", "Ada <&>"},
		"unknown":              {"[{{nothing}}{{a.b.c}}{{person.x.y}}]", "[]"},
		"numbers":              {"{{n}} {{zero}} {{yes}} {{big}}", "1.5 0 true 12345678901234567890"},
		"path":                 {"{{person.address.city}} {{person.tags.0}} {{list.1}} {{list.length}}", "Paris x b 3"},
		"list":                 {"{{list}} {{person.tags}}", "a,b,c x,1,true"},
		"object":               {"{{person.address}}", `{"city":"Paris"}`},
		"comment":              {"a{{! no }}b{{!-- {{no}} --}}c", "abc"},
		"if":                   {"{{#if yes}}1{{/if}}{{#if no}}2{{/if}}{{#if zero}}3{{/if}}{{#if empty}}4{{/if}}{{#if none}}5{{/if}}{{#if nothing}}6{{/if}}", "1"},
		"else":                 {"{{#if no}}1{{else}}2{{/if}}", "2"},
		"else if":              {"{{#if no}}1{{else if yes}}2{{else}}3{{/if}}", "2"},
		"else if, last":        {"{{#if no}}1{{else if empty}}2{{else if zero}}3{{else}}4{{/if}}", "4"},
		"unless":               {"{{#unless no}}1{{else}}2{{/unless}}", "1"},
		"each":                 {"{{#each list}}{{@index}}={{this}}{{#unless @last}}, {{/unless}}{{/each}}", "0=a, 1=b, 2=c"},
		"each first":           {"{{#each list}}{{#if @first}}!{{/if}}{{.}}{{/each}}", "!abc"},
		"each of maps":         {"{{#each people}}{{name}}{{#each pets}} has {{this}} in {{../../person.address.city}}{{else}} has none{{/each}};{{/each}}", "Ann has cat in Paris;Ben has none;"},
		"each of map":          {"{{#each person.address}}{{@key}}:{{this}}{{/each}}", "city:Paris"},
		"each of nothing":      {"{{#each none}}x{{else}}nobody{{/each}}{{#each name}}x{{/each}}", "nobody"},
		"with":                 {"{{#with person}}{{name}} {{this.name}} {{../name}}{{/with}}{{#with nothing}}x{{else}}-{{/with}}", "Bob Bob Ada <&>-"},
		"outer names":          {"{{#each people}}{{list.0}}{{/each}}", "aa"},
		"too far out":          {"[{{../../name}}]", "[]"},
		"spaces":               {"{{  name  }}{{#if   yes }}x{{/ if }}", "Ada <&>x"},
		"markup in a value":    {"{{#with m}}{{x}}{{/with}}", ""},
		"line breaks are kept": {"a\n{{#if yes}}\nb\n{{/if}}\nc", "a\n\nb\n\nc"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tmpl, err := template.Parse(tt.source)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Execute(values)
			if err != nil || got != tt.want {
				t.Errorf("%s gives %q, %v; want %q", tt.source, got, err, tt.want)
			}
		})
	}
}

func TestValuesAreNotTemplates(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Parse("{{x}}")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := tmpl.Execute(map[string]any{"x": "{{y}}", "y": "secret"}); got != "{{y}}" {
		t.Errorf("got %q", got)
	}
}

func TestParseNamesThePlace(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ source, want string }{
		"not closed":       {"a\nbé{{name", `line 2, column 3: "{{" is never closed`},
		"block not closed": {"\n {{#if x}}a", "line 2, column 2: {{#if}} is never closed"},
		"wrong end":        {"{{#if x}}{{/each}}", "line 1, column 10: {{/each}} closes {{#if}}"},
		"end of nothing":   {"a{{/if}}", "line 1, column 2: {{/if}} closes nothing"},
		"else of nothing":  {"{{else}}", "line 1, column 1: {{else}} stands outside of a block"},
		"two elses":        {"{{#if x}}{{else}}{{else}}{{/if}}", "line 1, column 18: a second {{else}}"},
		"else each":        {"{{#if x}}{{else each y}}{{/if}}", "line 1, column 10: {{else}} takes nothing but if"},
		"unknown block":    {"{{#list x}}{{/list}}", "line 1, column 1: {{#list}} is not one of if, unless, each and with"},
		"no argument":      {"{{#if}}{{/if}}", "line 1, column 1: a name is missing"},
		"partial":          {"{{> other}}", `line 1, column 1: "> other": helpers with arguments are not supported`},
		"partial, tight":   {"{{>other}}", `line 1, column 1: ">other" is not a name`},
		"helper":           {"{{upper name}}", `line 1, column 1: "upper name": helpers with arguments are not supported`},
		"empty":            {"{{}}", "line 1, column 1: a name is missing"},
		"empty key":        {"{{a..b}}", `line 1, column 1: "a..b" is not a name`},
		"deep":             {strings.Repeat("{{#if x}}", 33) + strings.Repeat("{{/if}}", 33), "line 1, column 289: blocks are nested deeper than 32"},
		"else ifs":         {"{{#if x}}" + strings.Repeat("{{else if x}}", 32) + "{{/if}}", "line 1, column 413: blocks are nested deeper than 32"},
		"long":             {strings.Repeat("x", template.MaxSource+1), "line 1, column 1: the template is longer than 256 KiB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := template.Parse(tt.source)
			if e, ok := errors.AsType[*template.Error](err); !ok || e.Error() != tt.want {
				t.Errorf("err = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	wide := make([]any, 1000)
	for i := range wide {
		wide[i] = map[string]any{}
	}
	for _, body := range []string{"", "y", "{{nothing}}", strings.Repeat("long ", 1000)} {
		tmpl, err := template.Parse(strings.Repeat("{{#each x}}", 8) + body + strings.Repeat("{{/each}}", 8))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tmpl.Execute(map[string]any{"x": wide}); !errors.Is(err, template.ErrTooLong) {
			t.Errorf("body %.10q: err = %v", body, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("{{#if a}}{{b.c}}{{else}}{{#each d}}{{@index}}{{/each}}{{/if}}")
	f.Add("{{!-- x --}}{{{y}}}")
	f.Fuzz(func(t *testing.T, source string) {
		tmpl, err := template.Parse(source)
		if err != nil {
			return
		}
		if _, err := tmpl.Execute(map[string]any{"a": true, "d": []string{"x"}}); err != nil {
			t.Error(err)
		}
	})
}
