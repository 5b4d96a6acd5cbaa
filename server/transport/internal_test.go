package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/server/quota"
)

func TestLoserUsesTheWinnersCertificate(t *testing.T) {
	dir := t.TempDir()
	winner, err := makeDevFolder(dir, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// The loser saw no folder either, and comes a moment later.
	loser, err := makeDevFolder(dir, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(winner.Certificate[0], loser.Certificate[0]) {
		t.Error("the loser has a certificate of its own")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("the loser left %v", files)
	}
}

// clientAt is what quic-go tells of a newcomer.
func clientAt(addr string) *quic.ClientInfo {
	return &quic.ClientInfo{RemoteAddr: net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr))}
}

// fewHandshakes bounds what cfg says, and trusts 192.0.2.0/24.
func fewHandshakes(t *testing.T, cfg Config) *handshakes {
	t.Helper()
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return newHandshakes(cfg, netip.MustParsePrefix("192.0.2.0/24").Contains)
}

func TestHandshakesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fewHandshakes(t, Config{MaxHandshakes: 2})
		failing, fail := context.WithCancel(context.Background())
		if _, err := h.begin(failing, clientAt("192.0.2.1:1")); err != nil {
			t.Fatal(err)
		}
		conn, end := context.WithCancel(context.Background())
		accepted, err := h.begin(conn, clientAt("203.0.113.1:1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.begin(context.Background(), clientAt("203.0.113.2:1")); err == nil || h.refused.Load() != 1 {
			t.Errorf("a third handshake got %v with %d refused", err, h.refused.Load())
		}

		fail()
		synctest.Wait()
		if n := h.open.Load(); n != 1 {
			t.Errorf("%d places are taken after a handshake failed, want 1", n)
		}
		endHandshake(accepted)
		end()
		synctest.Wait()
		if n := h.open.Load(); n != 0 || h.underWay.Known() != 0 {
			t.Errorf("%d places are taken after the other was accepted and ended, by %d addresses, want none", n, h.underWay.Known())
		}
	})
}

func TestACrowdMustProveItsAddresses(t *testing.T) {
	h := fewHandshakes(t, Config{MaxHandshakes: 8})
	for i := range 3 {
		client := clientAt(fmt.Sprintf("203.0.113.%d:1", i))
		if h.crowded(client.RemoteAddr) {
			t.Errorf("with %d of 8 places taken newcomers must prove their address", i)
		}
		if _, err := h.begin(context.Background(), client); err != nil {
			t.Fatal(err)
		}
	}
	if !h.crowded(clientAt("203.0.113.9:1").RemoteAddr) || h.retries.Load() != 1 {
		t.Errorf("with 3 of 8 places taken nobody has to prove an address; %d had to", h.retries.Load())
	}
}

// TestAFloodMustProveItsAddresses, however soon each of its handshakes ends; and what is invented is not remembered.
func TestAFloodMustProveItsAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fewHandshakes(t, Config{RetryAbovePerSecond: 10})
		unproven := func(n int) (out int) {
			for i := range n {
				if !h.crowded(clientAt(fmt.Sprintf("10.0.%d.%d:1", i>>8, i&255)).RemoteAddr) {
					out++
				}
			}
			return out
		}
		if n := unproven(2000); n != 10 || h.retries.Load() != 1990 {
			t.Errorf("%d of 2,000 in a moment need not prove their address, %d must; want 10", n, h.retries.Load())
		}
		if n := h.rates.Known(); n != 10 {
			t.Errorf("%d addresses are known, want those of the 10", n)
		}
		time.Sleep(time.Second)
		if n := unproven(2000); n != 10 {
			t.Errorf("a second later it is %d of 2,000, want 10", n)
		}
	})
}

