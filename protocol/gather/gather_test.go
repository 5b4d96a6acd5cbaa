package gather

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/ipv4"
)

// recorder stands for the system: it keeps what it was called with.
type recorder struct {
	reads  []int // what each read finds, in turn
	read   []time.Time
	refuse string // the packet that it does not send

	hold    string        // the packet with which a call takes until release is closed
	holding chan struct{} // closed when that has begun
	release chan struct{}

	mu   sync.Mutex
	sent [][]string // the packets of each call, when it has ended
}

func (r *recorder) ReadBatch([]ipv4.Message, int) (int, error) {
	r.read = append(r.read, time.Now())
	if len(r.reads) == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	n := r.reads[0]
	r.reads = r.reads[1:]
	return n, nil
}

func (r *recorder) WriteBatch(from []ipv4.Message, _ int) (int, error) {
	var call []string
	for _, m := range from {
		packet := string(bytes.Join(m.Buffers, nil))
		if packet == r.refuse {
			break
		}
		call = append(call, packet)
	}
	if len(call) == 0 {
		return -1, errors.New("refused")
	}
	if r.hold != "" && call[0] == r.hold {
		close(r.holding)
		<-r.release
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, call)
	return len(call), nil
}

// packets are all that were sent, in order.
func (r *recorder) packets() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, call := range r.sent {
		all = append(all, call...)
	}
	return all
}

func loopback(t testing.TB) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

func recorded(t *testing.T, r *recorder) *Conn {
	t.Helper()
	c := newConn(loopback(t), r, false)
	t.Cleanup(func() { c.Close() })
	return c
}

func write(t *testing.T, c *Conn, packet []byte, to *net.UDPConn) {
	t.Helper()
	n, _, err := c.WriteMsgUDP(packet, nil, to.LocalAddr().(*net.UDPAddr))
	if err != nil || n != len(packet) {
		t.Errorf("WriteMsgUDP = %d, %v; want %d and no error", n, err, len(packet))
	}
}

// While a call is under way packets come together, and as many as one call may have wait for nobody.
func TestPacketsThatAreReadyGoByOneCall(t *testing.T) {
	r := &recorder{hold: "first", holding: make(chan struct{}), release: make(chan struct{})}
	c, to := recorded(t, r), loopback(t)
	write(t, c, []byte("first"), to)
	<-r.holding
	var want []string
	buffer := make([]byte, 3)
	for i := range maxPackets + 2 {
		copy(buffer, fmt.Sprintf("%03d", i)) // the caller's again, as soon as it is written
		want = append(want, string(buffer))
		write(t, c, buffer, to)
	}
	if len(r.sent) != 1 || !slices.Equal(r.sent[0], want[:maxPackets]) {
		t.Errorf("sent were %q, want one call of %d", r.sent, maxPackets)
	}
	close(r.release)
	c.Close()
	if got := r.sent[1:]; len(got) != 2 || len(got[0]) != 1 || !slices.Equal(got[1], want[maxPackets:]) {
		t.Errorf("then %q were sent, want the first by itself and the last two together", got)
	}
}

func TestAPacketAloneIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{}
		c := newConn(nil, r, false)
		c.WriteMsgUDP([]byte("alone"), nil, &net.UDPAddr{})
		synctest.Wait()
		if got := r.packets(); len(got) != 1 || got[0] != "alone" {
			t.Errorf("sent were %q, want that packet", got)
		}
		close(c.wake)
	})
}

func TestARefusedPacketTakesNoOtherWithIt(t *testing.T) {
	r := &recorder{refuse: "b"}
	c, to := recorded(t, r), loopback(t)
	for _, packet := range []string{"a", "b", "c", "b"} {
		write(t, c, []byte(packet), to)
	}
	c.Close()
	if got := r.packets(); len(got) != 2 || got[0] != "a" || got[1] != "c" {
		t.Errorf("sent were %q, want a and c", got)
	}
	if c.Unsent() != 2 {
		t.Errorf("Unsent = %d, want 2", c.Unsent())
	}
}

// A full packet may be a probe of the path, whose error QUIC has to see, and what waits must not come after it.
func TestAFullPacketGoesByItselfAfterWhatWaits(t *testing.T) {
	to := loopback(t)
	c := New(loopback(t))
	t.Cleanup(func() { c.Close() })
	full := bytes.Repeat([]byte{1}, maxPacketBytes+1)
	write(t, c, []byte{0}, to)
	write(t, c, full, to)
	buffer := make([]byte, 2*maxPacketBytes)
	for _, want := range []int{1, len(full)} {
		if n, _, err := to.ReadFrom(buffer); err != nil || n != want {
			t.Fatalf("received %d bytes, %v; want %d", n, err, want)
		}
	}
	if _, _, err := c.WriteMsgUDP(make([]byte, 1<<17), nil, to.LocalAddr().(*net.UDPAddr)); err == nil {
		t.Error("a packet that no kernel takes has no error")
	}
	if _, _, err := c.WriteMsgUDP([]byte{0}, make([]byte, maxOOBBytes+1), to.LocalAddr().(*net.UDPAddr)); err == nil {
		t.Error("more ancillary data than is gathered, and wrong, has no error")
	}
}

