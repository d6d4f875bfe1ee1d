package cli

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/elizad/elizad/server/settings"
)

// listen opens the port that the settings name. The error says what to do next.
func listen(cfg settings.Settings) (net.Listener, error) {
	listener, err := net.Listen("tcp", cfg.Network.Address())
	port := cfg.Network.Port
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d on %s is in use, perhaps by another elizad\n"+
			"Choose another port with --port %d, or any free one with --port 0 (PORT=0)", port, cfg.Network.Host, nextPort(port))
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("this user may not listen on port %d\n"+
			"Choose a port above 1023, such as --port 3000", port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("this machine has no address %s\n"+
			"Set SERVER_HOST to 127.0.0.1 for this machine only, or to 0.0.0.0 for the whole network", cfg.Network.Host)
	default:
		return nil, fmt.Errorf("listening on %s: %w", cfg.Network.Address(), err)
	}
}

func nextPort(port int) int {
	if port >= 65535 {
		return 3000
	}
	return port + 1
}

// publicURL returns the address of a listener as a person would type it into a browser on this machine.
func publicURL(listener net.Listener) string {
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return "http://" + listener.Addr().String()
	}
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(addr.Port))
}
