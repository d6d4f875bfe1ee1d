package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// pageSize is how many entries of a list are asked for at a time, unless the caller says otherwise.
const pageSize = 200

// pageOf reads the part of a list that begins at a cursor, the first part for none, and returns the cursor of the next one, if
// there is one.
type pageOf[T any] func(cursor string) (entries []T, next string, err error)

// all yields the entries of a list, and reads page by page as they are consumed. An error is the last element.
func all[T any](read pageOf[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		cursor := ""
		for {
			entries, next, err := read(cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// leading returns s, which then sets next to the cursor of the page after its own.
func leading(next *string, s send) send {
	return func(ctx context.Context) (*http.Response, error) {
		resp, err := s(ctx)
		if err == nil {
			*next = nextCursor(resp.Header)
		}
		return resp, err
	}
}

// nextCursor returns the cursor in the Link header (RFC 8288) to the next page; empty if there is none.
func nextCursor(h http.Header) string {
	for _, value := range h.Values("Link") {
		for link := range strings.SplitSeq(value, ",") {
			target, params, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
			if !ok || !strings.Contains(params, `rel="next"`) {
				continue
			}
			if u, err := url.Parse(target); err == nil {
				return u.Query().Get("cursor")
			}
		}
	}
	return ""
}