func TestManyWriteAtOnce(t *testing.T) {
	const writers, each = 8, 200
	r := &recorder{}
	c, to := recorded(t, r), loopback(t)
	var work sync.WaitGroup
	for w := range writers {
		work.Go(func() {
			for i := range each {
				write(t, c, fmt.Appendf(nil, "%d %d", w, i), to)
			}
		})
	}
	work.Wait()
	c.Close()
	seen := make(map[string]int)
	for _, packet := range r.packets() {
		seen[packet]++
	}
	for w := range writers {
		for i := range each {
			if key := fmt.Sprintf("%d %d", w, i); seen[key] != 1 {
				t.Fatalf("packet %q was sent %d times", key, seen[key])
			}
		}
	}
	for _, call := range r.sent {
		if len(call) > maxPackets {
			t.Errorf("a call has %d packets, more than %d", len(call), maxPackets)
		}
	}
}

func TestCloseEndsWriting(t *testing.T) {
	c, to := recorded(t, &recorder{}), loopback(t)
	if err := c.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, _, err := c.WriteMsgUDP([]byte("late"), nil, to.LocalAddr().(*net.UDPAddr)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteMsgUDP after Close = %v, want net.ErrClosed", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the second Close = %v, want net.ErrClosed", err)
	}
}

func TestAReadRestsAfterOneThatLeftNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{reads: []int{8, 3, 8, 8, 1}}
		c := newConn(nil, r, false)
		began := time.Now()
		into := make([]ipv4.Message, 8)
		for range len(r.reads) + 1 {
			c.ReadBatch(into, 0)
		}
		for i, want := range []time.Duration{0, 0, Rest, Rest, Rest, 2 * Rest} {
			if got := r.read[i].Sub(began); got != want {
				t.Errorf("read %d was after %v, want %v", i, got, want)
			}
		}
		close(c.wake)
	})
}

func TestElsewhereItIsTheSocket(t *testing.T) {
	r := &recorder{reads: []int{1, 1}}
	to := loopback(t)
	c := newConn(loopback(t), r, true)
	t.Cleanup(func() { c.Close() })
	write(t, c, []byte("now"), to)
	buffer := make([]byte, 8)
	if n, _, err := to.ReadFrom(buffer); err != nil || string(buffer[:n]) != "now" {
		t.Errorf("received %q, %v", buffer[:n], err)
	}
	if c.ReadBatch(make([]ipv4.Message, 8), 0); c.rests {
		t.Error("reads rest")
	}
	if len(r.packets()) != 0 {
		t.Errorf("%q were gathered", r.packets())
	}
}

// Addresses of both families go through a socket of both.
func TestBothFamilies(t *testing.T) {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := New(socket)
	t.Cleanup(func() { c.Close() })
	for _, at := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} {
		to, err := net.ListenUDP("udp", &net.UDPAddr{IP: at})
		if err != nil {
			t.Skipf("this machine has no %v: %v", at, err)
		}
		t.Cleanup(func() { to.Close() })
		for _, packet := range []string{"one", "two"} {
			write(t, c, []byte(packet), to)
		}
		buffer := make([]byte, 8)
		for _, want := range []string{"one", "two"} {
			if n, _, err := to.ReadFrom(buffer); err != nil || string(buffer[:n]) != want {
				t.Errorf("received %q, %v; want %q", buffer[:n], err, want)
			}
		}
	}
	if c.Unsent() != 0 {
		t.Errorf("%d packets were not sent", c.Unsent())
	}
}

// BenchmarkWrite takes a packet's share of sending, by itself and together with those that are ready.
func BenchmarkWrite(b *testing.B) {
	for _, off := range []bool{true, false} {
		b.Run(map[bool]string{true: "alone", false: "together"}[off], func(b *testing.B) {
			from, to := loopback(b), loopback(b)
			c := newConn(from, ipv4.NewPacketConn(from), off)
			defer c.Close()
			packet, addr := make([]byte, 90), to.LocalAddr().(*net.UDPAddr)
			b.ReportAllocs()
			for b.Loop() {
				c.WriteMsgUDP(packet, nil, addr)
			}
		})
	}
}
