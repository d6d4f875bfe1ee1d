package media

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/elizad/elizad/server/apierr"
)

const (
	fileField   = "file"
	maxFields   = 64       // parts of a form beside the file
	maxFieldLen = 32 << 10 // bytes of all of them
)

// readForm reads a form with one file in the field "file", which receive gets while it is being sent. It returns what the
// other fields say. Every part that has a content type or a file name is a file, even where the name is empty: some senders
// have none to give.
func readForm(form *multipart.Reader, receive func(part *multipart.Part) error) (fields map[string]string, err error) {
	fields = map[string]string{}
	files, room := 0, maxFieldLen
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) && files == 0 {
			return nil, apierr.New(apierr.InvalidRequest, "No media file provided").WithDetails(`Send the file in the form field "file"`)
		} else if errors.Is(err, io.EOF) {
			return fields, nil
		} else if err != nil {
			return nil, readError(err)
		}
		switch name := part.FormName(); {
		case !isFile(part):
			value, err := io.ReadAll(io.LimitReader(part, int64(room)+1))
			if err != nil {
				return nil, readError(err)
			}
			if room -= len(value); room < 0 || len(fields) == maxFields {
				return nil, apierr.New(apierr.TooLarge, "The fields of the form exceed %d bytes", maxFieldLen)
			}
			fields[name] = string(value)
		case name != fileField:
			return nil, apierr.New(apierr.InvalidRequest, "Unexpected file field").WithDetails(`Send the file in the form field "file"`)
		case files > 0:
			return nil, apierr.New(apierr.InvalidRequest, "Too many files").WithDetails("Send one file per request")
		default:
			files++
			if err := receive(part); err != nil {
				return nil, err
			}
		}
	}
}

func isFile(part *multipart.Part) bool {
	return part.FileName() != "" || part.Header.Get("Content-Type") != ""
}

// readError says in our terms why a form could not be read to its end.
func readError(err error) error {
	if _, ok := errors.AsType[*apierr.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return apierr.Wrap(err, apierr.FileTooLarge, "File too large")
	}
	return apierr.Wrap(err, apierr.InvalidRequest, "The form is not readable to its end")
}
