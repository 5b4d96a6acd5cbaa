package bots_test

import (
	"encoding/binary"
	"errors"
	"math"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
)

// wire is an inner conn in memory: what is written to it is kept, and what is put on it is read.
type wire struct {
	incoming chan []byte
	failing  chan error
	closed   chan struct{}

	mu      sync.Mutex // guards what follows
	sent    []arrival
	refuse  error // of WriteTo; nil for none
	stuck   bool  // WriteTo waits until Close
	bufsize int
}

// arrival is a numbered packet, and how long after the beginning it came.
type arrival struct {
	n  uint32
	at time.Duration
}

var (
	near = &net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}
	far  = &net.UDPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 2}
	// beginning is when every bubble's clock starts.
	beginning = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
)

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-w.incoming:
		return copy(b, p), far, nil
	case err := <-w.failing:
		return 0, nil, err
	case <-w.closed:
		return 0, nil, net.ErrClosed
	}
}

func (w *wire) WriteTo(b []byte, addr net.Addr) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck {
		<-w.closed
		return 0, net.ErrClosed
	}
	if w.refuse != nil {
		return 0, w.refuse
	}
	w.sent = append(w.sent, arrival{numberOf(b), time.Since(beginning)})
	return len(b), nil
}

func (w *wire) Close() error {
	close(w.closed)
	return nil
}

func (w *wire) LocalAddr() net.Addr         { return near }
func (w *wire) SetDeadline(time.Time) error { return errors.New("the inner deadlines are not used") }
func (w *wire) SetReadDeadline(time.Time) error {
	return errors.New("the inner deadlines are not used")
}
func (w *wire) SetWriteDeadline(time.Time) error {
	return errors.New("the inner deadlines are not used")
}

func (w *wire) SetReadBuffer(n int) error {
	w.bufsize = n
	return nil
}

// numbered is the packet that carries n, 1,200 bytes long.
func numbered(n uint32) []byte {
	return binary.BigEndian.AppendUint32(make([]byte, 1196), n)
}

func numberOf(b []byte) uint32 {
	if len(b) != 1200 {
		return math.MaxUint32
	}
	return binary.BigEndian.Uint32(b[1196:])
}

// rig is an impaired conn in virtual time.
type rig struct {
	t    *testing.T
	wire *wire
	conn *bots.ImpairedConn
}

// impaired runs play with a conn that is closed afterwards; the bubble fails the test when a goroutine is left.
func impaired(t *testing.T, i bots.Impairment, play func(*rig)) {
	t.Helper()
	t.Logf("seed %d", i.Seed)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{incoming: make(chan []byte, 20_000), failing: make(chan error), closed: make(chan struct{})}
		r := &rig{t: t, wire: w, conn: bots.Impair(w, i)}
		play(r)
		if err := r.conn.Close(); err != nil {
			t.Error(err)
		}
	})
}

// write sends packets with the numbers from first on, gap apart, and returns what has arrived a minute later.
func (r *rig) write(count int, gap time.Duration) []arrival {
	r.t.Helper()
	for n := range count {
		if sent, err := r.conn.WriteTo(numbered(uint32(n)), far); sent != 1200 || err != nil {
			r.t.Fatalf("packet %d: %d, %v", n, sent, err)
		}
		if gap > 0 {
			time.Sleep(gap)
		}
	}
	time.Sleep(time.Minute)
	r.wire.mu.Lock()
	defer r.wire.mu.Unlock()
	return slices.Clone(r.wire.sent)
}

// read puts packets on the wire, gap apart, and returns what was read until a minute later.
func (r *rig) read(count int, gap time.Duration) []arrival {
	r.t.Helper()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		for n := range count {
			r.wire.incoming <- numbered(uint32(n))
			time.Sleep(gap)
		}
	})
	var got []arrival
	b := make([]byte, 1500)
	for {
		r.conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, addr, err := r.conn.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err != nil || addr != far {
			r.t.Fatalf("read from %v: %v", addr, err)
		}
		got = append(got, arrival{numberOf(b[:n]), time.Since(beginning)})
	}
}

// ways runs a test on either direction.
func ways(t *testing.T, i bots.Impairment, test func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival)) {
	t.Run("up", func(t *testing.T) {
		impaired(t, i, func(r *rig) { test(r.t, r, r.write) })
	})
	t.Run("down", func(t *testing.T) {
		impaired(t, i, func(r *rig) { test(r.t, r, r.read) })
	})
}

func numbersOf(all []arrival) []uint32 {
	var numbers []uint32
	for _, a := range all {
		numbers = append(numbers, a.n)
	}
	return numbers
}

