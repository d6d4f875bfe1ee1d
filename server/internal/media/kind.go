package media

import (
	"mime"
	"strings"

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
	{plainText, categoryDocument, ".txt"},
}

const plainText = "text/plain"

// sniffLength is how much of a file its type is found by.
const sniffLength = 3072

// sniff finds the kind of a file by its first bytes. What its sender declares decides one thing only: whether a container
// that can hold sound or film holds sound.
func sniff(head []byte, declared string) (Kind, bool) {
	found := mimetype.Detect(head)
	name, _, _ := strings.Cut(found.String(), ";")
	switch {
	case found.Is("audio/x-m4a"):
		name = "audio/mp4"
	case found.Is("application/ogg"): // the head doesn't say what is inside; there is no Ogg film on the list
		name = "audio/ogg"
	case isInertText(found):
		name = plainText
	}
	if declared, _, err := mime.ParseMediaType(declared); err == nil && strings.HasPrefix(declared, "audio/") {
		name = asSound(name)
	}
	return kindNamed(name)
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
