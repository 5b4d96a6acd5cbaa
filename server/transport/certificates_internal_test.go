package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

func TestDevelopmentCertificateIsRenewedWhileTheServerRuns(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(Config{Addr: "127.0.0.1:0", CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	shown := func() (pin [sha256.Size]byte) {
		conn, err := quic.DialAddr(t.Context(), l.Addr().String(), &tls.Config{
			InsecureSkipVerify: true, NextProtos: []string{protocol.ALPN},
		}, &quic.Config{EnableDatagrams: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseWithError(0, "")
		return sha256.Sum256(conn.ConnectionState().TLS.PeerCertificates[0].Raw)
	}
	begun := time.Now()
	first := shown()
	at := func(d time.Duration) {
		l.certs.mu.Lock()
		defer l.certs.mu.Unlock()
		l.certs.now = func() time.Time { return begun.Add(d) }
	}
	at(11 * 24 * time.Hour)
	if shown() != first || l.Pin() != first {
		t.Error("after 11 days there is another certificate")
	}
	at(12 * 24 * time.Hour)
	second := shown()
	if second == first || l.Pin() != second {
		t.Error("after 12 of 13 days it is still the first one, or its pin")
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(protocol.DevPinFile)))
	if err != nil || strings.TrimSpace(string(text)) != protocol.FormatPin(second) {
		t.Errorf("the pin file says %q, %v", text, err)
	}
	at(12*24*time.Hour + time.Hour)
	if shown() != second {
		t.Error("an hour later there is yet another one")
	}
}

func TestCertificateThatCannotBeRenewedStays(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	c := &certificates{cacheDir: dir, now: func() time.Time { return now }}
	first, err := c.current()
	if err != nil {
		t.Fatal(err)
	}
	c.cacheDir = filepath.Join(dir, "file")
	if err := os.WriteFile(c.cacheDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(12*24*time.Hour + time.Hour)
	kept, err := c.current()
	if err != nil || !bytes.Equal(kept.Certificate[0], first.Certificate[0]) {
		t.Errorf("there is another one, %v", err)
	}
	c.cacheDir = dir
	now = now.Add(certRetry / 2)
	if kept, _ := c.current(); !bytes.Equal(kept.Certificate[0], first.Certificate[0]) {
		t.Error("it was tried again at once")
	}
	now = now.Add(certRetry)
	if renewed, _ := c.current(); bytes.Equal(renewed.Certificate[0], first.Certificate[0]) {
		t.Error("it was not tried again")
	}
}
