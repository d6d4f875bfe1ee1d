package engineio

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
)

// minCompressed is the smallest payload worth the effort, in bytes.
const minCompressed = 1 << 10

// compress returns the payload compressed and says so in the response's header, if the client accepts that and it helps.
func (s *Server) compress(header http.Header, r *http.Request, payload []byte) []byte {
	if len(payload) < minCompressed {
		return payload
	}
	header.Add("Vary", "Accept-Encoding")
	if !acceptsGzip(r.Header) {
		return payload
	}
	var out bytes.Buffer
	w := s.gzips.Get().(*gzip.Writer)
	defer s.gzips.Put(w)
	w.Reset(&out)
	_, err := w.Write(payload)
	if closeErr := w.Close(); err != nil || closeErr != nil || out.Len() >= len(payload) {
		return payload // a buffer takes everything; what does not shrink goes as it is
	}
	header.Set("Content-Encoding", "gzip")
	return out.Bytes()
}

// acceptsGzip reports whether Accept-Encoding names gzip and does not exclude it, RFC 9110 §12.5.3.
func acceptsGzip(header http.Header) bool {
	for _, value := range header.Values("Accept-Encoding") {
		for element := range strings.SplitSeq(value, ",") {
			coding, weight, weighted := strings.Cut(element, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return !weighted || err == nil && q > 0
		}
	}
	return false
}
