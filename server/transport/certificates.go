package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"
)

// certRetry is for how long a development certificate that could not be renewed is used before that is tried again.
const certRetry = time.Minute

// certificates give each handshake its certificate: the operator's own, or the development certificate, which is renewed
// a day before its end.
type certificates struct {
	own      *tls.Certificate
	files    *keyPair // nil without; then they are the operator's own
	cacheDir string
	now      func() time.Time

	reloads, failed atomic.Uint64

	mu    sync.Mutex // guards what follows, and who reads files
	dev   *tls.Certificate
	tried time.Time
}

// newCertificates returns the error when there is none to begin with.
func newCertificates(cfg Config) (*certificates, error) {
	c := &certificates{own: cfg.Certificate, files: cfg.files, cacheDir: cfg.CacheDir, now: time.Now}
	_, err := c.current()
	return c, err
}

// current returns the certificate that is shown now. It fails only while there never was one.
func (c *certificates) current() (*tls.Certificate, error) {
	if c.files != nil {
		return c.files.current.Load(), nil
	}
	if c.own != nil {
		return c.own, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.dev != nil && (devUsable(*c.dev, now) || now.Sub(c.tried) < certRetry) {
		return c.dev, nil
	}
	c.tried = now
	cert, err := LoadDevCertificate(c.cacheDir, now)
	if err == nil {
		c.dev = &cert
	}
	if c.dev != nil {
		return c.dev, nil
	}
	return nil, err
}

func (c *certificates) forHandshake(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current()
}

// pin is the SHA-256 of the current certificate.
func (c *certificates) pin() [sha256.Size]byte {
	cert, err := c.current()
	if err != nil {
		return [sha256.Size]byte{} // never: there was one at the beginning
	}
	return sha256.Sum256(cert.Certificate[0])
}
