package media

import (
	"mime"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gabriel-vasile/mimetype"
)

// Kind is a type of file that may be uploaded.
type Kind struct {
	MIME      string
	Category  string // image, audio, video or document
	extension string // of stored files; no two kinds share one
}

// FileName returns a name that ends as files of the kind do.
func (k Kind) FileName(stem string) string { return stem + k.extension }

// The categories.
const (
	categoryImage    = "image"
	categoryAudio    = "audio"
	categoryVideo    = "video"
	categoryDocument = "document"
)

// kinds lists what may be uploaded. Nothing here does anything when a browser opens it.
var kinds = []Kind{
	{"image/jpeg", categoryImage, ".jpg"},
	{"image/png", categoryImage, ".png"},
	{"image/gif", categoryImage, ".gif"},
	{"image/webp", categoryImage, ".webp"},
	{"audio/mpeg", categoryAudio, ".mp3"},
	{"audio/wav", categoryAudio, ".wav"},
	{"audio/ogg", categoryAudio, ".ogg"},
	{"audio/webm", categoryAudio, ".weba"},
	{"audio/mp4", categoryAudio, ".m4a"},
	{"audio/aac", categoryAudio, ".aac"},
	{"audio/flac", categoryAudio, ".flac"},
	{"video/mp4", categoryVideo, ".mp4"},
	{"video/webm", categoryVideo, ".webm"},
	{"application/pdf", categoryDocument, ".pdf"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", categoryDocument, ".docx"},
	{plainText, categoryDocument, ".txt"},
}

const plainText = "text/plain"

// sniffLength is how much of a file its type is found by.
const sniffLength = 3072

// sniff finds the kind of a file by its first bytes. What its sender says of it decides two things only: whether a container
// that can hold sound or film holds sound, and whether a text is one: many a README begins with a tag, and a list of models with
// BMW, as pictures of another kind do.
func sniff(head []byte, name, declared string) (Kind, bool) {
	if isNamedText(name, declared) && isText(head) {
		return kindNamed(plainText)
	}
	found := mimetype.Detect(head)
	kind, _, _ := strings.Cut(found.String(), ";")
	switch {
	case found.Is("audio/x-m4a"):
		kind = "audio/mp4"
	case found.Is("application/ogg"): // the head doesn't say what is inside; there is no Ogg film on the list
		kind = "audio/ogg"
	case isInertText(found):
		kind = plainText
	}
	if declared, _, err := mime.ParseMediaType(declared); err == nil && strings.HasPrefix(declared, "audio/") {
		kind = asSound(kind)
	}
	return kindNamed(kind)
}

// textEndings are the extensions of files that are read as text: documents, data and code. Those of pages and pictures that a
// browser would render are not among them.
var textEndings = func() map[string]bool {
	all := map[string]bool{}
	for ending := range strings.FieldsSeq("txt text md markdown mdx rst adoc asciidoc org tex bib log csv tsv json jsonl ndjson json5 geojson ipynb " +
		"yaml yml toml ini cfg conf env properties diff patch srt vtt po ics vcf eml " +
		"go py pyi rb rs js mjs cjs jsx ts mts cts tsx vue svelte astro java kt kts scala clj c h cc cpp cxx hpp cs fs swift m php pl pm lua r jl dart " +
		"ex exs erl hs ml elm nim zig sql graphql gql proto tf hcl sh bash zsh fish ps1 bat cmd dockerfile makefile mk cmake gradle groovy css scss sass less") {
		all["."+ending] = true
	}
	return all
}()

// textNames are the names of texts that have no extension.
var textNames = []string{"readme", "license", "licence", "copying", "changelog", "changes", "notice", "authors", "contributing", "install", "todo", "makefile", "dockerfile"}

// isNamedText reports whether a file is a text by its name, and not declared to be something that a browser renders.
func isNamedText(name, declared string) bool {
	if declared, _, err := mime.ParseMediaType(declared); err == nil && isRendered(declared) {
		return false
	}
	name = strings.ToLower(name)
	return textEndings[path.Ext(name)] || slices.Contains(textNames, name)
}

// isRendered reports whether a browser renders what has a type, and runs what is in it.
func isRendered(kind string) bool {
	return kind == "text/html" || kind == "text/xml" || strings.HasSuffix(kind, "+xml") || kind == "application/xml"
}

// isText reports whether the beginning of a file is text in UTF-8, without control characters. It may end within a character.
func isText(head []byte) bool {
	for len(head) > 0 {
		c, size := utf8.DecodeRune(head)
		switch {
		case c == utf8.RuneError && size == 1:
			return len(head) < utf8.UTFMax && !utf8.FullRune(head)
		case c < ' ' && !strings.ContainsRune("\t\n\r\f\v\x1b", c), c == 0x7f:
			return false
		}
		head = head[size:]
	}
	return true
}

// asSound returns the name of a container's type where it holds sound alone.
func asSound(name string) string {
	if name == "video/webm" || name == "video/mp4" {
		return "audio/" + strings.TrimPrefix(name, "video/")
	}
	return name
}

// isInertText reports whether a file is text that no browser runs or renders, which all is stored as plain text.
func isInertText(found *mimetype.MIME) bool {
	isText := false
	for t := found; t != nil; t = t.Parent() {
		if t.Is("text/html") || t.Is("image/svg+xml") || t.Is("text/xml") {
			return false
		}
		isText = isText || t.Is(plainText)
	}
	return isText
}

func kindNamed(name string) (Kind, bool) {
	for _, k := range kinds {
		if k.MIME == name {
			return k, true
		}
	}
	return Kind{}, false
}

// kindOf returns the kind that a stored file's extension stands for.
func kindOf(extension string) (Kind, bool) {
	extension = strings.ToLower(extension)
	if extension == ".jpeg" {
		extension = ".jpg"
	}
	for _, k := range kinds {
		if k.extension == extension {
			return k, true
		}
	}
	return Kind{}, false
}
