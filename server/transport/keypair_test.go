package transport_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server/transport"
)

// pairFiles are the files of a certificate and its key.
type pairFiles struct{ cert, key string }

func newPairFiles(t *testing.T) pairFiles {
	dir := t.TempDir()
	return pairFiles{filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")}
}

func (f pairFiles) config() transport.Config {
	return transport.Config{Addr: "127.0.0.1:0", CertificateFile: f.cert, KeyFile: f.key}
}

// put replaces the files.
func (f pairFiles) put(t *testing.T, cert, key *tls.Certificate) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func (f pairFiles) write(t *testing.T, cert, key []byte) {
	t.Helper()
	for path, data := range map[string][]byte{f.cert: cert, f.key: key} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func pinOf(cert *tls.Certificate) [sha256.Size]byte { return sha256.Sum256(cert.Certificate[0]) }

func certificateOf(t *testing.T, notBefore time.Time, validity time.Duration) *tls.Certificate {
	t.Helper()
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: notBefore, Validity: validity})
	if err != nil {
		t.Fatal(err)
	}
	return &cert
}

// TestANewCertificateIsShownToNewcomers, over UDP and TCP, while those who are connected stay.
func TestANewCertificateIsShownToNewcomers(t *testing.T) {
	files, before, after := newPairFiles(t), testCertificate(t), testCertificate(t)
	files.put(t, before, before)
	l, err := transport.Listen(files.config())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if changed, err := l.ReloadCertificate(); changed || err != nil || l.Pin() != pinOf(before) || l.Development() {
		t.Fatalf("without a change the certificate is another one: %v, %v", changed, err)
	}
	client, server := connect(t, l)
	files.put(t, after, after)
	if changed, err := l.ReloadCertificate(); !changed || err != nil || l.Pin() != pinOf(after) {
		t.Fatalf("the certificate was replaced: %v, %v", changed, err)
	}
	if _, err := tryDial(t, l, pinned(pinOf(before)), clientConfig()); err == nil {
		t.Error("a newcomer is shown the former certificate")
	}
	connect(t, l) // by the new pin
	if _, err := dialSocket(t, l); err != nil {
		t.Errorf("over TCP the new certificate is not shown: %v", err)
	}
	if client.Context().Err() != nil || server.SendDatagram([]byte("still here")) != nil {
		t.Error("who was connected is not any more")
	}
	if s := l.Stats(); s.CertificateReloads != 1 || s.CertificateReloadsFailed != 0 {
		t.Errorf("stats are %+v, want one reload", s)
	}
}

// TestWrongFilesLeaveTheFormerCertificate in use.
func TestWrongFilesLeaveTheFormerCertificate(t *testing.T) {
	good, other := testCertificate(t), testCertificate(t)
	now := time.Now()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, f pairFiles)
		says  string
	}{
		"another's key":  {func(t *testing.T, f pairFiles) { f.put(t, good, other) }, "key"},
		"no certificate": {func(t *testing.T, f pairFiles) { f.write(t, []byte("certificate"), []byte("key")) }, "PEM"},
		"empty files":    {func(t *testing.T, f pairFiles) { f.write(t, nil, nil) }, "PEM"},
		"no file":        {func(t *testing.T, f pairFiles) { os.Remove(f.key) }, "key"},
		"one that ended": {func(t *testing.T, f pairFiles) {
			c := certificateOf(t, now.Add(-time.Hour), time.Minute)
			f.put(t, c, c)
		}, "ended"},
		"one to be valid": {func(t *testing.T, f pairFiles) { c := certificateOf(t, now.Add(time.Hour), time.Hour); f.put(t, c, c) }, "not valid before"},
	} {
		t.Run(name, func(t *testing.T) {
			files := newPairFiles(t)
			files.put(t, good, good)
			l, err := transport.Listen(files.config())
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c.spoil(t, files)
			if changed, err := l.ReloadCertificate(); changed || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %v, %v, want something of %q", changed, err, c.says)
			}
			connect(t, l)
			if s := l.Stats(); l.Pin() != pinOf(good) || s.CertificateReloadsFailed != 1 {
				t.Errorf("the certificate is another one; stats are %+v", s)
			}
			files.put(t, other, other)
			if changed, err := l.ReloadCertificate(); !changed || err != nil || l.Pin() != pinOf(other) {
				t.Errorf("when the files are good again it says %v, %v", changed, err)
			}
		})
	}
}

func TestCertificateFilesMustBeThere(t *testing.T) {
	files := newPairFiles(t)
	missing := files.config()
	half := transport.Config{Addr: "127.0.0.1:0", CertificateFile: files.cert}
	both := files.config()
	both.Certificate = testCertificate(t)
	for name, cfg := range map[string]transport.Config{"no files": missing, "no key": half, "two certificates": both} {
		if l, err := transport.Listen(cfg); err == nil {
			l.Close()
			t.Errorf("%s: it listens", name)
		}
	}
}

func TestWhatIsKnownOfTheCertificate(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(time.Hour).Truncate(time.Second)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), crypto.Signer(key))
	if err != nil {
		t.Fatal(err)
	}
	slow := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	files := newPairFiles(t)
	files.put(t, slow, slow)
	l, err := transport.Listen(files.config())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := l.CertificateExpires(); !got.Equal(ends) || !l.SlowCertificate() {
		t.Errorf("it ends at %v and is slow: %v; want %v, true", got, l.SlowCertificate(), ends)
	}
	connect(t, l)
	if listen(t, transport.Config{}).SlowCertificate() {
		t.Error("an ECDSA certificate is said to be slow")
	}
}
