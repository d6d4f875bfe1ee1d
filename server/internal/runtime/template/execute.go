package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ErrTooLong is returned when the output would exceed [MaxOutput], or when loops inside loops don't come to an end.
var ErrTooLong = errors.New("the rendered template is too long")

// Execute renders the template with values: texts, booleans, numbers, and maps and slices of them.
func (t *Template) Execute(values map[string]any) (string, error) {
	var w writer
	w.nodes(t.nodes, &scope{value: values})
	if w.full {
		return "", ErrTooLong
	}
	return w.out.String(), nil
}

// scope is a context that names are looked up in.
type scope struct {
	value any
	data  map[string]any // @index and so on
	outer *scope
}

type writer struct {
	out   strings.Builder
	steps int
	full  bool
}

func (w *writer) write(text string) {
	if w.out.Len()+len(text) > MaxOutput {
		w.full = true
		return
	}
	w.out.WriteString(text)
}

func (w *writer) nodes(nodes []node, s *scope) {
	w.steps += 1 + len(nodes) // also empty bodies of loops are work
	w.full = w.full || w.steps > maxSteps
	for i := range nodes {
		if w.full {
			return
		}
		w.node(&nodes[i], s)
	}
}

func (w *writer) node(n *node, s *scope) {
	if n.block == noBlock {
		if n.text != "" {
			w.write(n.text)
			return
		}
		w.write(textOf(s.lookup(n.path)))
		return
	}
	v := s.lookup(n.path)
	switch n.block {
	case ifBlock, unlessBlock:
		if truthy(v) == (n.block == ifBlock) {
			w.nodes(n.body, s)
			return
		}
	case withBlock:
		if truthy(v) {
			w.nodes(n.body, &scope{value: v, data: s.data, outer: s})
			return
		}
	case eachBlock:
		if w.each(n.body, v, s) {
			return
		}
	}
	w.nodes(n.other, s)
}

// each renders body for every element of v and reports whether there was one. Maps go by key.
func (w *writer) each(body []node, v any, s *scope) bool {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range rv.Len() {
			if w.full {
				break
			}
			data := map[string]any{"index": i, "first": i == 0, "last": i == rv.Len()-1, "key": i}
			w.nodes(body, &scope{value: rv.Index(i).Interface(), data: data, outer: s})
		}
		return rv.Len() > 0
	case reflect.Map:
		m, ok := v.(map[string]any)
		if !ok {
			return false
		}
		for i, key := range slices.Sorted(maps.Keys(m)) {
			data := map[string]any{"index": i, "first": i == 0, "last": i == len(m)-1, "key": key}
			w.nodes(body, &scope{value: m[key], data: data, outer: s})
		}
		return len(m) > 0
	default:
		return false
	}
}

// lookup returns the value that a path names, or nil.
func (s *scope) lookup(p path) any {
	for range p.up {
		if s.outer == nil {
			return nil
		}
		s = s.outer
	}
	v := s.value
	if p.data {
		v = s.data
	}
	for i, key := range p.keys {
		next, ok := member(v, key)
		if !ok && i == 0 && !p.data && s.outer != nil {
			// Names are looked for further out too, so that {{agentName}} works inside every block.
			return s.outer.lookup(path{keys: p.keys})
		}
		if v = next; v == nil {
			return nil
		}
	}
	return v
}

// member returns what is under a key of a map, or at an index of a list.
func member(v any, key string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		next, ok := v[key]
		return next, ok
	case map[string]string:
		next, ok := v[key]
		return next, ok
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Slice {
		return nil, false
	}
	if key == "length" {
		return rv.Len(), true
	}
	if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < rv.Len() {
		return rv.Index(i).Interface(), true
	}
	return nil, false
}

// truthy reports whether a value counts as something: not false, zero, empty or missing.
func truthy(v any) bool {
	if n, ok := v.(json.Number); ok {
		f, err := n.Float64()
		return err != nil || f != 0
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Slice:
		return rv.Len() > 0
	case reflect.Map:
		return !rv.IsNil()
	default:
		return !rv.IsZero()
	}
}

// textOf returns what a value looks like in a text. Lists are joined by commas; other structures are JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case fmt.Stringer:
		return v.String()
	case bool, int, int64, float64:
		return fmt.Sprint(v)
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Slice {
		parts := make([]string, rv.Len())
		for i := range parts {
			parts[i] = textOf(rv.Index(i).Interface())
		}
		return strings.Join(parts, ",")
	}
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}
