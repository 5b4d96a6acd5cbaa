package transport

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// keyPair is a certificate and its key as they stand in files, which may be replaced while they are in use.
type keyPair struct {
	certFile, keyFile string
	sum               [sha256.Size]byte // of the files' bytes when they were read; touched by one goroutine at a time
	current           atomic.Pointer[tls.Certificate]
}

// read reads the files anew. It tells whether another pair is in use from now on. With an error the former one stays: when
// a file can't be read, when key and certificate don't fit, and when the certificate is not valid now.
func (p *keyPair) read(now time.Time) (changed bool, err error) {
	cert, err := os.ReadFile(p.certFile)
	if err != nil {
		return false, fmt.Errorf("read the certificate: %w", err)
	}
	key, err := os.ReadFile(p.keyFile)
	if err != nil {
		return false, fmt.Errorf("read the certificate's key: %w", err)
	}
	sum := sha256.Sum256(append(append([]byte(nil), cert...), key...))
	if sum == p.sum && p.current.Load() != nil {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("read the certificate %s and its key %s: %w; both are PEM files", p.certFile, p.keyFile, err)
	}
	if err := validAt(&pair, now); err != nil && p.current.Load() != nil {
		return false, fmt.Errorf("certificate %s: %w", p.certFile, err)
	}
	p.sum = sum
	p.current.Store(&pair)
	return true, nil
}

// validAt tells what is wrong with a certificate's time.
func validAt(cert *tls.Certificate, now time.Time) error {
	switch leaf := cert.Leaf; {
	case leaf == nil:
	case now.After(leaf.NotAfter):
		return fmt.Errorf("it has ended on %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("it is not valid before %s", leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// ReloadCertificate reads the files of Config.CertificateFile and KeyFile anew, and tells whether they have changed: then
// whoever connects from now on is shown the new certificate, and those who are connected stay. With an error, which says
// what is wrong with the files, the former certificate stays in use. It does nothing when there are no files.
func (l *Listener) ReloadCertificate() (changed bool, err error) {
	if l.certs.files == nil {
		return false, nil
	}
	l.certs.mu.Lock()
	defer l.certs.mu.Unlock()
	changed, err = l.certs.files.read(l.certs.now())
	switch {
	case err != nil:
		l.certs.failed.Add(1)
	case changed:
		l.certs.reloads.Add(1)
	}
	return changed, err
}

// CertificateExpires is when the certificate that is shown now ends; zero when that is not known.
func (l *Listener) CertificateExpires() time.Time {
	cert, err := l.certs.current()
	if err != nil || cert.Leaf == nil {
		return time.Time{}
	}
	return cert.Leaf.NotAfter
}

// SlowCertificate tells whether the certificate's key is RSA, with which a handshake takes four times as long as with ECDSA.
func (l *Listener) SlowCertificate() bool {
	cert, err := l.certs.current()
	if err != nil || cert.Leaf == nil {
		return false
	}
	_, slow := cert.Leaf.PublicKey.(*rsa.PublicKey)
	return slow
}
