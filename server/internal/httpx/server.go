package httpx

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns an HTTP server for a handler with the time limits that suit long answers: none on reading or writing as
// a whole, which would cut event streams and held polls, but one on the header, and one on idle connections. Handlers set
// deadlines of their own through http.ResponseController. What net/http has to say goes to the logger as a warning.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
