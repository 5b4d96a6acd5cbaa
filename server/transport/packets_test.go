package transport_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/quicstep/quicstep/server/transport"
)

func TestPacketsThatAreNothingAreCounted(t *testing.T) {
	l, err := transport.Listen(transport.Config{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	socket, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	short := make([]byte, 100) // of a connection that nobody has
	short[0] = 0x40
	for _, packet := range [][]byte{short, {0xc0, 0, 0, 0, 1, 200}} {
		before := l.Stats().PacketsDropped
		if _, err := socket.Write(packet); err != nil {
			t.Fatal(err)
		}
		for l.Stats().PacketsDropped == before {
			if t.Context().Err() != nil {
				t.Fatal("nothing was counted")
			}
			runtime.Gosched()
		}
	}
	if n := l.Stats().Accepted; n != 0 {
		t.Errorf("%d connections were accepted", n)
	}
}
