package transport_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// worse runs play with a connection that is impaired for a while, in virtual time; restore makes it as it was.
func worse(t *testing.T, how transport.Impairment, play func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats)) {
	t.Helper()
	t.Logf("seed %d", how.Seed)
	synctest.Test(t, func(t *testing.T) {
		conn, far := transport.Pipe(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1})
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		var stats transport.ImpairedStats
		work.Go(func() {
			var err error
			if stats, err = conn.Impair(ctx, how); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		play(t, conn, far, func() transport.ImpairedStats {
			cancel()
			work.Wait()
			return stats
		})
		cancel()
		conn.Close(protocol.CloseNormal, "")
		work.Wait()
	})
}

// arrival is a numbered datagram, and how long after the beginning it came.
type arrival struct {
	n  byte
	at time.Duration
}

// down sends datagrams a millisecond apart, and returns what has arrived until some time later.
func down(t *testing.T, conn *transport.Conn, far *transport.Far, count int, later time.Duration) (got []arrival) {
	t.Helper()
	from := time.Now()
	space := make([]byte, 1) // which is used again
	for n := 0; time.Since(from) < time.Duration(count)*time.Millisecond+later; n++ {
		if space[0] = byte(n); n < count {
			if err := conn.SendDatagram(space); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		for _, b := range far.Datagrams() {
			got = append(got, arrival{b[0], time.Since(from)})
		}
	}
	return got
}

// up is the same the other way.
func up(t *testing.T, conn *transport.Conn, far *transport.Far, count int, later time.Duration) (got []arrival) {
	t.Helper()
	from := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(count)*time.Millisecond+later)
	defer cancel()
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() {
		for n := range count {
			far.Datagram([]byte{byte(n)})
			time.Sleep(time.Millisecond)
		}
	})
	for {
		b, err := conn.ReceiveDatagram(ctx)
		if err != nil {
			return got
		}
		got = append(got, arrival{b[0], time.Since(from)})
	}
}

// TestAnImpairedConnIsLateBothWays by half of the delay each, until it is as it was.
func TestAnImpairedConnIsLateBothWays(t *testing.T) {
	for name, pass := range map[string]func(*testing.T, *transport.Conn, *transport.Far, int, time.Duration) []arrival{"down": down, "up": up} {
		t.Run(name, func(t *testing.T) {
			worse(t, transport.Impairment{Delay: 100 * time.Millisecond}, func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats) {
				wantEach := func(why string, got []arrival, delay time.Duration) {
					t.Helper()
					if len(got) != 100 {
						t.Fatalf("%s: %d datagrams came, want 100", why, len(got))
					}
					for n, a := range got {
						if late := a.at - time.Duration(n)*time.Millisecond; a.n != byte(n) || late < delay || late > delay+time.Millisecond {
							t.Fatalf("%s: place %d has datagram %d, %v late", why, n, a.n, late)
						}
					}
				}
				wantEach("impaired", pass(t, conn, far, 100, time.Second), 50*time.Millisecond)
				if stats := restore(); stats != (transport.ImpairedStats{}) {
					t.Errorf("%+v", stats)
				}
				wantEach("as it was", pass(t, conn, far, 100, time.Second), 0)
			})
		})
	}
}

func TestWhatWaitsComesAtOnceWhenItIsOver(t *testing.T) {
	worse(t, transport.Impairment{Delay: 10 * time.Second}, func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats) {
		if got := down(t, conn, far, 20, time.Second); len(got) != 0 {
			t.Fatalf("%d datagrams came after a second", len(got))
		}
		if got := up(t, conn, far, 20, time.Second); len(got) != 0 {
			t.Fatalf("%d datagrams came in after a second", len(got))
		}
		restore()
		if got := far.Datagrams(); len(got) != 20 || got[19][0] != 19 {
			t.Errorf("%d datagrams came when it was over", len(got))
		}
		for n := range 20 {
			if b, err := conn.ReceiveDatagram(t.Context()); err != nil || b[0] != byte(n) {
				t.Errorf("in place %d came %v, %v", n, b, err)
			}
		}
	})
}

// TestTheReceiverThatWaitsIsToldOfTheEnd: nothing more comes in, and yet what waits is taken.
func TestTheReceiverThatWaitsIsToldOfTheEnd(t *testing.T) {
	worse(t, transport.Impairment{Delay: 10 * time.Second}, func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats) {
		from := time.Now()
		far.Datagram([]byte{7})
		var work sync.WaitGroup
		work.Go(func() {
			if b, err := conn.ReceiveDatagram(t.Context()); err != nil || b[0] != 7 || time.Since(from) != time.Second {
				t.Errorf("%v, %v after %v", b, err, time.Since(from))
			}
		})
		time.Sleep(time.Second)
		restore()
		work.Wait()
	})
}

