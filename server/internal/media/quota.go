package media

import (
	"sync"

	"github.com/elizad/elizad/server/apierr"
)

// ledger sees to it that no owner gets more room than the quota, however many files arrive at once. An owner's page lives as
// long as any of its files are being stored; the folder on disk is the truth in between.
type ledger struct {
	quota int64 // 0: no limit

	mu    sync.Mutex
	pages map[Owner]*page
}

// page is what is known of one owner. The ledger's mutex guards all but the measuring.
type page struct {
	users int
	added int64 // by files admitted since the measuring

	measure sync.Once
	used    int64 // when the page was begun
	err     error
}

// admit grants room for a file of size bytes, or returns QUOTA_EXCEEDED. release must be called when the file is in its
// place, or won't come.
func (l *ledger) admit(o Owner, size int64, used func() (int64, error)) (release func(kept bool), err error) {
	if l.quota <= 0 {
		return func(bool) {}, nil
	}
	l.mu.Lock()
	p := l.pages[o]
	if p == nil {
		if l.pages == nil {
			l.pages = map[Owner]*page{}
		}
		p = &page{}
		l.pages[o] = p
	}
	p.users++
	l.mu.Unlock()

	p.measure.Do(func() { p.used, p.err = used() })
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case p.err != nil:
		l.leave(o, p)
		return nil, p.err
	case p.used+p.added+size > l.quota:
		l.leave(o, p)
		return nil, apierr.New(apierr.QuotaExceeded, "There is no room for more files here").WithDetails("The setting UPLOAD_QUOTA says how much there is")
	}
	p.added += size
	return func(kept bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !kept {
			p.added -= size
		}
		l.leave(o, p)
	}, nil
}

// leave is called with the mutex held.
func (l *ledger) leave(o Owner, p *page) {
	if p.users--; p.users == 0 {
		delete(l.pages, o)
	}
}
