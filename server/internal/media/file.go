package media

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/fileurl"
)

// inertPolicy lets a browser that opens a file show it, and run nothing.
const inertPolicy = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"

// Cache-Control of files. The name of an upload never gets other content; an agent may overwrite its own files.
const (
	cacheUpload    = "private, max-age=31536000, immutable"
	cacheGenerated = "private, no-cache"
)

// File is a stored file, open for reading.
type File struct {
	area  Area
	file  *os.File
	info  os.FileInfo
	until time.Time // when its address expires; zero for one that doesn't
}

// File opens a stored file, which the caller must close. Errors: NOT_FOUND for one that isn't there, or not the caller's to see, and for
// all of an agent or a channel that is gone, or that only others know, who may have the same folder.
func (s *Service) File(ctx context.Context, who auth.Identity, o Owner, name string) (*File, error) {
	missing := errMissing()
	if !isPlainName(name) {
		return nil, missing
	}
	if err := s.find(ctx, who, o); apierr.IsCode(err, apierr.NotFound) || err == nil && o.Area != ChannelUploads && !who.SeesAgents() {
		return nil, missing
	} else if err != nil {
		return nil, err
	}
	root, err := s.folders[o.Area].current()
	if errors.Is(err, errClosed) {
		return nil, err
	} else if err != nil { // what was there can be read as long as it is open
		root = s.folders[o.Area].root.Load()
	}
	file, err := root.Open(path.Join(o.ID.String(), name))
	if err != nil {
		if unreadable := apierr.From(err); unreadable.Code == apierr.Unavailable { // says nothing about the file
			return nil, unreadable
		}
		return nil, missing
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close() // it was only looked at
		return nil, missing
	}
	return &File{area: o.Area, file: file, info: info, until: who.FileUntil()}, nil
}

func errMissing() error { return apierr.New(apierr.NotFound, "File not found") }

// Close gives the file back.
func (f *File) Close() { _ = f.file.Close() }

// ServeHTTP answers with the file, or the range of it that is asked for.
func (f *File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, h := f.info.Name(), w.Header()
	kind, known := kindOf(path.Ext(name))
	switch {
	case !known:
		h.Set("Content-Type", "application/octet-stream")
	case kind.MIME == plainText:
		h.Set("Content-Type", plainText+"; charset=utf-8")
	default:
		h.Set("Content-Type", kind.MIME)
	}
	if !known || kind.Category == categoryDocument {
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		w = download{w}
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", inertPolicy)
	switch {
	case f.area == Generated:
		h.Set("Cache-Control", cacheGenerated)
	case f.until.IsZero():
		h.Set("Cache-Control", cacheUpload)
	default:
		h.Set("Cache-Control", fmt.Sprintf("private, max-age=%d, immutable", max(0, int(time.Until(f.until).Seconds()))))
	}
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, f.info.ModTime().UnixNano(), f.info.Size()))
	http.ServeContent(w, r, "", f.info.ModTime(), f.file)
}

// download says what to do with a file only where it comes along: a 304 describes none (RFC 9110 §15.4.5).
type download struct{ http.ResponseWriter }

func (d download) WriteHeader(status int) {
	if status == http.StatusNotModified {
		d.Header().Del("Content-Disposition")
	}
	d.ResponseWriter.WriteHeader(status)
}

// Unwrap serves [http.ResponseController].
func (d download) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// isPlainName reports whether a name is that of a file in a folder, and no hidden one.
func isPlainName(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, "/\\\x00")
}

// PublicURL returns the URL path under which a file of ours is served, given its path on disk. Anything else, such as a URL,
// is returned as it is.
func (s *Service) PublicURL(location string) string {
	if !filepath.IsAbs(location) {
		return location
	}
	for area, folder := range s.folders {
		within, err := filepath.Rel(folder.path, location)
		if err != nil {
			continue
		}
		owner, name, ok := strings.Cut(filepath.ToSlash(within), "/")
		if ok && isPlainName(owner) && isPlainName(name) {
			return fileurl.Path(area, owner, name)
		}
	}
	return location
}
