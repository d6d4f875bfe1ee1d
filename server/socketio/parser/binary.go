package parser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
)

// placeholderKey marks an object that stands for an attachment: {"_placeholder":true,"num":0}.
var placeholderKey = []byte(`"_placeholder"`)

// placeholder is where in a JSON text a placeholder is, and the number it has; -1 if that is no number.
type placeholder struct {
	start, end, num int
}

// findPlaceholders returns the placeholders in a valid JSON text, in order.
func findPlaceholders(data []byte) []placeholder {
	if !bytes.Contains(data, placeholderKey) {
		return nil
	}
	f := finder{data: data}
	f.value(skipSpace(data, 0))
	return f.found
}

// finder walks through valid JSON. Its recursion is as deep as the JSON nests, which the limits bound.
type finder struct {
	data  []byte
	found []placeholder
}

// value walks through the value at i and returns the index behind it.
func (f *finder) value(i int) int {
	switch f.data[i] {
	case '{':
		return f.object(i)
	case '[':
		for i = skipSpace(f.data, i+1); f.data[i] != ']'; {
			if i = skipSpace(f.data, f.value(i)); f.data[i] == ',' {
				i = skipSpace(f.data, i+1)
			}
		}
		return i + 1
	default:
		return skipValue(f.data, i)
	}
}

func (f *finder) object(start int) int {
	outer := len(f.found)
	marked, num := false, -1
	i := skipSpace(f.data, start+1)
	for f.data[i] != '}' {
		keyEnd := skipString(f.data, i)
		key := f.data[i:keyEnd]
		valueStart := skipSpace(f.data, skipSpace(f.data, keyEnd)+1)
		valueEnd := f.value(valueStart)
		value := f.data[valueStart:valueEnd]
		switch {
		case bytes.Equal(key, placeholderKey):
			marked = string(value) == "true"
		case string(key) == `"num"`:
			num = parseNum(value)
		}
		if i = skipSpace(f.data, valueEnd); f.data[i] == ',' {
			i = skipSpace(f.data, i+1)
		}
	}
	if marked {
		// The object stands for an attachment as a whole, whatever else is in it.
		f.found = append(f.found[:outer], placeholder{start: start, end: i + 1, num: num})
	}
	return i + 1
}

func parseNum(value []byte) int {
	if n := countDigits(value); n == 0 || n != len(value) || n > 9 {
		return -1
	}
	num, err := strconv.Atoi(string(value))
	if err != nil {
		return -1
	}
	return num
}

// Attachment returns the attachment that arg is, if it is nothing but a placeholder.
func Attachment(arg json.RawMessage, attachments [][]byte) ([]byte, bool) {
	if len(attachments) == 0 {
		return nil, false
	}
	found := findPlaceholders(arg)
	if len(found) != 1 || found[0].start != 0 || found[0].end != len(arg) {
		return nil, false
	}
	return pick(attachments, found[0].num)
}

// Inline returns arg with each placeholder replaced by its attachment as a base64 string, which is how encoding/json has
// binary data.
func Inline(arg json.RawMessage, attachments [][]byte) json.RawMessage {
	if len(attachments) == 0 {
		return arg
	}
	return replace(nil, arg, func(dst []byte, num int) []byte {
		data, _ := pick(attachments, num)
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, data)
		return append(dst, '"')
	})
}

// replace appends arg to dst with each placeholder replaced by what with appends.
func replace(dst, arg []byte, with func(dst []byte, num int) []byte) []byte {
	at := 0
	for _, ph := range findPlaceholders(arg) {
		dst = append(dst, arg[at:ph.start]...)
		dst = with(dst, ph.num)
		at = ph.end
	}
	return append(dst, arg[at:]...)
}

func pick(attachments [][]byte, num int) ([]byte, bool) {
	if num < 0 || num >= len(attachments) {
		return nil, false
	}
	return attachments[num], true
}

func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}
