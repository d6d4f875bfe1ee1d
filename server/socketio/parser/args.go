package parser

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CheckObject checks that data is a JSON object within the limits.
func CheckObject(data []byte, limits Limits) error {
	if _, err := measure(data, limits); err != nil {
		return err
	}
	if len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return malformed("not a JSON object")
	}
	return nil
}

// Args checks that Data is a JSON array within the limits and returns its elements. They alias Data. With attachments, it
// also checks that every placeholder names one of them.
func (p Packet) Args(limits Limits) ([]json.RawMessage, error) {
	count, err := measure(p.Data, limits)
	if err != nil {
		return nil, err
	}
	if len(p.Data) == 0 || p.Data[0] != '[' || !json.Valid(p.Data) {
		return nil, malformed("not a JSON array")
	}
	if limits.Args > 0 && count > limits.Args {
		return nil, malformed("%d arguments", count)
	}
	if p.Attachments > 0 {
		for _, ph := range findPlaceholders(p.Data) {
			if ph.num < 0 || ph.num >= p.Attachments {
				return nil, malformed("placeholder of no attachment")
			}
		}
	}
	return split(p.Data, count), nil
}

// measure makes a first pass over data that needs no stack: it checks the limits and returns the number of elements of the
// outermost array or object. What it returns for invalid JSON means nothing.
func measure(data []byte, limits Limits) (count int, err error) {
	depth, members := 0, 0
	empty := true // no element since the last opening bracket
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '"':
			i = skipString(data, i) - 1
			fallthrough
		default:
			if empty && c > ' ' && c != ']' && c != '}' {
				empty = false
				if members++; depth == 1 {
					count++
				}
			}
		case '[', '{':
			if empty && depth > 0 {
				if members++; depth == 1 {
					count++
				}
			}
			empty = true
			depth++
		case ']', '}':
			empty = false
			depth--
		case ',':
			if members++; depth == 1 {
				count++
			}
		}
		if limits.Depth > 0 && depth > limits.Depth {
			return 0, malformed("JSON nests deeper than %d", limits.Depth)
		}
		if limits.Members > 0 && members > limits.Members {
			return 0, malformed("JSON has more than %d members", limits.Members)
		}
	}
	return count, nil
}

// split returns the count elements of a valid JSON array.
func split(data []byte, count int) []json.RawMessage {
	args := make([]json.RawMessage, 0, count)
	for i := skipSpace(data, 1); data[i] != ']'; {
		end := skipValue(data, i)
		args = append(args, json.RawMessage(data[i:end:end]))
		if i = skipSpace(data, end); data[i] == ',' {
			i = skipSpace(data, i+1)
		}
	}
	return args
}

// skipSpace returns the index of the first byte from i on that is no JSON white space.
func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string that begins at i, or the length of data if it does not end.
func skipString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// skipValue returns the index behind the value that begins at i, in valid JSON.
func skipValue(data []byte, i int) int {
	depth := 0
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipString(data, i) - 1
		case '[', '{':
			depth++
			continue
		case ']', '}':
			if depth == 0 {
				return i // behind a number or literal
			}
			depth--
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			continue
		default:
			if depth == 0 && isDelimited(data, i+1) {
				return i + 1
			}
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return i
}

func isDelimited(data []byte, i int) bool {
	return i >= len(data) || bytes.IndexByte([]byte(",:]} \t\n\r"), data[i]) >= 0
}

// reserved are the event names that mean something to the libraries themselves.
var reserved = []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}

// Reserved reports whether an event may not have that name.
func Reserved(name string) bool { return slices.Contains(reserved, name) }

// EventName decodes the first element of an event, valid JSON: a string, or a number, which becomes the text that JavaScript would
// make of it, as emitters there treat the two alike.
func EventName(raw json.RawMessage) (string, error) {
	if len(raw) > 0 && raw[0] == '"' {
		if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
			return string(raw[1 : len(raw)-1]), nil
		}
		var name string
		if err := json.Unmarshal(raw, &name); err != nil {
			return "", malformed("event name: %v", err)
		}
		return name, nil
	}
	number, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return "", malformed("event name is neither a string nor a number")
	}
	return formatNumber(number), nil
}

// formatNumber formats a number like ECMAScript's Number::toString.
func formatNumber(n float64) string {
	if n == 0 {
		return "0" // also minus zero
	}
	if abs := math.Abs(n); abs >= 1e-6 && abs < 1e21 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	text := strconv.FormatFloat(n, 'e', -1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e") // the exponent has a sign and two digits at least
	return mantissa + "e" + exponent[:1] + strings.TrimPrefix(exponent[1:], "0")
}
