package extract_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/extract"
)

// What is nested without end is refused before it exhausts the stack, which nothing could recover from.
func TestDeeplyNested(t *testing.T) {
	const deep = 2 << 20
	for name, tt := range map[string]struct{ mediaType, document string }{
		"HTML": {extract.HTML, strings.Repeat("<div>", deep) + "text"},
		"DOCX": {extract.DOCX, string(makeDOCX(strings.Repeat("<w:tbl>", deep)))},
		"PDF":  {extract.PDF, string(makePDF("1.4", strings.Repeat("[", deep)))},
	} {
		got, err := read(t, tt.mediaType, []byte(tt.document))
		if _, ok := errors.AsType[extract.Problem](err); !ok {
			t.Errorf("%s: %d bytes, %v", name, len(got.Text), err)
		}
	}
}
