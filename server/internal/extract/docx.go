package extract

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxUnpacked is how much of a packed document is read.
const maxUnpacked = 64 << 20

// readDOCX reads the body of a document of Office Open XML (ECMA-376): paragraphs, headings, lists and tables.
func readDOCX(s source, out *builder) error {
	archive, err := zip.NewReader(s, s.size)
	if err != nil {
		var head [8]byte
		if _, err := s.ReadAt(head[:], 0); err == nil && bytes.HasPrefix(head[:], oleHeader) {
			return Protected // encrypted documents are packed in a compound file
		}
		return Damaged
	}
	body, err := archive.Open("word/document.xml")
	if err != nil {
		return Damaged
	}
	defer body.Close()
	info, err := body.Stat()
	switch {
	case err != nil:
		return Damaged
	case info.Size() > maxUnpacked: // what is there in truth is no more: the archive is read up to the size that it says
		return Unpacked
	}
	return (&wordReader{decoder: xml.NewDecoder(body), out: out}).read()
}

var oleHeader = []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}

// wordReader writes the text of a document's body.
type wordReader struct {
	decoder *xml.Decoder
	out     *builder
	prefix  string // of the paragraph: # for headings, - for items of lists
	para    strings.Builder
	cells   []string // of the row that is being read
	tables  int      // how many tables surround what is read
}

func (w *wordReader) read() error {
	for {
		token, err := w.decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return Damaged
		}
		switch t := token.(type) {
		case xml.StartElement:
			err = w.start(t)
		case xml.EndElement:
			err = w.end(t.Name.Local)
		}
		if err != nil {
			return err
		}
	}
}

func (w *wordReader) start(e xml.StartElement) error {
	switch e.Name.Local {
	case "t":
		var text string
		if err := w.decoder.DecodeElement(&text, &e); err != nil {
			return Damaged
		}
		w.para.WriteString(text)
	case "tab":
		w.para.WriteByte('\t')
	case "br", "cr":
		w.para.WriteByte('\n')
	case "pStyle":
		w.prefix = prefixOf(attribute(e, "val"))
	case "numPr":
		if w.prefix == "" {
			w.prefix = "- "
		}
	case "tbl":
		w.tables++
	case "tr":
		w.cells = nil
	case "tc":
		w.para.Reset()
	case "del", "instrText", "Fallback": // deleted words, codes of fields, and what older programs show in place of something
		return w.decoder.Skip()
	}
	return nil
}

func (w *wordReader) end(name string) error {
	switch name {
	case "p":
		text := w.para.String()
		if w.tables > 0 {
			w.para.WriteByte(' ') // between the paragraphs of a cell
			w.prefix = ""
			return nil
		}
		w.para.Reset()
		prefix := w.prefix
		w.prefix = ""
		if strings.TrimSpace(text) == "" {
			return nil
		}
		return w.out.write(prefix + text + "\n\n")
	case "tc":
		w.cells = append(w.cells, strings.Join(strings.Fields(w.para.String()), " "))
		w.para.Reset()
	case "tr":
		return w.out.write("| " + strings.Join(w.cells, " | ") + " |\n")
	case "tbl":
		w.tables--
		w.para.Reset()
		return w.out.write("\n")
	}
	return nil
}

// prefixOf returns what marks a paragraph of a style in Markdown.
func prefixOf(style string) string {
	var level int
	if _, err := fmt.Sscanf(strings.ToLower(style), "heading%d", &level); err == nil && level >= 1 && level <= 6 {
		return strings.Repeat("#", level) + " "
	}
	switch style {
	case "Title":
		return "# "
	case "ListParagraph":
		return "- "
	}
	return ""
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
