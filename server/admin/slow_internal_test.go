package admin

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhoTriesWrongTokensWaits, and nobody else does.
func TestWhoTriesWrongTokensWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlow(Limits{WrongTokens: 10, WrongTokensPerMinute: 60, WrongTokenPatience: 3 * time.Second})
		bad, good := &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1}, &net.UDPAddr{IP: net.ParseIP("2001:db8:0:1::1"), Port: 1}
		neighbour := &net.UDPAddr{IP: net.ParseIP("2001:db8::2"), Port: 9} // of the same network
		for i := range 10 {
			if slowed, mayTry := s.wait(t.Context(), bad); slowed || !mayTry {
				t.Fatalf("try %d: slowed %v", i, slowed)
			}
			s.wrong(bad)
		}
		if slowed, mayTry := s.wait(t.Context(), good); slowed || !mayTry {
			t.Error("another network is slowed")
		}
		for i := range 3 {
			begin := time.Now()
			if slowed, mayTry := s.wait(t.Context(), neighbour); !slowed || !mayTry || time.Since(begin) != time.Second {
				t.Errorf("try %d after ten: slowed %v for %v", i, slowed, time.Since(begin))
			}
		}
		refused := make(chan bool)
		for range 5 {
			go func() {
				_, mayTry := s.wait(context.Background(), bad)
				refused <- !mayTry
			}()
		}
		n := 0
		for range 5 {
			if <-refused {
				n++
			}
		}
		if n != 2 {
			t.Errorf("of five at once %d are refused, want those who would wait for more than three seconds", n)
		}
	})
}

func TestFewAddressesAreRemembered(t *testing.T) {
	s := newSlow(Limits{WrongTokens: 1, WrongTokensPerMinute: 1})
	for i := range maxAddresses + 100 {
		s.wrong(&net.UDPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i)), Port: 1})
	}
	if n := s.pace.Known(); n != maxAddresses {
		t.Errorf("%d addresses are remembered, want %d", n, maxAddresses)
	}
}
