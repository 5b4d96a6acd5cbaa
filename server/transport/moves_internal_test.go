package transport

import (
	"net"
	"testing"
)

// flips is a carrier whose client has two addresses.
type flips struct {
	carrier
	addrs [2]*net.UDPAddr
	now   int
	looks int
}

func (f *flips) remoteAddr() net.Addr {
	f.looks++
	return f.addrs[f.now]
}

// newFlips returns a connection of such a client, which may move as often as it likes.
func newFlips() (*Conn, *flips) {
	f := &flips{addrs: [2]*net.UDPAddr{{Port: 1}, {Port: 2}}}
	c := &Conn{carrier: f}
	c.moves.listener = &Listener{cfg: Config{MovesPerMinute: 1 << 30}}
	return c, f
}

// TestWhoStaysIsSeldomLookedAt: each look is of memory that is in no cache.
func TestWhoStaysIsSeldomLookedAt(t *testing.T) {
	const datagrams = 10_000
	c, f := newFlips()
	since := 0
	for range datagrams {
		before := f.looks
		c.moves.follow(c)
		if since++; f.looks > before {
			since = 0
		}
		if since > movesBetween {
			t.Fatalf("%d datagrams went without a look, want %d at most", since, movesBetween)
		}
	}
	if most := datagrams / 4; f.looks > most {
		t.Errorf("%d datagrams took %d looks, want %d at most", datagrams, f.looks, most)
	}
}

// TestWhoIsBackByTheNextLookIsSeen: a client that moves with each datagram, or each few, may be where it was when it is looked
// at, but not always; and who was seen to move is looked at with each datagram.
func TestWhoIsBackByTheNextLookIsSeen(t *testing.T) {
	for every := 1; every <= 2*movesBetween; every++ {
		c, f := newFlips()
		l := c.moves.listener
		const moves = 1000
		for i := range moves * every {
			if i%every == 0 {
				f.now = 1 - f.now
			}
			c.moves.follow(c)
		}
		if seen := l.moved.Load(); seen < moves*9/10 {
			t.Errorf("of %d moves, one with each %d datagrams, %d were seen", moves, every, seen)
		}
	}
}