func TestAGoodNetworkChangesNothing(t *testing.T) {
	ways(t, bots.Impairment{}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		got := pass(1000, time.Millisecond)
		if len(got) != 1000 {
			t.Fatalf("%d packets came, want 1000", len(got))
		}
		for n, a := range got {
			if want := time.Duration(n) * time.Millisecond; a.n != uint32(n) || a.at != want {
				t.Fatalf("place %d has packet %d at %v, want its own at %v", n, a.n, a.at, want)
			}
		}
		if got, want := r.conn.Stats(), (bots.ImpairedStats{Packets: 1000}); got != want {
			t.Errorf("the stats are %+v, want %+v", got, want)
		}
	})
}

func TestLoss(t *testing.T) {
	ways(t, bots.Impairment{Loss: 0.1, Seed: 1}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		got := pass(10_000, 10*time.Microsecond)
		// Five standard deviations of 30 to either side.
		if lost := 10_000 - len(got); lost < 850 || lost > 1150 || r.conn.Stats().Lost != uint64(lost) {
			t.Errorf("%d of 10,000 were lost and %d counted, want about 1,000", lost, r.conn.Stats().Lost)
		}
		if !slices.IsSorted(numbersOf(got)) {
			t.Error("the rest is not in order")
		}
	})
}

func TestTheSeedDecidesWhatIsLost(t *testing.T) {
	luck := func(seed uint64) (got []uint32) {
		impaired(t, bots.Impairment{Loss: 0.5, Seed: seed}, func(r *rig) { got = numbersOf(r.write(100, 0)) })
		return got
	}
	if !slices.Equal(luck(1), luck(1)) {
		t.Error("the same seed gives another result")
	}
	if slices.Equal(luck(1), luck(2)) {
		t.Error("another seed gives the same result")
	}
}

func TestAllIsLost(t *testing.T) {
	ways(t, bots.Impairment{Loss: 1}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		if got := pass(100, 0); len(got) != 0 {
			t.Errorf("%d packets came, want none", len(got))
		}
	})
}

func TestDelayIsHalfOfTheRoundTripEachWay(t *testing.T) {
	ways(t, bots.Impairment{Delay: 100 * time.Millisecond}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		got := pass(1000, time.Millisecond)
		if len(got) != 1000 {
			t.Fatalf("%d packets came, want 1000", len(got))
		}
		for n, a := range got {
			if want := time.Duration(n)*time.Millisecond + 50*time.Millisecond; a.n != uint32(n) || a.at != want {
				t.Fatalf("place %d has packet %d at %v, want its own at %v", n, a.n, a.at, want)
			}
		}
	})
}

func TestAnOddDelayAddsUp(t *testing.T) {
	impaired(t, bots.Impairment{Delay: 3}, func(r *rig) {
		up := r.write(1, 0)
		asked := time.Since(beginning)
		down := r.read(1, 0)
		if trip := up[0].at + down[0].at - asked; trip != 3 {
			t.Errorf("the round trip takes %d ns, want 3", trip)
		}
	})
}

func TestJitterFillsItsRange(t *testing.T) {
	const delay, jitter = 100 * time.Millisecond, 40 * time.Millisecond
	ways(t, bots.Impairment{Delay: delay, Jitter: jitter, Seed: 2}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		least, most := time.Hour, time.Duration(0)
		for _, a := range pass(1000, 100*time.Millisecond) {
			took := a.at - time.Duration(a.n)*100*time.Millisecond
			least, most = min(least, took), max(most, took)
		}
		// With 1,000 draws each end of the range is reached within 2 % of it.
		if least < 30*time.Millisecond || least > 31*time.Millisecond || most > 70*time.Millisecond || most < 69*time.Millisecond {
			t.Errorf("packets took from %v to %v, want from 30 to 70 ms", least, most)
		}
	})
}

func TestJitterNeverGoesBackInTime(t *testing.T) {
	ways(t, bots.Impairment{Jitter: 40 * time.Millisecond, Seed: 3}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		atOnce := 0
		for _, a := range pass(1000, 100*time.Millisecond) {
			took := a.at - time.Duration(a.n)*100*time.Millisecond
			if took < 0 || took > 20*time.Millisecond {
				t.Fatalf("packet %d took %v, want 0 to 20 ms", a.n, took)
			}
			if took == 0 {
				atOnce++
			}
		}
		// Half of 1,000, and five standard deviations of 16.
		if atOnce < 420 || atOnce > 580 {
			t.Errorf("%d of 1,000 took no time, want half", atOnce)
		}
	})
}

func TestDuplicate(t *testing.T) {
	ways(t, bots.Impairment{Duplicate: 0.2, Delay: time.Millisecond, Seed: 4}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		got := numbersOf(pass(10_000, 10*time.Microsecond))
		twice := len(got) - 10_000
		// Five standard deviations of 40 to either side.
		if twice < 1800 || twice > 2200 || r.conn.Stats().Duplicated != uint64(twice) {
			t.Errorf("%d of 10,000 came twice and %d were counted, want about 2,000", twice, r.conn.Stats().Duplicated)
		}
		if !slices.IsSorted(got) {
			t.Error("a copy with the same delay is not next to its twin")
		}
		if got := slices.Compact(got); len(got) != 10_000 {
			t.Errorf("%d different packets came, want all", len(got))
		}
	})
}

