package report

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"":                                     "",
		"storing the message: database closed": "storing the message: database closed",
		"constraint failed: UNIQUE constraint failed: messages.id (1555)": "constraint failed: UNIQUE constraint failed: messages.id (1555)",
		"can't say, isn't there":                              "can't say, isn't there",
		`"Ada's" is not a UUID`:                               "[…] is not a UUID",
		`no agent "she said \"hunter2\" twice", again`:        "no agent […], again",
		"open /home/ada/.env: permission denied":              "open […]: permission denied",
		`open C:\Users\ada: denied`:                           "open […]: denied",
		"dial tcp 10.0.0.7:5432: connect: connection refused": "dial tcp […]: connect: connection refused",
		`Get "https://ada:hunter2@example.org/?key=k": EOF`:   "Get […]: EOF",
		"agent b850bc30-45f8-0041-a00a-83df46d8555d is gone":  "agent […] is gone",
		"Incorrect key provided: sk-0123456789abcdef":         "Incorrect key provided: […]",
		"Authorization: Bearer hunter2, and more":             "Authorization: Bearer […], and more",
		"password: hunter2":                                   "password: […]",
		"user=ada password=hunter2, host=db":                  "user=[…] password=[…], host=[…]",
		"mail of ada@example.org":                             "mail of […]",
		`body {"password":"hunter2"}`:                         "body […]]}",
		"'single' and `back`":                                 "[…] and […]",
		`an open "quote hides the rest`:                       "an open […]",
		"line\nbreaks\tare spaces":                            "line breaks are spaces",
		"ключ секрет":                                         "[…] […]",
		"a" + strings.Repeat("b", 50):                         "[…]",
	} {
		if got := text(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
	if got := text(strings.Repeat("word ", 1000)); len(got) > maxText+len("…") {
		t.Errorf("%d bytes", len(got))
	}
}

func TestPanicText(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"runtime error: index out of range [5] with length 3\ngoroutine 1": "runtime error: index out of range [5] with length 3",
		"hunter2": left,
		"runtime error: " + strings.Repeat("x", maxPanic): left,
	} {
		if got := panicText(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

type lost struct{}

func (lost) fall(secret string) string { panic("hunter2" + secret) }

func TestFrames(t *testing.T) {
	t.Parallel()
	var stack string
	func() {
		defer func() {
			if recover() != nil {
				stack = string(debug.Stack())
			}
		}()
		lost{}.fall("hunter3")
	}()
	got := frames(stack)
	if len(got) < 2 {
		t.Fatalf("%d frames of %s", len(got), stack)
	}
	last := got[len(got)-1]
	if last.Module != "github.com/elizad/elizad/server/internal/report" || last.Function != "lost.fall" || last.Filename != last.Module+"/text_test.go" || last.Lineno == 0 || !last.InApp {
		t.Errorf("%+v", last)
	}
	if got[0].Module != "testing" || got[0].InApp {
		t.Errorf("the outermost is %+v", got[0])
	}
	for _, bad := range []string{"", "\n\t", "x\n\ty", "a.b(\n\tc:d", "panic(\n\t\n", "a.b()\n\t:1 +0x"} {
		frames(bad) // and nothing happens
	}
	deep := strings.Repeat("a/b.c()\n\t/d/e.go:1 +0x1\n", 1000)
	if n := len(frames(deep)); n != maxFrames {
		t.Errorf("%d frames", n)
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"":                 fmt.Errorf("a: %w", errors.New("b")),
		"*fs.PathError":    errors.Join(fmt.Errorf("a: %w", &fs.PathError{Err: errors.New("b")}), lostError{}),
		"report.lostError": fmt.Errorf("a: %w, %w", lostError{}, errors.New("b")),
	} {
		if got := kind(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

type lostError struct{}

func (lostError) Error() string { return "lost" }
