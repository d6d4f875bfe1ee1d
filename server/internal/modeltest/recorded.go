package modeltest

import (
	"embed"
	"net/http"
	"strconv"
	"strings"
)

//go:embed testdata/recorded/*.http
var recorded embed.FS

// Recorded is the response in a file of testdata/recorded, byte by byte as some endpoint gave it: a status line, headers, a
// blank line and the body.
func Recorded(name string) Script {
	data, err := recorded.ReadFile("testdata/recorded/" + name + ".http")
	if err != nil {
		panic("modeltest: " + err.Error())
	}
	head, body, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	status, err := strconv.Atoi(strings.Fields(lines[0])[1])
	if err != nil {
		panic("modeltest: the status of " + name + ": " + err.Error())
	}
	script := Script{Status: status, Body: body, Header: http.Header{}, Raw: true}
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, ": ")
		script.Header.Add(key, value)
	}
	return script
}

// Response is a response with a body as it stands, under a content type; an empty one sends none.
func Response(status int, contentType, body string) Script {
	script := Script{Status: status, Body: body, Header: http.Header{}, Raw: true}
	if contentType != "" {
		script.Header.Set("Content-Type", contentType)
	}
	return script
}