// TestOneAddressDoesNotTakeEveryHandshake: not at once, not one after the other, and not of those who are trusted.
func TestOneAddressDoesNotTakeEveryHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := fewHandshakes(t, Config{MaxHandshakesPerAddress: 4, HandshakesPerSecondPerAddress: 8}) // 32 at once
		begin := func(addr string) error {
			conn, err := h.begin(context.Background(), clientAt(addr))
			if err == nil {
				endHandshake(conn)
			}
			return err
		}
		for range 4 {
			if _, err := h.begin(context.Background(), clientAt("[2001:db8::1]:1")); err != nil {
				t.Fatal(err)
			}
		}
		if err := begin("[2001:db8::2]:2"); !errors.Is(err, errTooManyOfAddress) {
			t.Errorf("a fifth at once of a network of 64 bits got %v", err)
		}
		if err := begin("[2001:db8:0:1::1]:1"); err != nil {
			t.Errorf("its neighbour's got %v", err)
		}
		for i := range 32 {
			if err := begin("203.0.113.1:1"); err != nil {
				t.Fatalf("handshake %d in a moment got %v", i, err)
			}
		}
		if err := begin("203.0.113.1:1"); !errors.Is(err, errTooManyOfAddress) || h.address.Load() != 2 {
			t.Errorf("handshake 33 in a moment got %v, %d were refused, want 2", err, h.address.Load())
		}
		if h.admits(quota.KeyOf(netip.MustParseAddr("203.0.113.1"))) || h.address.Load() != 3 {
			t.Errorf("one over TCP is let in beside, %d were refused, want 3", h.address.Load())
		}
		for i := range 100 {
			if err := begin("192.0.2.1:1"); err != nil {
				t.Fatalf("handshake %d of an address that is trusted got %v", i, err)
			}
		}
		time.Sleep(time.Second / 8)
		if err := begin("203.0.113.1:1"); err != nil {
			t.Errorf("the next one when its time has come got %v", err)
		}
		if n := h.underWay.Of(quota.KeyOf(netip.MustParseAddr("203.0.113.1"))); n != 0 {
			t.Errorf("%d are under way when all have ended", n)
		}
	})
}

// TestAddressesOfOtherNetworksAreOne, and give back what they take.
func TestAddressesOfOtherNetworksAreOne(t *testing.T) {
	h := fewHandshakes(t, Config{MaxHandshakesPerAddress: 1})
	pipe := &quic.ClientInfo{RemoteAddr: &net.UnixAddr{Name: "a", Net: "unixgram"}}
	for range 3 {
		conn, err := h.begin(context.Background(), pipe)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.begin(context.Background(), pipe); !errors.Is(err, errTooManyOfAddress) {
			t.Errorf("a second one at once got %v", err)
		}
		endHandshake(conn)
	}
}

// TestWhoInventsAnAddressLeavesItHalf: who has the address can still come in, by proving it.
func TestWhoInventsAnAddressLeavesItHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		victim := clientAt("203.0.113.1:1")
		pretend := func(h *handshakes, ends bool) (unproven int) {
			for range 50 {
				if h.crowded(victim.RemoteAddr) {
					continue
				}
				conn, err := h.begin(context.Background(), victim)
				if err != nil {
					t.Fatal(err)
				}
				if ends {
					endHandshake(conn)
				}
				unproven++
			}
			return unproven
		}
		h := fewHandshakes(t, Config{MaxHandshakesPerAddress: 8})
		if n := pretend(h, false); n != 4 {
			t.Errorf("%d of 8 places of an address were taken without a proof, want 4", n)
		}
		h = fewHandshakes(t, Config{HandshakesPerSecondPerAddress: 8})
		if n := pretend(h, true); n != 17 { // of 32 at once
			t.Errorf("%d of 32 handshakes of an address were begun without a proof, want 17", n)
		}
		victim.AddrVerified = true
		if _, err := h.begin(context.Background(), victim); err != nil {
			t.Errorf("who has proved the address got %v", err)
		}
	})
}

// There is no port 0.
func TestPacketsThatTheSystemRefusesAreCounted(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("packets are gathered on Linux only")
	}
	l, err := Listen(Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.socket.WriteMsgUDP([]byte("refused"), nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Errorf("WriteMsgUDP = %v", err)
	}
	l.Close()
	if n := l.Stats().PacketsUnsent; n != 1 {
		t.Errorf("PacketsUnsent = %d, want 1", n)
	}
}
