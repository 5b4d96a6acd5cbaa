package transport_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

func TestDevelopmentCertificateStaysOnLoopback(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"} {
		cacheDir := t.TempDir()
		l, err := transport.Listen(transport.Config{Addr: addr, CacheDir: cacheDir})
		if !errors.Is(err, transport.ErrPublicDevelopment) {
			t.Errorf("listening on %s returned %v, want ErrPublicDevelopment", addr, err)
		}
		if err == nil {
			l.Close()
		}
		if files, _ := os.ReadDir(cacheDir); len(files) != 0 {
			t.Errorf("listening on %s wrote %v", addr, files)
		}
	}

	socket, err := net.ListenPacket("udp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if _, err := transport.Listen(transport.Config{PacketConn: socket, CacheDir: t.TempDir()}); !errors.Is(err, transport.ErrPublicDevelopment) {
		t.Errorf("listening on a given public socket returned %v, want ErrPublicDevelopment", err)
	}
}

func TestPublicAddressWhenSaidExplicitly(t *testing.T) {
	for name, cfg := range map[string]transport.Config{
		"allowed":           {Addr: "0.0.0.0:0", CacheDir: t.TempDir(), AllowPublicDevelopment: true},
		"own certificate":   {Addr: "0.0.0.0:0", Certificate: testCertificate(t)},
		"localhost by name": {Addr: "localhost:0", CacheDir: t.TempDir()},
	} {
		l, err := transport.Listen(cfg)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		l.Close()
	}
}

func TestDevelopmentPinIsWhereClientsLook(t *testing.T) {
	cacheDir := t.TempDir()
	l, err := transport.Listen(transport.Config{Addr: "127.0.0.1:0", CacheDir: cacheDir})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	text, err := os.ReadFile(filepath.Join(cacheDir, protocol.DevPinFile))
	if err != nil {
		t.Fatal(err)
	}
	pin, err := protocol.ParsePin(string(text))
	if err != nil || pin != l.Pin() {
		t.Fatalf("the pin file says %q (%v), want %x", text, err, l.Pin())
	}
	connect(t, l)
}

func TestListenRefusesBadConfig(t *testing.T) {
	for name, cfg := range map[string]transport.Config{
		"negative limit":       {MaxConns: -1},
		"negative timeout":     {IdleTimeout: -time.Second},
		"windows don't fit":    {StreamWindowBytes: 2 << 20},
		"no such address":      {Addr: "127.0.0.1:port"},
		"empty certificate":    {Certificate: &tls.Certificate{}},
		"nothing to resolve":   {Addr: "127.0.0.1"},
		"handshakes below 0":   {MaxHandshakes: -1},
		"handshakes/s below 0": {HandshakesPerSecond: -1},
		"handshake time below": {HandshakeTimeout: -1},
	} {
		cfg.CacheDir = t.TempDir()
		if l, err := transport.Listen(cfg); err == nil {
			l.Close()
			t.Errorf("%s: Listen accepted %+v", name, cfg)
		}
	}
}
