package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// folderPolicy is what pages of other makers need: code from this server that may make code, styles within the page, pictures
// and fonts from anywhere, and the plugins' pages in frames.
const folderPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline' https:; " +
	"img-src 'self' data: blob: https: http:; font-src 'self' data: https:; media-src 'self' data: blob:; worker-src 'self' blob:; " +
	"connect-src 'self' ws: wss: https: http:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// hashed matches names of assets that hold a hash of their content, as bundlers write them: index-B7JxFfFk.js.
var hashed = regexp.MustCompile(`-[0-9A-Za-z_-]{8}\.[0-9a-z]+$`)

// maxPage is the largest file that is served under a name without a hash.
const maxPage = 32 << 20

// Folder serves another web UI from a folder that holds an index.html, such as the unmodified files of an official client. A
// path that is no file is the page itself, for those who accept one; a missing file is 404, and a missing script says so in
// its own language, so that a stale page fails clearly. Nothing outside of the folder is served, and no hidden file.
func Folder(dir string) (http.Handler, error) {
	if info, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return nil, fmt.Errorf("looking for its page: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("its index.html is no file")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	return page(folderPolicy, func(w http.ResponseWriter, r *http.Request) {
		name := path.Clean("/" + r.URL.Path)[1:]
		switch {
		case serveFile(w, r, root, name):
		case !isFileName(name) && acceptsHTML(r) && serveFile(w, r, root, "index.html"):
		case strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".mjs"):
			missingScript(w, r)
		default:
			refuse(w, http.StatusNotFound)
		}
	}), nil
}

// isFileName tells a missing file from a page of the application, which may have a dot in it, as in a name or an address.
func isFileName(name string) bool {
	_, known := contentTypes[strings.ToLower(path.Ext(name))]
	return known || strings.HasPrefix(name, "assets/")
}

// serveFile answers with a file, and reports whether there is one.
func serveFile(w http.ResponseWriter, r *http.Request, root *os.Root, name string) bool {
	if name == "" || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
		return false
	}
	file, err := root.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	if strings.HasPrefix(name, "assets/") && hashed.MatchString(name) {
		w.Header().Set("Content-Type", typeOf(name))
		w.Header().Set("Cache-Control", cacheForever)
		http.ServeContent(w, r, "", time.Time{}, file)
		return true
	}
	// Package managers give every file of every version the same time, so only its content tells whether a file is new.
	content, err := io.ReadAll(io.LimitReader(file, maxPage+1))
	if err != nil || len(content) > maxPage {
		return false
	}
	newAsset(name, content, cacheRevalidate).ServeHTTP(w, r)
	return true
}

// missingScript is what a browser gets that asks for a script which isn't there: an error, not a page.
func missingScript(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", contentTypes[".js"])
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNotFound)
	_, _ = fmt.Fprintf(w, "// JavaScript module not found: %q\n", r.URL.Path) // nothing is left to do for a client that has gone
}
