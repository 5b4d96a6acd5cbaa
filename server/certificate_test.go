package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// writePair writes a new certificate, valid for so long, and its key into a folder.
func writePair(t *testing.T, dir string, validity time.Duration) (certFile, keyFile string) {
	t.Helper()
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: time.Now().Add(-time.Hour), Validity: validity})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert.Certificate[0]}, keyFile: {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// TestPlayersStayWhenTheCertificateIsReplaced: newcomers, and /quicstep/info, are shown the new one.
func TestPlayersStayWhenTheCertificateIsReplaced(t *testing.T) {
	g, dir := newArena(), t.TempDir()
	cfg := server.Config{Games: []world.Game{g}}
	cfg.CertificateFile, cfg.KeyFile = writePair(t, dir, 100*24*time.Hour)
	s := serve(t, cfg)
	stays, before := join(t, s, g), s.Pin()
	writePair(t, dir, 100*24*time.Hour)
	if err := s.ReloadCertificate(); err != nil {
		t.Fatal(err)
	}
	after := s.Pin()
	if after == before {
		t.Fatal("the pin is the former one")
	}
	join(t, s, g) // by the new pin
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: pinnedHTTP(after)}}
	response, err := client.Get("https://" + s.Addr().String() + "/quicstep/info")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	ticks(t, stays, 5)
	if n := s.Stats().CertificateExpires; n < time.Now().Add(90*24*time.Hour).Unix() {
		t.Errorf("it ends at %d", n)
	}
}

func pinnedHTTP(pin [32]byte) *tls.Config {
	how := pinned(pin)
	how.NextProtos = nil
	return how
}

// TestWhatIsWrongWithTheCertificateIsSaidOnce, and that it ends soon once a day.
func TestWhatIsWrongWithTheCertificateIsSaidOnce(t *testing.T) {
	dir := t.TempDir()
	logged := &lines{}
	cfg := server.Config{Games: []world.Game{newArena()}, Log: slog.New(slog.NewTextHandler(logged, nil))}
	cfg.CertificateFile, cfg.KeyFile = writePair(t, dir, 10*24*time.Hour)
	simulate(t, 34, calm, cfg, func(s *simulation) {
		s.pass(time.Minute)
		os.WriteFile(filepath.Join(dir, "key.pem"), []byte("no key"), 0o600)
		s.pass(10 * time.Minute)
		if n := strings.Count(logged.text(), "files are wrong"); n != 1 {
			t.Errorf("that the files are wrong is said %d times, want once:\n%s", n, logged.text())
		}
		if st := s.server.Stats().Transport; st.CertificateReloadsFailed < 9 {
			t.Errorf("stats are %+v, want a failure a minute", st)
		}
		writePair(t, dir, 10*24*time.Hour)
		s.pass(2 * time.Minute)
		if st := s.server.Stats().Transport; st.CertificateReloads != 1 {
			t.Errorf("stats are %+v, want a reload", st)
		}
		s.pass(25 * time.Hour)
		if n := strings.Count(logged.text(), "ends soon"); n != 2 {
			t.Errorf("that it ends soon is said %d times in 25 hours, want twice", n)
		}
		s.dial(s.sockets[0]).close()
	})
}
