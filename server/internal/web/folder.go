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

// folderPolicy returns what pages of other makers need: code from this server that may make code, styles within the page, and
// the plugins' pages in frames. Pictures and connections of other hosts are for operators that want them: what an agent writes may
// hold the address of a picture, and a browser that loads it tells that host what the address says.
func folderPolicy(external bool) string {
	anywhere, sockets := "", ""
	if external {
		anywhere, sockets = " https: http:", " ws: wss:"
	}
	return "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'" + anywhere +
		"; img-src 'self' data: blob:" + anywhere + "; font-src 'self' data:" + anywhere + "; media-src 'self' data: blob:; " +
		"worker-src 'self' blob:; connect-src 'self'" + sockets + anywhere + "; object-src 'none'; base-uri 'self'; " +
		"form-action 'self'; frame-ancestors 'self'"
}

// hashed matches names of assets that hold a hash of their content, as bundlers write them: index-B7JxFfFk.js.
var hashed = regexp.MustCompile(`-[0-9A-Za-z_-]{8}\.[0-9a-z]+$`)

// maxPage is the largest file that is served under a name without a hash.
const maxPage = 32 << 20

// CheckFolder reports what keeps a folder from being a web UI.
func CheckFolder(dir string) error {
	if info, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return fmt.Errorf("looking for its page: %w", err)
	} else if !info.Mode().IsRegular() {
		return errors.New("its index.html is no file")
	}
	return nil
}

// Folder serves another web UI from a folder that holds an index.html, such as the unmodified files of an official client. The
// page has routes that only it knows: what is no file is the page, for browsers that navigate there. A missing
// file is left to notFound; a missing script says so in its own language, so that a stale page fails clearly. Nothing outside
// of the folder is served, and no hidden file. external lets the page reach other hosts.
func Folder(dir string, external bool, notFound http.Handler) (http.Handler, error) {
	if err := CheckFolder(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	return page(folderPolicy(external), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Clean("/" + r.URL.Path)[1:]
		switch {
		case serveFile(w, r, root, name):
		case (name == "" || !isFileName(name) && navigates(r)) && serveFile(w, r, root, "index.html"):
		case strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".mjs"):
			missingScript(w, r)
		default:
			notFound.ServeHTTP(w, r)
		}
	})), nil
}

// navigates distinguishes a browser that opens a page from everything else, such as a program that looks for a route: only browsers ask
// for HTML by its name.
func navigates(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// isFileName distinguishes a missing file from a page of the application, which may have a dot in it, as in a name or an address.
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
	// Package managers give every file of every version the same time, so only its content shows whether a file is new.
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
