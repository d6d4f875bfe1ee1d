package logstream

import (
	"log/slog"
	"strings"
)

// The levels between and beyond those of slog. Progress, success and log are as quiet as their names: just below info.
const (
	LevelTrace    = slog.Level(-8)
	LevelSuccess  = slog.Level(-3)
	LevelProgress = slog.Level(-2)
	LevelLog      = slog.Level(-1)
	LevelFatal    = slog.Level(12)
)

type levelRow struct {
	level  slog.Level
	number int
	name   string
}

// levelTable has the most severe first.
func levelTable() [9]levelRow {
	return [...]levelRow{
		{LevelFatal, 60, "fatal"},
		{slog.LevelError, 50, "error"},
		{slog.LevelWarn, 40, "warn"},
		{slog.LevelInfo, 30, "info"},
		{LevelLog, 29, "log"},
		{LevelProgress, 28, "progress"},
		{LevelSuccess, 27, "success"},
		{slog.LevelDebug, 20, "debug"},
		{LevelTrace, 10, "trace"},
	}
}

// LevelNames lists the names of the levels, most severe first.
func LevelNames() []string {
	rows := levelTable()
	names := make([]string, 0, len(rows))
	for _, row := range rows {
		names = append(names, row.name)
	}
	return names
}

// ParseLevel returns the level with a name of [LevelNames], in any case, and whether there is one.
func ParseLevel(name string) (slog.Level, bool) {
	for _, row := range levelTable() {
		if strings.EqualFold(row.name, name) {
			return row.level, true
		}
	}
	return slog.LevelInfo, false
}

// LevelName returns the name of a level: that of the nearest one that is not more severe.
func LevelName(level slog.Level) string { return levelOf(level).name }

// LevelNumber returns the number of a level on the wire, from 10 for trace to 60 for fatal.
func LevelNumber(level slog.Level) int { return levelOf(level).number }

func levelOf(level slog.Level) levelRow {
	rows := levelTable()
	for _, row := range rows {
		if level >= row.level {
			return row
		}
	}
	return rows[len(rows)-1]
}
