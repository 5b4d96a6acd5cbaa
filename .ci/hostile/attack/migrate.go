package attack

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

// movers is how many players move at once, moveEvery how often each.
const (
	movers    = 20
	moveEvery = 50 * time.Millisecond
)

// migrations has players change their port and address 20 times a second, while they play.
var migrations = Attack{
	Name: "migrations", Says: "20 players who change their address and port 20 times a second",
	PerSecond: movers * float64(time.Second/moveEvery), Unit: "moves", Counters: []string{"transport.moves"},
	run: func(ctx context.Context, a *Attacker) error {
		var work sync.WaitGroup
		for range movers {
			work.Go(func() {
				for ctx.Err() == nil {
					if err := a.move(ctx); err != nil && ctx.Err() == nil {
						a.note(err)
						wait(ctx, 100*time.Millisecond)
					}
				}
			})
		}
		work.Wait()
		return nil
	},
}

// move plays and moves until the connection ends.
func (a *Attacker) move(ctx context.Context) error {
	to, err := net.ResolveUDPAddr("udp4", a.Target.Addr)
	if err != nil {
		return err
	}
	r := &roaming{network: a.Net, got: make(chan parcel, 64), closed: make(chan struct{})}
	tr := &quic.Transport{Conn: r}
	defer tr.Close() // after r, whose end it waits for
	defer r.Close()
	if err := r.roam(); err != nil {
		return err
	}
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := tr.Dial(dialing, to, careless(protocol.ALPN), &quic.Config{EnableDatagrams: true})
	if err != nil {
		return err
	}
	p := &player{Conn: conn, transport: tr}
	defer conn.CloseWithError(0, "")
	if err := a.hello(p, protocol.Hello{}); err != nil {
		return err
	}
	for ctx.Err() == nil && conn.Context().Err() == nil {
		if err := r.roam(); err != nil {
			return err
		}
		if err := conn.SendDatagram(a.input(p, p.tick()+3, 1)); err != nil {
			return err
		}
		a.note(nil)
		wait(ctx, time.Duration(float64(movers)/a.rate*float64(time.Second)))
	}
	return nil
}

// roaming is a socket that becomes another one now and then. What comes to the one before is still read.
type roaming struct {
	network *Network
	got     chan parcel
	closed  chan struct{}
	once    sync.Once
	work    sync.WaitGroup
	now     atomic.Pointer[Socket]
	before  *Socket
}

type parcel struct {
	b    []byte
	from net.Addr
}

// roam takes another socket.
func (r *roaming) roam() error {
	s, err := r.network.Listen()
	if err != nil {
		return err
	}
	if r.before != nil {
		r.before.Close()
	}
	r.before = r.now.Swap(s)
	r.work.Go(func() {
		b := make([]byte, 1500)
		for {
			n, from, err := s.ReadFrom(b)
			if err != nil {
				return
			}
			select {
			case r.got <- parcel{append([]byte(nil), b[:n]...), from}:
			case <-r.closed:
				return
			}
		}
	})
	return nil
}

// ReadFrom returns what came to any of its sockets.
func (r *roaming) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-r.got:
		return copy(b, p.b), p.from, nil
	case <-r.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo sends from the latest.
func (r *roaming) WriteTo(b []byte, to net.Addr) (int, error) { return r.now.Load().WriteTo(b, to) }

// Close closes them.
func (r *roaming) Close() error {
	r.once.Do(func() {
		close(r.closed)
		for _, s := range []*Socket{r.before, r.now.Load()} {
			if s != nil {
				s.Close()
			}
		}
		r.work.Wait()
	})
	return nil
}

// LocalAddr is the latest one's; nobody sets deadlines.
func (r *roaming) LocalAddr() net.Addr              { return r.now.Load().LocalAddr() }
func (r *roaming) SetDeadline(time.Time) error      { return nil }
func (r *roaming) SetReadDeadline(time.Time) error  { return nil }
func (r *roaming) SetWriteDeadline(time.Time) error { return nil }
func (r *roaming) SetReadBuffer(int) error          { return nil }
func (r *roaming) SetWriteBuffer(int) error         { return nil }
