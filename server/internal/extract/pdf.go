package extract

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime/metrics"
	"strings"

	"github.com/ledongthuc/pdf"
)

// readPDF reads page by page. The library is stricter than most programs: what surrounds the document is cut off first.
func readPDF(s source, out *builder) error {
	ctx, giveUp := context.WithCancelCause(s.ctx)
	defer giveUp(nil)
	s = source{ctx, newHeapGuard(s.data, giveUp), s.size}
	size, err := endOfPDF(s)
	if err != nil {
		return err
	}
	doc, err := pdf.NewReader(olderPDF{s}, size)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, pdf.ErrInvalidPassword):
		return Protected
	case err != nil:
		return Damaged
	}
	failed := 0
	for i := 1; i <= doc.NumPage(); i++ {
		text, err := pageText(doc, i)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		} else if err != nil {
			failed++ // the others may be fine
			continue
		}
		if err := out.write(text + "\n\n"); err != nil {
			return err
		}
	}
	if failed > 0 && out.String() == "" {
		return Damaged
	}
	return nil
}

func pageText(doc *pdf.Reader, number int) (text string, err error) {
	err = contain(func() error {
		page := doc.Page(number)
		if page.V.IsNull() {
			return nil
		}
		text, err = page.GetPlainText(nil)
		return err
	})
	return ligatures.Replace(strings.TrimSpace(strings.ToValidUTF8(text, ""))), err
}

// ligatures are signs that stand for several letters: readers look for the letters.
var ligatures = strings.NewReplacer("\ufb00", "ff", "\ufb01", "fi", "\ufb02", "fl", "\ufb03", "ffi", "\ufb04", "ffl", "\ufb05", "st", "\ufb06", "st", "\x00", "")

// endOfPDF returns where a document ends: programs that send files add to them.
func endOfPDF(s source) (int64, error) {
	const tail = 4 << 10
	from := max(0, s.size-tail)
	end, err := io.ReadAll(io.NewSectionReader(s, from, s.size-from))
	if err != nil {
		return 0, err
	}
	at := bytes.LastIndex(end, []byte("%%EOF"))
	if at < 0 {
		return 0, Damaged
	}
	return from + int64(at) + int64(len("%%EOF")), nil
}

// olderPDF presents a document as PDF 1.7, which is what the library takes: 2.0 changed nothing about text.
type olderPDF struct{ source }

func (o olderPDF) ReadAt(p []byte, offset int64) (int, error) {
	n, err := o.source.ReadAt(p, offset)
	const version = "%PDF-2.0"
	if offset == 0 && bytes.HasPrefix(p[:n], []byte(version)) {
		copy(p, "%PDF-1.7")
	}
	return n, err
}

// maxHeap is by how much the heap may grow while a PDF is read. What is compressed in one can be a thousand times as long.
const maxHeap = 256 << 20

// heapGuard gives a document up that takes too much memory. Whatever the library unpacks, it reads: 4 KiB of a document are
// 4 MiB of text at the most.
type heapGuard struct {
	io.ReaderAt
	limit  uint64
	giveUp context.CancelCauseFunc
}

func newHeapGuard(data io.ReaderAt, giveUp context.CancelCauseFunc) heapGuard {
	return heapGuard{data, heapSize() + maxHeap, giveUp}
}

// ReadAt implements [io.ReaderAt].
func (g heapGuard) ReadAt(p []byte, offset int64) (int, error) {
	if heapSize() > g.limit {
		g.giveUp(Unpacked)
		return 0, Unpacked
	}
	return g.ReaderAt.ReadAt(p, offset)
}

func heapSize() uint64 {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	return heap[0].Value.Uint64()
}