func TestAnImpairedConnLosesItsShare(t *testing.T) {
	worse(t, transport.Impairment{Loss: 0.1, Jitter: 40 * time.Millisecond, Seed: 5}, func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats) {
		went, came := down(t, conn, far, 5000, time.Second), up(t, conn, far, 5000, time.Second)
		for _, got := range [][]arrival{went, came} {
			if lost := 5000 - len(got); lost < 390 || lost > 610 { // five standard deviations to either side
				t.Errorf("%d of 5,000 were lost", lost)
			}
		}
		if stats := restore(); stats.Lost != uint64(10_000-len(went)-len(came)) {
			t.Errorf("%+v, and %d and %d came", stats, len(went), len(came))
		}
	})
}

func TestWhatWaitsOnAnImpairedConnIsBounded(t *testing.T) {
	worse(t, transport.Impairment{Delay: 10 * time.Second}, func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats) {
		for range 1000 {
			if err := conn.SendDatagram([]byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		var work sync.WaitGroup
		var came int
		done := make(chan struct{})
		work.Go(func() {
			defer close(done)
			if stats := restore(); stats.Overflowed != 1000-512 {
				t.Errorf("%+v", stats)
			}
		})
		for open := true; open; {
			synctest.Wait()
			came += len(far.Datagrams())
			select {
			case <-done:
				open = false
			default:
			}
		}
		work.Wait()
		if came != 512 {
			t.Errorf("%d came", came)
		}
	})
}

// TestTheStreamOfAnImpairedConnIsLateAndWhole, and a connection that ends lets nobody wait.
func TestTheStreamOfAnImpairedConnIsLateAndWhole(t *testing.T) {
	worse(t, transport.Impairment{Delay: 200 * time.Millisecond, Jitter: 100 * time.Millisecond, Loss: 0.5}, func(t *testing.T, conn *transport.Conn, far *transport.Far, restore func() transport.ImpairedStats) {
		far.Write([]byte("hello"))
		s, err := conn.Control(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		got := make([]byte, 5)
		if _, err := io.ReadFull(s, got); err != nil || string(got) != "hello" || time.Since(from) < 50*time.Millisecond {
			t.Errorf("%q after %v, %v", got, time.Since(from), err)
		}
		var want, read strings.Builder
		for n := range 50 {
			frame := protocol.AppendFrame(nil, []byte{byte(n)})
			want.Write(frame)
			from := time.Now()
			if _, err := s.Write(frame); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(from); late < 50*time.Millisecond || late > 150*time.Millisecond {
				t.Errorf("a frame took %v", late)
			}
			read.Write(far.Read())
		}
		if read.String() != want.String() {
			t.Errorf("%x came, want %x", read.String(), want.String())
		}
		var work sync.WaitGroup
		work.Go(func() { s.Write(protocol.AppendFrame(nil, []byte{1})) })
		synctest.Wait()
		conn.Close(protocol.CloseNormal, "")
		from = time.Now()
		work.Wait()
		if took := time.Since(from); took != 0 {
			t.Errorf("a frame waits for %v more on a connection that has ended", took)
		}
		restore()
	})
}

func TestImpairmentCheck(t *testing.T) {
	for field, bad := range map[string]transport.Impairment{
		"delay": {Delay: -1}, "jitter": {Jitter: time.Hour}, "loss": {Loss: math.NaN()},
	} {
		conn, _ := transport.Pipe(&net.UDPAddr{})
		if _, err := conn.Impair(t.Context(), bad); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%+v gives %v", bad, err)
		}
		conn.Close(protocol.CloseNormal, "")
		if _, err := conn.ReceiveDatagram(t.Context()); err == nil || errors.Is(err, context.Canceled) && t.Context().Err() != nil {
			t.Errorf("the connection has ended, and gives %v", err)
		}
	}
}

// BenchmarkSendDatagram is what may be impaired costs while it is not: a look at a pointer.
func BenchmarkSendDatagram(b *testing.B) {
	conn, far := transport.Pipe(&net.UDPAddr{})
	data := make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if err := conn.SendDatagram(data); err != nil {
			b.Fatal(err)
		}
		far.Datagrams()
	}
}
