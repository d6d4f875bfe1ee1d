package pgtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Hosted is a server as hosts run theirs: reached over the network, with TLS only, by users with a password.
type Hosted struct {
	*Private

	Port      string // on the host "localhost", which is in the server's certificate, as 127.0.0.1 is not
	User      string // the owner of the database
	Password  string // with characters that a URL has other uses for
	Database  string
	Authority string // the file with the certificate that signed the server's
}

// hostRules lets in by the network users with TLS and a password.
const hostRules = "local all all trust\nhostssl all all all scram-sha-256\n"

// NewHosted starts one, which ends with the test.
func NewHosted(t testing.TB) *Hosted {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: finding a port: %v", err)
	}
	authority, certificate, key, err := certify("localhost")
	if err != nil {
		t.Fatalf("PostgreSQL for tests: making a certificate: %v", err)
	}
	h := &Hosted{Port: port, User: role, Password: "p@ss/w?rd#1%", Database: template, Authority: authorityFile(t, authority)}
	h.Private = newPrivate(t, port, "-c listen_addresses=localhost -c ssl=on -c ssl_cert_file=../server.crt -c ssl_key_file=../server.key -c hba_file=pg_hba.conf",
		map[string][]byte{"server.crt": certificate, "server.key": key, "pg_hba.conf": []byte(hostRules)})
	if err := h.Exec(t.Context(), fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", role, h.Password)); err != nil {
		t.Fatalf("PostgreSQL for tests: setting a password: %v", err)
	}
	return h
}

// URL returns the address of the database on a host, without any parameter.
func (h *Hosted) URL(host string) string {
	return (&url.URL{Scheme: "postgres", User: url.UserPassword(h.User, h.Password), Host: net.JoinHostPort(host, h.Port), Path: "/" + h.Database}).String()
}

// ForeignAuthority returns the file of an authority that signed nothing.
func ForeignAuthority(t testing.TB) string {
	t.Helper()
	authority, _, _, err := certify("localhost")
	if err != nil {
		t.Fatalf("PostgreSQL for tests: making a certificate: %v", err)
	}
	return authorityFile(t, authority)
}

func authorityFile(t testing.TB, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatalf("PostgreSQL for tests: writing a certificate: %v", err)
	}
	return file
}

// freePort returns an unused port. Another process may take it before the server does; the kernel gives it to the
// next but many.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), l.Close()
}

// certify makes an authority, and a certificate for a host that it signs, with its key; all in PEM form.
func certify(host string) (authority, certificate, key []byte, err error) {
	template := func(serial int64) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "tests"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		}
	}
	root, leaf := template(1), template(2)
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	leaf.DNSNames = []string{host}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	rootBytes, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, nil, nil, err
	}
	leafBytes, err := x509.CreateCertificate(rand.Reader, leaf, root, &leafKey.PublicKey, rootKey)
	if err != nil {
		return nil, nil, nil, err
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		return nil, nil, nil, err
	}
	in := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	return in("CERTIFICATE", rootBytes), in("CERTIFICATE", leafBytes), in("PRIVATE KEY", keyBytes), nil
}
