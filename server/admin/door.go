package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server/contain"
	"github.com/quicstep/quicstep/server/quota"
)

// Door lets operators in.
type Door struct {
	cfg         Config
	acts        map[admin.Act]act
	credentials credentials
	audit       *audit
	slow        slow
	started     time.Time
	socket      net.PacketConn // nil when it is the caller's
	quic        *quic.Transport
	listener    *quic.Listener
	conns       atomic.Int64
	counters    counters
	panics      *contain.Panics
	handshakes  *handshakes
	arriving    *quota.Counts           // connections before the login, by address
	consoles    *quota.CountsOf[string] // those after it, by the hash of their credential
	reads       *quota.RatesOf[string]  // what is read, likewise
	sights      *quota.RatesOf[string]  // what of it is asked of players' passes
	refusals    *quota.RatesOf[string]  // lines of the audit log on what was refused
	profiling   sync.Mutex              // held while a profile is taken
	troubles    troubles                // has its own mutex
	ended       atomic.Bool             // Run stores whether the socket has broken
}

// refusalsPerMinute bounds the lines of the audit log on what one credential was refused for its role, as many at once: who
// may do nothing does not fill the log.
const refusalsPerMinute = 10

// Stats are the door's figures since it was opened.
type Stats struct {
	// Conns are open now. Logins are those who came in.
	Conns  int64
	Logins uint64
	// RefusedNone said no hello, or one without a token; RefusedForeign had a token that is nobody's, RefusedExpired one that
	// has expired. Slowed had to wait since others from their address had wrong ones, of which RefusedSlow waited in vain.
	RefusedNone, RefusedForeign, RefusedExpired, Slowed, RefusedSlow uint64
	// RefusedFull came when there were Limits.MaxConns, Limits.MaxArrivingPerAddress of their address, or
	// Limits.MaxConnsPerCredential of their credential; RefusedHandshakes when too many handshakes were under way, or had just
	// been of their address.
	RefusedFull, RefusedHandshakes uint64
	// Requests came; RefusedRole of them were not for the role of who asked, of which UnauditedRefusals do not stand in the
	// audit log, for there were more than ten a minute of their credential. RefusedFast were more than Limits.ActsPerSecond;
	// RefusedReads and RefusedSights are answers that were more than Limits.ReadsPerSecond and SightsPerSecond.
	Requests, RefusedRole, UnauditedRefusals, RefusedFast, RefusedReads, RefusedSights uint64
	// Acts were done, or tried, each written down first. AuditFailed are lines of the audit log that could not be written: an
	// act without its first line was not done.
	Acts, AuditFailed uint64
	// Unread are answers that a console did not take within Limits.RequestTimeout: each has cost its stream.
	Unread uint64
	// Panics were contained: each has cost one request, or one console.
	Panics uint64
	// Ended tells that the door lets nobody in any more, for its socket has broken; Run has returned why.
	Ended bool
}

type counters struct {
	logins, none, foreign, expired, slowed, tooSlow, full, requests, role, unaudited, fast, reads, sights, acts, unread atomic.Uint64
}

// Stats returns the figures. Any goroutine may call it.
func (d *Door) Stats() Stats {
	c := &d.counters
	return Stats{
		Conns: d.conns.Load(), Logins: c.logins.Load(), RefusedNone: c.none.Load(), RefusedForeign: c.foreign.Load(), RefusedExpired: c.expired.Load(),
		Slowed: c.slowed.Load(), RefusedSlow: c.tooSlow.Load(), RefusedFull: c.full.Load(), RefusedHandshakes: d.handshakes.refused.Load(), Requests: c.requests.Load(),
		RefusedRole: c.role.Load(), UnauditedRefusals: c.unaudited.Load(), RefusedFast: c.fast.Load(), RefusedReads: c.reads.Load(), RefusedSights: c.sights.Load(),
		Acts: c.acts.Load(), AuditFailed: d.audit.failed.Load(), Unread: c.unread.Load(), Panics: d.panics.Counts()["admin"], Ended: d.ended.Load(),
	}
}

