package extract_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/extract"
)

func read(t *testing.T, mediaType string, document []byte) (extract.Text, error) {
	t.Helper()
	return extract.NewReader(slog.New(slog.DiscardHandler)).Read(t.Context(), mediaType, bytes.NewReader(document), int64(len(document)))
}

func TestTexts(t *testing.T) {
	printed, err := os.ReadFile("testdata/printed.pdf")
	if err != nil {
		t.Fatal(err)
	}
	plain := makePDF("1.7", page("The code is ZEBRA-42."), page("Second page"))
	tests := map[string]struct {
		mediaType string
		document  []byte
		want      []string
	}{
		"text":                   {extract.PlainText, []byte("one\r\ntwo"), []string{"one\ntwo"}},
		"UTF-16":                 {extract.PlainText, []byte("\xff\xfeh\x00i\x00"), []string{"hi"}},
		"Windows-1252":           {extract.PlainText, []byte("caf\xe9 \x80 5"), []string{"café € 5"}},
		"PDF":                    {extract.PDF, plain, []string{"The code is ZEBRA-42.\n\nSecond page"}},
		"PDF 2.0":                {extract.PDF, makePDF("2.0", page("Newer")), []string{"Newer"}},
		"PDF with something new": {extract.PDF, append(plain, strings.Repeat("\n<!-- sent by a gateway -->", 20)...), []string{"ZEBRA-42"}},
		"PDF of a browser":       {extract.PDF, printed, []string{"Quarterly report", "to €4.2 million. Naïve café", "January\n100", "The launch code is ZEBRA-42.", "file:///"}},
		"DOCX": {extract.DOCX, makeDOCX(`<w:p><w:pPr><w:pStyle w:val="Heading2"/></w:pPr><w:r><w:t>Plan</w:t></w:r></w:p>
			<w:p><w:r><w:t xml:space="preserve">Two </w:t></w:r><w:r><w:t>runs</w:t><w:tab/><w:t>&amp; a tab</w:t></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del></w:p>
			<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>item</w:t></w:r></w:p>
			<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
			<w:p><w:r><w:t>end</w:t></w:r></w:p>`), []string{"## Plan\n\nTwo runs\t& a tab\n\n- item\n\n| a b | c |\n\nend"}},
		"HTML": {extract.HTML, []byte(`<!doctype html><title> A  page </title><nav>Home</nav><script>alert(1)</script><main><h2>Prices</h2><ul><li>one<li>two</ul>
			<p>See <a href="https://example.com/x">more</a></p></main><footer>Imprint</footer>`),
			[]string{"# A page", "## Prices", "- one\n- two", "[more](https://example.com/x)"}},
		"HTML in another encoding": {extract.HTML, []byte("<meta charset=iso-8859-1><p>caf\xe9"), []string{"café"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, test.mediaType, test.document)
			if err != nil || got.Cut {
				t.Fatalf("got %+v, %v", got, err)
			}
			for _, want := range test.want {
				if !strings.Contains(got.Text, want) {
					t.Errorf("%q is missing in %q", want, got.Text)
				}
			}
			for _, bad := range []string{"alert", "Imprint", "Home", "gone", "\x00"} {
				if strings.Contains(got.Text, bad) {
					t.Errorf("%q is in %q", bad, got.Text)
				}
			}
		})
	}
}

func TestProblems(t *testing.T) {
	plain := makePDF("1.4", page("text"))
	tests := map[string]struct {
		mediaType string
		document  []byte
		want      extract.Problem
	}{
		"a kind nobody reads":    {"image/png", []byte("x"), extract.Unsupported},
		"too large":              {extract.PlainText, make([]byte, extract.MaxSize+1), extract.TooLarge},
		"empty":                  {extract.PlainText, []byte(" \n"), extract.Textless},
		"PDF without text":       {extract.PDF, makePDF("1.4", "0 0 m 10 10 l S"), extract.Textless},
		"half a PDF":             {extract.PDF, plain[:len(plain)/2], extract.Damaged},
		"PDF with a wrong table": {extract.PDF, bytes.Replace(plain, []byte("startxref\n"), []byte("startxref\n9"), 1), extract.Damaged},
		"no DOCX":                {extract.DOCX, []byte("PK\x03\x04 nothing"), extract.Damaged},
		"DOCX of something else": {extract.DOCX, makeZip("xl/workbook.xml", "<x/>"), extract.Damaged},
		"DOCX with half a body":  {extract.DOCX, makeZip("word/document.xml", "<w:p><w:t>text"), extract.Damaged},
		"DOCX with a password":   {extract.DOCX, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more"), extract.Protected},
		"DOCX that unpacks":      {extract.DOCX, largeDOCX(), extract.Unpacked},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, test.mediaType, test.document)
			if !errors.Is(err, test.want) {
				t.Errorf("got %q, %v; want %v", got.Text, err, test.want)
			}
		})
	}
}

