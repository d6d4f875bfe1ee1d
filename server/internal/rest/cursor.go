package rest

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/messaging"
)

// A cursor is a letter and a number that only this file reads: b and a stand before and after the message of that number, o
// skips as many entries of a list.
const (
	cursorBefore = 'b'
	cursorAfter  = 'a'
	cursorOffset = 'o'
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
	return 0, 0, apierr.New(apierr.InvalidRequest, "The cursor is not one of this list")
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

// link is the address of a list, for the Link header.
type link struct {
	path  string
	limit int // 0: the list's own
	extra url.Values
}

// header returns the header with the addresses of the next and the previous page; nil when there is neither.
func (l link) header(next, prev string) *string {
	var parts []string
	for _, to := range []struct{ cursor, rel string }{{next, "next"}, {prev, "prev"}} {
		if to.cursor == "" {
			continue
		}
		query := url.Values{"cursor": {to.cursor}}
		if l.limit > 0 {
			query.Set("limit", strconv.Itoa(l.limit))
		}
		for name, values := range l.extra {
			query[name] = values
		}
		parts = append(parts, "<"+l.path+"?"+query.Encode()+`>; rel="`+to.rel+`"`)
	}
	return optional(strings.Join(parts, ", "))
}