func TestReorder(t *testing.T) {
	for _, delay := range []time.Duration{0, 60 * time.Millisecond} {
		i := bots.Impairment{Reorder: 0.1, Delay: delay, Seed: 5}
		ways(t, i, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
			const tick = time.Second / 30
			got := pass(1000, tick)
			held, overtaken := 0, 0
			for place, a := range got {
				took := a.at - time.Duration(a.n)*tick - delay/2
				if took == 40*time.Millisecond {
					held++
				} else if took != 0 {
					t.Fatalf("packet %d took %v more than its delay, want 0 or 40 ms", a.n, took)
				}
				if place > 0 && a.n < got[place-1].n {
					overtaken++
				}
			}
			if len(got) != 1000 || uint64(held) != r.conn.Stats().Reordered {
				t.Errorf("%d packets came, %d of them late and %d counted", len(got), held, r.conn.Stats().Reordered)
			}
			// About 100 are held back, and nine in ten of those have one behind them that is not.
			if held < 50 || held > 150 || overtaken < held/2 {
				t.Errorf("%d were held back and %d overtaken, at one packet a tick", held, overtaken)
			}
		})
	}
}

func TestQueuesAreBounded(t *testing.T) {
	ways(t, bots.Impairment{Delay: 2 * time.Second}, func(t *testing.T, r *rig, pass func(int, time.Duration) []arrival) {
		got := numbersOf(pass(5000, 0))
		if len(got) != 4096 || got[4095] != 4095 || r.conn.Stats().Overflowed != 5000-4096 {
			t.Errorf("%d packets came and %d overflowed, want the first 4,096", len(got), r.conn.Stats().Overflowed)
		}
		if got := len(pass(10, 0)); got < 10 {
			t.Errorf("%d packets came after that, want 10 more", got)
		}
	})
}

func TestWhatNobodyReadsIsBounded(t *testing.T) {
	impaired(t, bots.Impairment{}, func(r *rig) {
		for n := range 5000 {
			r.wire.incoming <- numbered(uint32(n))
		}
		synctest.Wait()
		if got := len(r.read(0, 0)); got != 4096 || r.conn.Stats().Overflowed != 5000-4096 {
			t.Errorf("%d packets were read and %d overflowed, want 4,096", got, r.conn.Stats().Overflowed)
		}
	})
}

// wantTimeout checks for the error that quic-go knows as the end of a deadline.
func wantTimeout(t *testing.T, err error) {
	t.Helper()
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the error is %v, want os.ErrDeadlineExceeded", err)
	}
}

func TestDeadlines(t *testing.T) {
	impaired(t, bots.Impairment{}, func(r *rig) {
		b := make([]byte, 1500)
		start := time.Now()
		r.conn.SetReadDeadline(start.Add(3 * time.Second))
		_, _, err := r.conn.ReadFrom(b)
		if wantTimeout(t, err); time.Since(start) != 3*time.Second {
			t.Errorf("the deadline came after %v, want 3 s", time.Since(start))
		}
		r.wire.incoming <- numbered(7)
		synctest.Wait()
		_, _, err = r.conn.ReadFrom(b)
		wantTimeout(t, err)
		r.conn.SetDeadline(time.Time{})
		if n, _, err := r.conn.ReadFrom(b); err != nil || numberOf(b[:n]) != 7 {
			t.Errorf("without the deadline: %v", err)
		}

		var work sync.WaitGroup
		work.Go(func() {
			_, _, err := r.conn.ReadFrom(b)
			wantTimeout(t, err)
		})
		synctest.Wait()
		r.conn.SetReadDeadline(time.Now())
		work.Wait()

		r.conn.SetDeadline(time.Now())
		_, err = r.conn.WriteTo(b, far)
		wantTimeout(t, err)
	})
}

func TestCloseSendsWhatIsUnderWay(t *testing.T) {
	impaired(t, bots.Impairment{Delay: 2 * time.Second}, func(r *rig) {
		start := time.Now()
		for n := range 10 {
			r.conn.WriteTo(numbered(uint32(n)), far)
		}
		r.wire.incoming <- numbered(0)
		var work sync.WaitGroup
		work.Go(func() {
			if _, _, err := r.conn.ReadFrom(make([]byte, 1500)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a waiting reader is told %v, want net.ErrClosed", err)
			}
		})
		synctest.Wait()
		r.conn.Close()
		work.Wait()
		if got := numbersOf(r.wire.sent); len(got) != 10 || !slices.IsSorted(got) {
			t.Errorf("%d packets were sent before the end, want all ten in order", len(got))
		}
		if time.Since(start) != 0 {
			t.Errorf("Close took %v", time.Since(start))
		}
		if _, err := r.conn.WriteTo(numbered(0), far); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a writer is told %v, want net.ErrClosed", err)
		}
		if err := r.conn.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline says %v, want net.ErrClosed", err)
		}
	})
}