// A page that is a text of 2 GiB is given up long before, for the memory or for the time that it takes.
func TestPDFThatUnpacks(t *testing.T) {
	document := pdfOf("1.4", bomb(2<<30))
	if len(document) > extract.MaxSize {
		t.Fatalf("the document has %d bytes", len(document))
	}
	if got, err := read(t, extract.PDF, document); !errors.Is(err, extract.Unpacked) && !errors.Is(err, extract.TooLong) {
		t.Errorf("got %d bytes, %v", len(got.Text), err)
	}
}

// bomb returns a compressed page of n bytes, which is one text: a block of it, and the same again.
func bomb(n int) string {
	const block = 16 << 20
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write([]byte("BT ("))
	var again int
	for range 2 {
		again = out.Len()
		_, _ = z.Write(bytes.Repeat([]byte("a"), block))
		_ = z.Flush()
	}
	return out.String() + strings.Repeat(out.String()[again:], n/block)
}

func TestLongTextsAreCut(t *testing.T) {
	for name, document := range map[string][]byte{
		extract.PlainText: []byte(strings.Repeat("é", extract.MaxText)),
		extract.DOCX:      makeDOCX(strings.Repeat("<w:p><w:r><w:t>éééééééééé</w:t></w:r></w:p>", extract.MaxText/10)),
	} {
		got, err := read(t, name, document)
		if err != nil || !got.Cut || len(got.Text) > extract.MaxText || len(got.Text) < extract.MaxText-4 || strings.ContainsRune(got.Text, '\ufffd') {
			t.Errorf("%s: %d bytes, cut: %v, %v", name, len(got.Text), got.Cut, err)
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the turn was cancelled")
	cancel(why)
	document := makePDF("1.4", page("text"))
	if _, err := extract.NewReader(slog.New(slog.DiscardHandler)).Read(ctx, extract.PDF, bytes.NewReader(document), int64(len(document))); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

func FuzzPDF(f *testing.F) {
	f.Add(makePDF("1.4", page("text")))
	r := extract.NewReader(slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := r.Read(t.Context(), extract.PDF, bytes.NewReader(document), int64(len(document)))
		if (err == nil) == (got.Text == "") {
			t.Errorf("%q, %v", got.Text, err)
		}
	})
}

// page is the content of a page that shows a line.
func page(line string) string { return "BT /F1 12 Tf 72 720 Td (" + line + ") Tj ET" }

// makePDF returns a document (ISO 32000-1, 7.5) whose pages have the given contents.
func makePDF(version string, contents ...string) []byte {
	var packed []string
	for _, content := range contents {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		_, _ = z.Write([]byte(content))
		_ = z.Close()
		packed = append(packed, out.String())
	}
	return pdfOf(version, packed...)
}

// pdfOf does the same with contents that are compressed.
func pdfOf(version string, contents ...string) []byte {
	var out bytes.Buffer
	var offsets []int
	object := func(body string) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	fmt.Fprintf(&out, "%%PDF-%s\n", version)
	var kids strings.Builder
	for i := range contents {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(contents)))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for i, content := range contents {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 612 792] /Contents %d 0 R >>", 5+2*i))
		object(fmt.Sprintf("<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream", len(content), content))
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, table)
	return out.Bytes()
}

func makeDOCX(body string) []byte {
	return makeZip("word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+body+`</w:body></w:document>`)
}

// largeDOCX returns a document whose body says that it has 65 MiB.
func largeDOCX() []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "word/document.xml", Method: zip.Store, UncompressedSize64: 65 << 20, CompressedSize64: 5})
	if err == nil {
		_, err = w.Write([]byte("<w:p>"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func makeZip(name, content string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}
