package logstream

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// Options says what a logger writes, and where.
type Options struct {
	Level      slog.Leveler // least severe level to log; if nil, info
	JSON       bool         // write lines of JSON instead of text
	Timestamps bool         // begin text lines with the time; JSON always has it
	Output     io.Writer    // if nil, standard error
	Stream     *Stream      // also keep entries here; if nil, they are not kept

	// FromContext returns the attributes that a request or a turn carries in its context, such as its id. Each logging call
	// that is given the context adds them. Optional.
	FromContext []func(context.Context) []slog.Attr
}

// New returns a logger that writes to the output, coloured if that is a terminal, and to the stream.
func New(o Options) *slog.Logger {
	if o.Level == nil {
		o.Level = slog.LevelInfo
	}
	if o.Output == nil {
		o.Output = os.Stderr
	}
	handler := o.outputHandler()
	if o.Stream != nil {
		handler = slog.NewMultiHandler(handler, o.Stream.Handler(o.Level))
	}
	if len(o.FromContext) > 0 {
		handler = &contextHandler{Handler: handler, sources: o.FromContext}
	}
	return slog.New(handler)
}

func (o Options) outputHandler() slog.Handler {
	replace := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return redact(groups, a)
		}
		switch a.Key {
		case slog.TimeKey:
			if !o.Timestamps && !o.JSON {
				return slog.Attr{}
			}
			return a
		case slog.LevelKey:
			if level, ok := a.Value.Any().(slog.Level); ok {
				return slog.String(a.Key, strings.ToUpper(LevelName(level)))
			}
		}
		return redact(groups, a)
	}
	switch {
	case o.JSON:
		return slog.NewJSONHandler(o.Output, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: replace})
	case isTerminal(o.Output):
		return tint.NewTextHandler(o.Output, &tint.Options{
			Level: o.Level, TimeFormat: "15:04:05.000", NoColor: os.Getenv("NO_COLOR") != "", ReplaceAttr: replaceTinted(replace),
		})
	default:
		return slog.NewTextHandler(o.Output, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: replace})
	}
}

// replaceTinted leaves the four levels of slog to tint, which colours them, and names the others.
func replaceTinted(replace func([]string, slog.Attr) slog.Attr) func([]string, slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey && len(groups) == 0 {
			switch level {
			case slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError:
				return a
			}
		}
		return replace(groups, a)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// contextHandler adds to each record the attributes that its context carries.
type contextHandler struct {
	slog.Handler
	sources []func(context.Context) []slog.Attr
}

func (h *contextHandler) Handle(ctx context.Context, r slog.Record) error {
	cloned := false
	for _, attrsOf := range h.sources {
		attrs := attrsOf(ctx)
		if len(attrs) == 0 {
			continue
		}
		if !cloned { // the caller's record shares its storage with ours
			r, cloned = r.Clone(), true
		}
		r.AddAttrs(attrs...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h *contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &contextHandler{Handler: h.Handler.WithAttrs(attrs), sources: h.sources}
}

func (h *contextHandler) WithGroup(name string) slog.Handler {
	return &contextHandler{Handler: h.Handler.WithGroup(name), sources: h.sources}
}