func TestCloseDoesNotWaitForAStuckWrite(t *testing.T) {
	impaired(t, bots.Impairment{Delay: 2 * time.Second}, func(r *rig) {
		r.wire.stuck = true
		r.conn.WriteTo(numbered(0), far)
		start := time.Now()
		r.conn.Close()
		if took := time.Since(start); took != 100*time.Millisecond || r.conn.Stats().Unsent != 1 {
			t.Errorf("Close took %v, want 100 ms, and %d packets were not sent, want 1", took, r.conn.Stats().Unsent)
		}
	})
}

func TestErrorsOfTheInnerConn(t *testing.T) {
	impaired(t, bots.Impairment{}, func(r *rig) {
		cause := errors.New("no route")
		r.wire.refuse = cause
		if _, err := r.conn.WriteTo(numbered(0), far); !errors.Is(err, cause) {
			t.Errorf("a packet without delay gives %v, want the inner error", err)
		}
		r.wire.failing <- cause
		b := make([]byte, 1500)
		if _, _, err := r.conn.ReadFrom(b); !errors.Is(err, cause) {
			t.Errorf("the reader is told %v, want the inner error", err)
		}
		r.wire.incoming <- numbered(5)
		if n, _, err := r.conn.ReadFrom(b); err != nil || numberOf(b[:n]) != 5 {
			t.Errorf("after the error: %v, want packet 5", err)
		}
	})
	impaired(t, bots.Impairment{Delay: time.Second}, func(r *rig) {
		r.wire.refuse = errors.New("no route")
		if r.write(3, 0); r.conn.Stats().Unsent != 3 {
			t.Errorf("%d packets were refused after their delay, want 3", r.conn.Stats().Unsent)
		}
	})
}

func TestWhatTheInnerConnIsAsked(t *testing.T) {
	impaired(t, bots.Impairment{}, func(r *rig) {
		if r.conn.LocalAddr() != near {
			t.Errorf("the address is %v", r.conn.LocalAddr())
		}
		if err := r.conn.SetReadBuffer(4096); err != nil || r.wire.bufsize != 4096 {
			t.Errorf("SetReadBuffer: %v, size %d", err, r.wire.bufsize)
		}
		if err := r.conn.SetWriteBuffer(4096); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("SetWriteBuffer, which the inner conn has not: %v", err)
		}
	})
}

func TestImpairmentCheck(t *testing.T) {
	good := bots.Impairment{Loss: 1, Duplicate: 1, Reorder: 1, Delay: 10 * time.Second, Jitter: 10 * time.Second}
	for _, i := range []bots.Impairment{{}, good} {
		if err := i.Check(); err != nil {
			t.Errorf("%+v: %v", i, err)
		}
	}
	bad := []struct {
		field string
		i     bots.Impairment
	}{
		{"Loss", bots.Impairment{Loss: -0.1}},
		{"Loss", bots.Impairment{Loss: 1.1}},
		{"Loss", bots.Impairment{Loss: math.NaN()}},
		{"Duplicate", bots.Impairment{Duplicate: math.Inf(1)}},
		{"Reorder", bots.Impairment{Reorder: 5}},
		{"Delay", bots.Impairment{Delay: -1}},
		{"Delay", bots.Impairment{Delay: 11 * time.Second}},
		{"Jitter", bots.Impairment{Jitter: time.Hour}},
	}
	for _, c := range bad {
		if err := c.i.Check(); err == nil || !strings.Contains(err.Error(), c.field) {
			t.Errorf("%+v gives %v, want an error that names %s", c.i, err, c.field)
		}
	}
}

// BenchmarkImpairedWrite is what the network costs a packet that has a delay, the inner conn aside.
func BenchmarkImpairedWrite(b *testing.B) {
	w := &nowhere{closed: make(chan struct{})}
	c := bots.Impair(w, bots.Impairment{Delay: time.Microsecond, Loss: 0.01})
	defer c.Close()
	p := numbered(1)
	b.ReportAllocs()
	for b.Loop() {
		c.WriteTo(p, far)
	}
}

// nowhere is an inner conn that nothing comes from and that forgets what it gets.
type nowhere struct {
	wire
	closed chan struct{}
}

func (n *nowhere) ReadFrom([]byte) (int, net.Addr, error) {
	<-n.closed
	return 0, nil, net.ErrClosed
}

func (n *nowhere) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), nil }

func (n *nowhere) Close() error {
	close(n.closed)
	return nil
}
