package rest

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
	"github.com/elizad/elizad/server/internal/present"
)

// A cursor is a letter and a number that only this file reads: b and a stand before and after the message of that number, o
// skips as many entries of a list, and u those of them that are not newer than a second number, a time in milliseconds, so
// that what was added since moves no page.
const (
	cursorBefore = 'b'
	cursorAfter  = 'a'
	cursorOffset = 'o'
	cursorUntil  = 'u'

	cursorSeparator = "." // of the parts of the last kind
)

func cursor(kind byte, n int64) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{kind}, strconv.FormatInt(n, 10)...))
}

func offsetCursor(n int) string { return cursor(cursorOffset, int64(n)) }

// parseCursor reads a cursor of one of the given kinds.
func parseCursor(text, kinds string) (kind byte, n int64, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(raw) > 1 && strings.IndexByte(kinds, raw[0]) >= 0 {
		if n, err = strconv.ParseInt(string(raw[1:]), 10, 64); err == nil && n >= 0 {
			return raw[0], n, nil
		}
	}
	return 0, 0, errCursor()
}

func errCursor() error {
	return apierr.New(apierr.InvalidRequest, "The cursor is not one of this list")
}

// offsetFrom sets offset to what a cursor says, if there is one.
func offsetFrom(text *string, offset *int) error {
	if deref(text) == "" {
		return nil
	}
	_, n, err := parseCursor(*text, string(cursorOffset))
	if err == nil {
		*offset = int(n)
	}
	return err
}

// untilFrom sets offset and to, the newest time of a list, to what a cursor says, if there is one. It returns the newest time
// that the cursor of the next page has to keep to.
func untilFrom(text *string, offset *int, to **time.Time) (until time.Time, err error) {
	if deref(text) == "" {
		if until = time.Now(); *to != nil && (*to).Before(until) {
			until = **to
		}
		return until, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*text)
	kind, numbers, _ := strings.Cut(string(raw), cursorSeparator)
	skip, ms, _ := strings.Cut(numbers, cursorSeparator)
	n, skipErr := strconv.Atoi(skip)
	at, timeErr := strconv.ParseInt(ms, 10, 64)
	if err != nil || kind != string(cursorUntil) || skipErr != nil || n < 0 || timeErr != nil {
		return until, errCursor()
	}
	until = time.UnixMilli(at)
	*offset, *to = n, &until
	return until, nil
}

func untilCursor(until time.Time, offset int) string {
	parts := []string{string(cursorUntil), strconv.Itoa(offset), strconv.FormatInt(until.UnixMilli(), 10)}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, cursorSeparator)))
}

// nextUntilCursor returns a cursor that leads on from a page of n entries behind offset. The newest of them bounds the list if
// it is the first page, as nothing can be added at a time before.
func nextUntilCursor(until, newest time.Time, offset, n int) string {
	if offset == 0 {
		until = newest
	}
	return untilCursor(until, offset+n)
}

// nextUntil returns a Link header with that cursor.
func nextUntil(ctx context.Context, until, newest time.Time, offset, n int) *string {
	return nextLink(ctx, nextUntilCursor(until, newest, offset, n))
}

// seqFrom returns the bound that a cursor of a channel's messages stands for.
func seqFrom(text *string) (before, after *int64, err error) {
	if deref(text) == "" {
		return nil, nil, nil
	}
	kind, n, err := parseCursor(*text, string(cursorBefore)+string(cursorAfter))
	switch {
	case err != nil:
		return nil, nil, err
	case kind == cursorBefore:
		return &n, nil, nil
	default:
		return nil, &n, nil
	}
}

// historyCursors returns the cursors to what is older and newer than a page of messages. What is newer may be written at
// any time, so that a page with messages always leads there.
func historyCursors(query messaging.HistoryQuery, page messaging.History) (next, prev *string) {
	if len(page.Messages) == 0 {
		if query.AfterSeq != nil { // nothing new yet: the reader stays where it is
			return nil, new(cursor(cursorAfter, *query.AfterSeq))
		}
		return nil, nil
	}
	newest, oldest := page.Messages[0].Seq, page.Messages[len(page.Messages)-1].Seq
	forward := query.AfterSeq != nil || query.After != nil && query.Before == nil && query.BeforeSeq == nil
	if page.HasMore || forward && oldest > 1 {
		next = new(cursor(cursorBefore, oldest))
	}
	return next, new(cursor(cursorAfter, newest))
}

// nextLink returns a Link header with the address of the next page of the list that was asked for.
func nextLink(ctx context.Context, cursor string) *string { return pageLinks(ctx, cursor, "") }

// pageLinks returns a Link header with the addresses of the next and the previous page of the list that was asked for, its
// filters included; nil when there is neither.
func pageLinks(ctx context.Context, next, prev string) *string {
	asked := requestFrom(ctx)
	query := asked.URL.Query()
	query.Del("offset")
	query.Del("page")
	var parts []string
	for _, to := range []struct{ cursor, rel string }{{next, "next"}, {prev, "prev"}} {
		if to.cursor != "" {
			query.Set("cursor", to.cursor)
			parts = append(parts, "<?"+query.Encode()+`>; rel="`+to.rel+`"`)
		}
	}
	return present.Optional(strings.Join(parts, ", "))
}
