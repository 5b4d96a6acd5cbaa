package transport_test

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
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

func TestWhoIsTrusted(t *testing.T) {
	list := func(texts ...string) []netip.Prefix {
		out := []netip.Prefix{} // none is not nil
		for _, text := range texts {
			out = append(out, netip.MustParsePrefix(text))
		}
		return out
	}
	for _, c := range []struct {
		name, addr string
		trusted    []netip.Prefix
		yes, no    []string
	}{
		{"a server for this machine", "127.0.0.1:0", nil, []string{"127.0.0.1", "127.9.9.9", "::1"}, []string{"192.0.2.7", "2001:db8::1"}},
		{"a server for all", "0.0.0.0:0", nil, []string{"127.0.0.1", "::1"}, []string{"192.0.2.7"}},
		{"nobody", "127.0.0.1:0", list(), nil, []string{"127.0.0.1", "::1"}},
		{"those that are listed", "127.0.0.1:0", list("192.0.2.0/24", "2001:db8::/32"), []string{"192.0.2.7", "2001:db8:1::"}, []string{"127.0.0.1", "192.0.3.7"}},
	} {
		l, err := transport.Listen(transport.Config{Addr: c.addr, Certificate: testCertificate(t), Trusted: c.trusted})
		if err != nil {
			t.Fatal(err)
		}
		for want, addrs := range map[bool][]string{true: c.yes, false: c.no} {
			for _, addr := range addrs {
				if got := l.Trusts(netip.MustParseAddr(addr)); got != want {
					t.Errorf("%s: %s is trusted: %v, want %v", c.name, addr, got, want)
				}
			}
		}
		if l.Trusts(netip.Addr{}) {
			t.Errorf("%s: an address that is none is trusted", c.name)
		}
		l.Close()
	}
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
