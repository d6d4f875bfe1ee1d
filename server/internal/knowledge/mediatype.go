package knowledge

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"path"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/elizad/elizad/server/internal/extract"
)

// byEnding are the kinds of documents that are known by the ends of their names. What is in them decides whether they are that.
var byEnding = map[string]string{".html": extract.HTML, ".htm": extract.HTML, ".xhtml": extract.HTML, ".pdf": extract.PDF, ".docx": extract.DOCX}

// mediaTypeOf returns the kind of a document, as [extract.Reader] knows kinds: whatever is text and no page is plain text.
func mediaTypeOf(name, declared string, content []byte) string {
	found := mimetype.Detect(content)
	for m := found; m != nil; m = m.Parent() {
		kind, _, _ := strings.Cut(m.String(), ";")
		switch {
		case kind == extract.HTML && byEnding[strings.ToLower(path.Ext(name))] != extract.HTML && !isType(declared, extract.HTML):
			continue // Markdown may begin like a page
		case extract.Supports(kind):
			if kind == extract.PlainText && (byEnding[strings.ToLower(path.Ext(name))] == extract.HTML || isType(declared, extract.HTML)) {
				return extract.HTML
			}
			return kind
		}
	}
	kind, _, _ := strings.Cut(found.String(), ";")
	return kind
}

func isType(declared, mediaType string) bool {
	kind, _, err := mime.ParseMediaType(declared)
	return err == nil && kind == mediaType
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

const maxTextTitle = 60 // characters

// titleOf returns what a text without a name is called: its first words.
func titleOf(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(strings.TrimLeft(line, "#"))
	if title := shorten(strings.ToValidUTF8(line, ""), maxTextTitle); title != "" {
		return title
	}
	return "Untitled"
}

// sentence makes a sentence of a problem.
func sentence(p extract.Problem) string { return "It " + p.Error() }
