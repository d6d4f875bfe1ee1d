package messaging

import (
	"context"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/queries/dbtype"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/store"
)

// Bounds of a search.
const (
	maxWords   = 32   // of a query; more are ignored
	countLimit = 1000 // messages and channels are not counted any further for the total of a page
)

// SearchQuery selects messages of any channel. At least one of Text, ChannelID and AuthorID is required.
type SearchQuery struct {
	Text      string // every word must occur; punctuation and case are of no consequence
	ChannelID *uuid.UUID
	AuthorID  *uuid.UUID
	From, To  *time.Time // inclusive
	Limit     int        // 0 means 50; at most 200
	Offset    int
	Page      int // from 1, of Limit messages; means nothing beside an Offset
}

// SearchPage is a part of what was found, newest first.
type SearchPage struct {
	Messages []Message
	Offset   int // how many were found before them
	HasMore  bool
	Total    int // how many were found in all, counted up to 1000
}

// Search returns the messages that fit a query.
func (s *Service) Search(ctx context.Context, who auth.Identity, query SearchQuery) (SearchPage, error) {
	text := strings.TrimSpace(query.Text)
	if text == "" && query.ChannelID == nil && query.AuthorID == nil {
		return SearchPage{}, apierr.New(apierr.ValidationFailed, "At least one of query, channelId and authorId is required")
	}
	f := finder{words: words(text), limit: defaultHistory, offset: int64(max(query.Offset, 0)), to: math.MaxInt64}
	if text != "" && f.words == "" {
		return SearchPage{}, nil // punctuation alone is in no message
	}
	if query.Limit > 0 {
		f.limit = int64(min(query.Limit, maxHistory))
	}
	if query.Page > 1 && f.offset == 0 {
		f.offset = min(int64(query.Page)-1, math.MaxInt32/f.limit) * f.limit
	}
	if query.ChannelID != nil {
		f.channel = *query.ChannelID
	}
	if query.AuthorID != nil {
		f.author = *query.AuthorID
	}
	f.anyChannel, f.anyAuthor = query.ChannelID == nil, query.AuthorID == nil
	if query.From != nil {
		f.from = dbtype.MillisOf(*query.From)
	}
	if query.To != nil {
		f.to = dbtype.MillisOf(*query.To)
	}
	var out SearchPage
	err := store.View(ctx, s.store, who.Scope(), "searching messages", func(q db.Scoped) error {
		rows, total, err := f.find(ctx, q)
		if err != nil {
			return err
		}
		out.Offset, out.Total, out.HasMore = int(f.offset), int(total), int64(len(rows)) > f.limit
		rows = rows[:min(int64(len(rows)), f.limit)]
		out.Messages = make([]Message, len(rows))
		for i, r := range rows {
			out.Messages[i] = messageOf(&r.Message, r.MessageServerID)
		}
		return nil
	})
	return out, err
}

// words puts each word of a text in quotes, which is how both databases take a list of words that must all occur.
func words(text string) string {
	list := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) })
	list = list[:min(len(list), maxWords)]
	if len(list) == 0 {
		return ""
	}
	return `"` + strings.Join(list, `" "`) + `"`
}

// finder is a search in the terms of the database. Each way of searching has its own statements, so that an index serves
// each.
type finder struct {
	words                 string
	channel, author       uuid.UUID
	anyChannel, anyAuthor bool
	from, to              dbtype.Millis
	limit, offset         int64
}

// find returns what was found from the offset on, and one more than the limit if there is more, and how much there is in all.
func (f finder) find(ctx context.Context, q db.Scoped) (rows []db.SearchMessagesRow, total int64, err error) {
	list, count := f.byAuthor, f.countByAuthor
	switch {
	case f.words != "":
		list, count = f.byText, f.countByText
	case !f.anyChannel:
		list, count = f.inChannel, f.countInChannel
	}
	if rows, err = list(ctx, q); err != nil {
		return nil, 0, err
	}
	if found := int64(len(rows)); found <= f.limit && (found > 0 || f.offset == 0) { // the last page
		return rows, min(f.offset+found, countLimit), nil
	}
	total, err = count(ctx, q)
	return rows, total, err
}

func (f finder) byText(ctx context.Context, q db.Scoped) ([]db.SearchMessagesRow, error) {
	return q.SearchMessages(ctx, db.SearchMessagesParams{
		FromTime: f.from, ToTime: f.to, AnyChannel: f.anyChannel, ChannelID: f.channel, AnyAuthor: f.anyAuthor, AuthorID: f.author,
		Words: f.words, LimitRows: f.limit + 1, OffsetRows: f.offset,
	})
}

func (f finder) countByText(ctx context.Context, q db.Scoped) (int64, error) {
	return q.CountFoundMessages(ctx, db.CountFoundMessagesParams{
		FromTime: f.from, ToTime: f.to, AnyChannel: f.anyChannel, ChannelID: f.channel, AnyAuthor: f.anyAuthor, AuthorID: f.author,
		Words: f.words, MaxRows: countLimit,
	})
}

func (f finder) inChannel(ctx context.Context, q db.Scoped) ([]db.SearchMessagesRow, error) {
	rows, err := q.FilterChannelMessages(ctx, db.FilterChannelMessagesParams{
		ChannelID: f.channel, AnyAuthor: f.anyAuthor, AuthorID: f.author, FromTime: f.from, ToTime: f.to, LimitRows: f.limit + 1, OffsetRows: f.offset,
	})
	found := make([]db.SearchMessagesRow, len(rows))
	for i, r := range rows {
		found[i] = db.SearchMessagesRow(r)
	}
	return found, err
}

func (f finder) countInChannel(ctx context.Context, q db.Scoped) (int64, error) {
	return q.CountChannelMessages(ctx, db.CountChannelMessagesParams{
		ChannelID: f.channel, AnyAuthor: f.anyAuthor, AuthorID: f.author, FromTime: f.from, ToTime: f.to, MaxRows: countLimit,
	})
}

func (f finder) byAuthor(ctx context.Context, q db.Scoped) ([]db.SearchMessagesRow, error) {
	rows, err := q.FilterAuthorMessages(ctx, db.FilterAuthorMessagesParams{
		AuthorID: f.author, FromTime: f.from, ToTime: f.to, LimitRows: f.limit + 1, OffsetRows: f.offset,
	})
	found := make([]db.SearchMessagesRow, len(rows))
	for i, r := range rows {
		found[i] = db.SearchMessagesRow(r)
	}
	return found, err
}

func (f finder) countByAuthor(ctx context.Context, q db.Scoped) (int64, error) {
	return q.CountAuthorMessages(ctx, db.CountAuthorMessagesParams{AuthorID: f.author, FromTime: f.from, ToTime: f.to, MaxRows: countLimit})
}
