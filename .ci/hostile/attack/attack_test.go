package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

func TestAttacksSayWhatTheyAre(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range All() {
		if a.Name == "" || a.Says == "" || a.Unit == "" || a.PerSecond <= 0 || len(a.Counters) == 0 || a.run == nil || seen[a.Name] {
			t.Errorf("the attack %+v lacks something, or is there twice", a)
		}
		seen[a.Name] = true
	}
}

// TestFirstPacketsAreTakenForHandshakes has a QUIC server compute what it would for a client of ours.
func TestFirstPacketsAreTakenForHandshakes(t *testing.T) {
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	hellos := make(chan []string, 1)
	tr := &quic.Transport{Conn: socket}
	defer socket.Close()
	defer tr.Close()
	listener, err := tr.Listen(&tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hellos <- h.SupportedProtos
		return nil, errors.New("no further")
	}}, &quic.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	made, err := newInitials(t.Context(), protocol.ALPN)
	if err != nil {
		t.Fatal(err)
	}
	a := &Attacker{Target: Target{Addr: socket.LocalAddr().String()}, Net: &Network{}}
	to, err := a.sprayer(3)
	if err != nil {
		t.Fatal(err)
	}
	defer to.close()
	for n := range 3 { // each is another connection
		packet, err := made.packet([idBytes]byte{9, byte(n)})
		if err != nil || len(packet) != initialBytes {
			t.Fatalf("a packet of %d bytes, %v", len(packet), err)
		}
		if err := to.send(packet); err != nil {
			t.Fatal(err)
		}
		select {
		case protos := <-hellos:
			if len(protos) != 1 || protos[0] != protocol.ALPN {
				t.Errorf("the server reads a hello for %v", protos)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the server takes the packet for nothing")
		}
	}
}

// TestAControlSendsTheSame compares what was sent with what its control run sends.
func TestAControlSendsTheSame(t *testing.T) {
	trace := &Trace{begun: time.Now()}
	n := &Network{trace: trace}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	one, err := n.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := n.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	one.WriteTo(make([]byte, 100), sink.LocalAddr())
	lots, err := newMany(two, sink.LocalAddr(), 50)
	if err != nil {
		t.Fatal(err)
	}
	if err := lots.send(make([]byte, 200)); err != nil {
		t.Fatal(err)
	}
	conn, err := n.Dial(t.Context(), tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Write(make([]byte, 30))
	conn.Close()
	for _, want := range []int{100, 50, 50, 50, 50} {
		sink.SetReadDeadline(time.Now().Add(10 * time.Second))
		if got, _, err := sink.ReadFrom(make([]byte, 500)); err != nil || got != want {
			t.Fatalf("a packet of %d bytes came, want %d; %v", got, want, err)
		}
	}
	path := filepath.Join(t.TempDir(), "trace")
	if err := trace.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := ReadTrace(path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Replay(t.Context(), again)
	if err != nil || report.Packets != 6 || report.Bytes != 330 || n.packets.Load() != 6 || n.bytes.Load() != 330 {
		t.Errorf("the control sent %+v, %v; the attack %d packets of %d bytes, want 6 of 330", report, err, n.packets.Load(), n.bytes.Load())
	}
}

func TestATraceThatIsTooLongIsNoTrace(t *testing.T) {
	trace := &Trace{events: make([]event, eventsMost)}
	trace.add(event{})
	if err := trace.Write(filepath.Join(t.TempDir(), "trace")); err == nil {
		t.Error("half of an attack was written")
	}
}

func TestWhatIsPacedEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	every(ctx, 1e6, func() {
		if n++; n == 10 {
			cancel()
		}
	})
	if n != 10 {
		t.Errorf("it was done %d times, want 10", n)
	}
}