// Listen opens the door: its socket, the credentials and the audit log. The error wraps ErrNoFolder when nobody has made
// credentials yet. A Door that is not run must be closed.
func Listen(cfg Config) (*Door, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, err := cfg.Folder.Credentials(); err != nil {
		return nil, err
	}
	cert, err := cfg.Folder.certificate()
	if err != nil {
		return nil, err
	}
	l := cfg.Limits
	d := &Door{
		cfg: cfg, acts: acts(), credentials: credentials{path: cfg.Folder.path(credentialsFile)}, started: time.Now(),
		slow: newSlow(l), panics: contain.NewPanics(cfg.Log), arriving: quota.NewCounts(l.MaxArrivingPerAddress),
		consoles: quota.NewCountsOf[string](l.MaxConnsPerCredential), handshakes: newHandshakes(),
		reads: byCredential(l.ReadsPerSecond, 1), sights: byCredential(l.SightsPerSecond, 1), refusals: byCredential(refusalsPerMinute, 60),
	}
	if d.audit, err = openAudit(cfg.Folder.path(auditFile)); err != nil {
		return nil, err
	}
	// What QUIC does for the door counts as the door's in profiles.
	pprof.Do(context.Background(), workLabels, func(context.Context) { err = d.open(cert) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s for operators: %w", cfg.Addr, err), d.audit.close())
	}
	return d, nil
}

// byCredential paces what is done, as often in so many seconds, as many at once.
func byCredential(often, seconds int) *quota.RatesOf[string] {
	return quota.NewRatesOf[string](quota.Rate{PerSecond: float64(often) / float64(seconds), Burst: often}, maxCredentials)
}

// workLabels are those of the door's goroutines, beside the server's.
var workLabels = pprof.Labels("work", "admin")

func (d *Door) open(cert tls.Certificate) error {
	conn := d.cfg.PacketConn
	if conn == nil {
		addr, err := net.ResolveUDPAddr("udp", d.cfg.Addr)
		if err != nil {
			return err
		}
		socket, err := net.ListenUDP("udp", addr)
		if err != nil {
			return err
		}
		d.socket, conn = socket, socket
	}
	d.quic = &quic.Transport{Conn: conn, ConnContext: d.handshakes.begin, VerifySourceAddress: func(net.Addr) bool { return true }}
	var err error
	d.listener, err = d.quic.Listen(&tls.Config{
		Certificates: []tls.Certificate{cert}, NextProtos: []string{admin.ALPN}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
		GetConfigForClient: d.handshakes.turn,
	}, &quic.Config{
		HandshakeIdleTimeout: d.cfg.Limits.HelloTimeout, MaxIdleTimeout: idleTimeout,
		MaxIncomingStreams: int64(d.cfg.Limits.MaxRequests), MaxIncomingUniStreams: -1,
		InitialStreamReceiveWindow: streamWindow, MaxStreamReceiveWindow: streamWindow,
		InitialConnectionReceiveWindow: 4 * streamWindow, MaxConnectionReceiveWindow: 4 * streamWindow,
	})
	if err != nil && d.socket != nil {
		d.socket.Close()
	}
	return err
}

const (
	idleTimeout  = 30 * time.Second // without a packet, which a console sends now and then
	streamWindow = 2 * admin.MaxRequest
)

// Addr is where the door is.
func (d *Door) Addr() net.Addr { return d.listener.Addr() }

// Close closes the door and everything behind it. Run does so itself.
func (d *Door) Close() error {
	err := errors.Join(d.listener.Close(), d.quic.Close())
	if d.socket != nil {
		err = errors.Join(err, d.socket.Close())
	}
	return errors.Join(err, d.audit.close())
}

// Run lets operators in until ctx ends, and returns when nothing of theirs is under way any more. It returns nil then, or why
// it could not go on: its socket is broken.
func (d *Door) Run(ctx context.Context) (err error) {
	var work sync.WaitGroup
	pprof.Do(ctx, workLabels, func(ctx context.Context) {
		looking, stop := context.WithCancel(ctx)
		defer stop()
		work.Go(func() { d.lookAfter(looking) })
		err = d.accept(ctx, &work)
	})
	d.ended.Store(err != nil)
	work.Wait()
	return errors.Join(err, d.Close())
}

// accept lets consoles in until ctx ends, or the socket does.
func (d *Door) accept(ctx context.Context, work *sync.WaitGroup) error {
	for {
		conn, err := d.listener.Accept(ctx)
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept consoles: %w", err)
		}
		work.Go(func() { d.serve(ctx, conn) })
	}
}

// serve is the life of a connection.
func (d *Door) serve(ctx context.Context, conn *quic.Conn) {
	defer d.panics.Catch("admin", func() { closeWith(conn, protocol.CloseRefused, failedHere) })
	defer d.conns.Add(-1)
	if d.conns.Add(1) > int64(d.cfg.Limits.MaxConns) {
		d.counters.full.Add(1)
		closeWith(conn, protocol.CloseFull, "as many consoles are open as may be: close one, or wait")
		return
	}
	handshakeOver(conn.Context())
	key := quota.KeyOf(quota.AddrOf(conn.RemoteAddr()))
	if !d.arriving.Take(key) {
		d.counters.full.Add(1)
		closeWith(conn, protocol.CloseFull, "as many consoles of your address are on their way in as may be: wait")
		return
	}
	g, code, refused := d.arrive(ctx, conn, key)
	if refused != "" {
		if ctx.Err() != nil {
			code, refused = protocol.CloseShutdown, "the server is stopping"
		}
		d.cfg.Log.Warn("console refused", "from", conn.RemoteAddr().String(), "reason", refused)
		closeWith(conn, code, refused)
		return
	}
	defer d.consoles.Give(g.Hash)
	d.counters.logins.Add(1)
	d.cfg.Log.Info("console opened", "who", g.Name, "role", g.Role.String(), "from", g.from, "program", g.program)
	stop := context.AfterFunc(ctx, func() { closeWith(conn, protocol.CloseShutdown, "the server is stopping") })
	defer stop()
	var streams sync.WaitGroup
	streams.Go(func() { d.watch(conn, g) })
	for {
		stream, err := conn.AcceptStream(conn.Context())
		if err != nil {
			break
		}
		streams.Go(func() { d.answer(g, stream) })
	}
	streams.Wait()
	d.cfg.Log.Info("console closed", "who", g.Name, "from", g.from)
}

// arrive is login for a connection that has taken a place among those of its address.
func (d *Door) arrive(ctx context.Context, conn *quic.Conn, key netip.Prefix) (g *guest, code protocol.CloseCode, refused string) {
	defer d.arriving.Give(key)
	return d.login(ctx, conn)
}

// watch shows a console out whose credentials are not good any more, also when it asks for nothing.
func (d *Door) watch(conn *quic.Conn, g *guest) {
	again := time.NewTicker(credentialsLookedAfter)
	defer again.Stop()
	for {
		select {
		case <-conn.Context().Done():
			return
		case now := <-again.C:
			if !d.credentials.still(g.Credential, now) {
				closeWith(conn, protocol.CloseRefused, credentialsOver)
				return
			}
		}
	}
}

func closeWith(conn *quic.Conn, code protocol.CloseCode, reason string) {
	conn.CloseWithError(quic.ApplicationErrorCode(code), reason[:min(len(reason), protocol.MaxReason)])
}
