package httpx

import (
	"io"
	"net/http"
	"time"
)

const (
	bodyTimeout = 30 * time.Second // for a body; of an upload, for what is slower than uploadRate
	uploadRate  = 16 << 10         // bytes per second
)

// paced is a body that must come in time, so that no client holds a connection by sending nothing. The reading ends with
// [os.ErrDeadlineExceeded] otherwise. What the handler does when it has read the body may take its time.
type paced struct {
	io.ReadCloser
	control *http.ResponseController
	begun   time.Time
	upload  bool
	read    time.Duration // the time that what was read may have taken
}

// newPaced begins to wait for a body. A ResponseWriter without deadlines waits as long as it takes.
func newPaced(w http.ResponseWriter, body io.ReadCloser, upload bool) *paced {
	p := &paced{ReadCloser: body, control: http.NewResponseController(w), begun: time.Now(), upload: upload}
	_ = p.control.SetReadDeadline(p.begun.Add(bodyTimeout))
	return p
}

func (p *paced) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	switch {
	case err == io.EOF: // after a failure the deadline also ends net/http's reading of the rest
		_ = p.control.SetReadDeadline(time.Time{})
	case err == nil && p.upload:
		p.read += time.Duration(n) * time.Second / uploadRate
		_ = p.control.SetReadDeadline(p.begun.Add(bodyTimeout + p.read))
	}
	return n, err
}
