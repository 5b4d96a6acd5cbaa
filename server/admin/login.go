package admin

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/time/rate"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

// guest is somebody who has come in.
type guest struct {
	Credential
	from    string
	program string        // as it calls itself
	pace    *rate.Limiter // of what is written down
}

// What those are told who don't come in. It is the same for a token that was never given and one that was revoked.
const (
	noHello      = "no credentials came: a console needs a profile, which admin init and admin add write"
	foreignToken = "these credentials are not known here: they were revoked, or are another server's"
	expiredToken = "these credentials have expired: ask for new ones, admin add makes them"
	tooManyTries = "too many wrong credentials have come from your address: wait a moment"
	manyConsoles = "as many consoles are open by these credentials as may be: close one"
)

// credentialsOver is what a console is told that was in.
const credentialsOver = "these credentials have expired, or were revoked"

// login reads the hello, judges its token, and takes a place among the consoles of its credential; otherwise it says why not.
func (d *Door) login(ctx context.Context, conn *quic.Conn) (g *guest, code protocol.CloseCode, refused string) {
	stream, hello, refused := d.hello(ctx, conn)
	if refused != "" {
		return nil, protocol.CloseRefused, refused
	}
	c, refused := d.judge(ctx, conn, hello.Token)
	if refused != "" {
		return nil, protocol.CloseRefused, refused
	}
	if !d.consoles.Take(c.Hash) {
		d.counters.full.Add(1)
		return nil, protocol.CloseFull, manyConsoles
	}
	defer func() {
		if g == nil {
			d.consoles.Give(c.Hash)
		}
	}()
	if err := d.welcome(stream, c); err != nil {
		return nil, protocol.CloseRefused, "the welcome could not be sent"
	}
	perSecond := d.cfg.Limits.ActsPerSecond
	return &guest{
		Credential: c, from: conn.RemoteAddr().String(), program: hello.Program, pace: rate.NewLimiter(rate.Limit(perSecond), perSecond),
	}, 0, ""
}

// hello reads it, and returns it with the stream for the welcome.
func (d *Door) hello(ctx context.Context, conn *quic.Conn) (stream *quic.Stream, hello admin.Hello, refused string) {
	timed, cancel := context.WithTimeout(ctx, d.cfg.Limits.HelloTimeout)
	defer cancel()
	stream, err := conn.AcceptStream(timed)
	if err != nil {
		d.counters.none.Add(1)
		return nil, hello, noHello
	}
	stream.SetDeadline(time.Now().Add(d.cfg.Limits.HelloTimeout))
	message, err := readFrame(stream)
	if err != nil {
		d.counters.none.Add(1)
		return nil, hello, noHello
	}
	if hello, err = admin.ParseHello(message); err != nil {
		d.counters.none.Add(1)
		return nil, hello, err.Error()
	}
	return stream, hello, ""
}

// judge finds whose a token is.
func (d *Door) judge(ctx context.Context, conn *quic.Conn, token []byte) (c Credential, refused string) {
	slowed, mayTry := d.slow.wait(ctx, conn.RemoteAddr())
	if slowed {
		d.counters.slowed.Add(1)
	}
	if !mayTry {
		d.counters.tooSlow.Add(1)
		return c, tooManyTries
	}
	now := time.Now()
	c, ok, err := d.credentials.find(token, now)
	switch {
	case err != nil:
		d.cfg.Log.Error("the credentials can't be read; nobody comes in", "error", err)
		return c, "the server can't read its credentials: see its log"
	case ok && !c.Expired(now):
		return c, ""
	case ok:
		d.counters.expired.Add(1)
		refused = expiredToken
	default:
		d.counters.foreign.Add(1)
		refused = foreignToken
	}
	if !slowed {
		d.slow.wrong(conn.RemoteAddr())
	}
	return c, refused
}

func (d *Door) welcome(stream *quic.Stream, c Credential) error {
	w := admin.Welcome{Name: c.Name, Role: c.Role.String(), TickRate: d.cfg.TickRate}
	if !c.Expires.IsZero() {
		w.Expires = c.Expires.Unix()
	}
	for _, g := range d.cfg.Server.Games() {
		w.Games = append(w.Games, g.Game)
	}
	message, err := admin.AppendWelcome(nil, w)
	if err != nil {
		return err
	}
	if _, err := stream.Write(protocol.AppendFrame(nil, message)); err != nil {
		return err
	}
	stream.Close() // which fails when the client has read all of it already
	return nil
}

// readFrame reads one message of at most admin.MaxRequest bytes.
func readFrame(from io.Reader) ([]byte, error) {
	var b []byte
	space := make([]byte, 1024)
	for {
		message, _, err := protocol.SplitFrame(b, admin.MaxRequest)
		if !errors.Is(err, protocol.ErrNeedMore) {
			return message, err
		}
		n, err := from.Read(space)
		b = append(b, space[:n]...)
		if n == 0 && err != nil {
			return nil, err
		}
	}
}
