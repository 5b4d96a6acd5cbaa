package transport_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

const day = 24 * time.Hour

// loadDev loads the certificate and checks that the pin file names it.
func loadDev(t *testing.T, cacheDir string, now time.Time) tls.Certificate {
	t.Helper()
	cert, err := transport.LoadDevCertificate(cacheDir, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(cacheDir, protocol.DevPinFile))
	if err != nil {
		t.Fatal(err)
	}
	if pin, err := protocol.ParsePin(string(text)); err != nil || pin != sha256.Sum256(cert.Certificate[0]) {
		t.Fatalf("the pin file says %q (%v), which is another certificate", text, err)
	}
	return cert
}

func same(a, b tls.Certificate) bool { return bytes.Equal(a.Certificate[0], b.Certificate[0]) }

func TestDevCertificateServesThisMachine(t *testing.T) {
	now := time.Now()
	leaf := loadDev(t, t.TempDir(), now).Leaf
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(host); err != nil {
			t.Error(err)
		}
	}
	if validity := leaf.NotAfter.Sub(leaf.NotBefore); validity != 13*day {
		t.Errorf("it is valid for %v, want 13 days", validity)
	}
	if now.Before(leaf.NotBefore) {
		t.Errorf("it is valid from %v on, made at %v", leaf.NotBefore, now)
	}
}

func TestDevCertificateIsReusedUntilADayBeforeItsEnd(t *testing.T) {
	cacheDir := t.TempDir()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	first := loadDev(t, cacheDir, now)
	end := first.Leaf.NotAfter
	for _, later := range []time.Time{now, now.Add(5 * day), end.Add(-day - time.Second)} {
		if !same(loadDev(t, cacheDir, later), first) {
			t.Errorf("another certificate after %v", later.Sub(now))
		}
	}
	second := loadDev(t, cacheDir, end.Add(-day))
	if same(second, first) {
		t.Error("the certificate is used on its last day")
	}
	if !same(loadDev(t, cacheDir, end), second) {
		t.Error("the renewed certificate is not reused")
	}
	if same(loadDev(t, cacheDir, now.Add(-day)), second) {
		t.Error("a certificate is used before it is valid")
	}
}

func TestDevCertificateFilesAreTheUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	cacheDir := t.TempDir()
	loadDev(t, cacheDir, time.Now())
	keys, err := filepath.Glob(filepath.Join(cacheDir, "quicstep", "*", "key.pem"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("key files: %v, %v", keys, err)
	}
	if info, err := os.Stat(keys[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file has mode %v, %v; want 0600", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Join(cacheDir, "quicstep")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v; want 0700", info.Mode(), err)
	}
}

func TestDamagedDevCertificateIsReplaced(t *testing.T) {
	cacheDir := t.TempDir()
	now := time.Now()
	first := loadDev(t, cacheDir, now)
	keys, _ := filepath.Glob(filepath.Join(cacheDir, "quicstep", "*", "key.pem"))
	if err := os.WriteFile(keys[0], []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := loadDev(t, cacheDir, now)
	if same(second, first) || !same(loadDev(t, cacheDir, now), second) {
		t.Error("the damaged certificate was not replaced by one that lasts")
	}
}

func TestOldDevCertificatesAreTidiedUp(t *testing.T) {
	cacheDir := t.TempDir()
	now := time.Now()
	for range 5 {
		loadDev(t, cacheDir, now)
		now = now.Add(13 * day)
	}
	files, err := os.ReadDir(filepath.Join(cacheDir, "quicstep"))
	if err != nil {
		t.Fatal(err)
	}
	// The newest, the one before it, and the pin.
	if len(files) != 3 {
		t.Errorf("the folder has %v", files)
	}
}

func TestDevCertificateRaceHasOneWinner(t *testing.T) {
	cacheDir := t.TempDir()
	now := time.Now()
	// The first round makes the first certificate, the others renew it.
	for range 4 {
		var certs [2]tls.Certificate
		var errs [2]error
		var work sync.WaitGroup
		start := make(chan struct{})
		for i := range certs {
			work.Go(func() {
				<-start
				certs[i], errs[i] = transport.LoadDevCertificate(cacheDir, now)
			})
		}
		close(start)
		work.Wait()
		if errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		if !same(certs[0], certs[1]) || !same(loadDev(t, cacheDir, now), certs[0]) {
			t.Fatal("two that began at once got different certificates")
		}
		now = now.Add(13 * day)
	}
}
