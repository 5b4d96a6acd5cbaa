package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/protocol/plain"
)

// What a caller may want to tell apart.
var (
	// ErrNoProfile: there are no credentials on this machine.
	ErrNoProfile = errors.New("no credentials are here")
	// ErrExposed: others on this machine may read or write the file of the credentials, which are not used then.
	ErrExposed = errors.New("the credentials are not for your eyes alone")
	// ErrRefused: the server does not let these credentials in.
	ErrRefused = errors.New("the server does not let you in")
	// ErrUnreachable: nobody answers at the door, or the connection was lost.
	ErrUnreachable = errors.New("the server's admin door does not answer")
	// ErrCertificate: it is not the server that the profile is for.
	ErrCertificate = errors.New("the server's certificate is not that of the profile")
	// ErrUnknown: an act was sent, and no answer came: it may have been done, or be done yet.
	ErrUnknown = errors.New("sent, but no answer came: whether it was done is not known, see the audit log before you do it again")
)

// RefusedError is why the server did not do what it was asked to.
type RefusedError struct {
	// Code is one of package protocol/admin's.
	Code, Text string
}

// Error is the text.
func (e *RefusedError) Error() string { return e.Text }

// Config is where to go, and with which credentials. The zero value goes to the server on this machine, with those that
// admin init made.
type Config struct {
	// Profile, if given, is the credentials. Otherwise they are read from ProfileFile, or, when that is empty, from where
	// admin init leaves them: a file that its owner alone may read.
	Profile     *admin.Profile
	ProfileFile string
	// Addr takes the place of the profile's address.
	Addr string
	// Program names the caller in the server's log; empty means console.
	Program string
	// Timeout bounds the way in; zero means 10 s.
	Timeout time.Duration
}

// Client is a connection to a server's admin door. Any goroutine may use it.
type Client struct {
	conn    *quic.Conn
	quic    *quic.Transport
	socket  net.PacketConn
	welcome admin.Welcome
}

// Open comes in. The error wraps one of those above, or says what else is wrong.
func Open(ctx context.Context, cfg Config) (*Client, error) {
	p, err := cfg.profile()
	if err != nil {
		return nil, err
	}
	if cfg.Addr != "" {
		p.Addr = cfg.Addr
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Program == "" {
		cfg.Program = "console"
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	addr, err := net.ResolveUDPAddr("udp", p.Addr)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w; write host:port", p.Addr, err)
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	c := &Client{quic: &quic.Transport{Conn: socket}, socket: socket}
	if c.conn, err = c.quic.Dial(ctx, addr, tlsConfig(p.Pin), quicConfig()); err == nil {
		err = c.login(ctx, p.Token, cfg.Program)
	}
	if err != nil {
		c.Close()
		return nil, explain(p.Addr, err)
	}
	return c, nil
}

// tlsConfig trusts the pin alone.
func tlsConfig(pin [sha256.Size]byte) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{admin.ALPN}, ServerName: "quicstep-admin",
		// The certificate is checked against the pin in place of the authorities; nothing goes unchecked.
		InsecureSkipVerify: true,
		VerifyPeerCertificate: func(certs [][]byte, _ [][]*x509.Certificate) error {
			if len(certs) > 0 {
				if sum := sha256.Sum256(certs[0]); subtle.ConstantTimeCompare(sum[:], pin[:]) == 1 {
					return nil
				}
			}
			return ErrCertificate
		},
	}
}

func quicConfig() *quic.Config {
	return &quic.Config{MaxIdleTimeout: 30 * time.Second, HandshakeIdleTimeout: 5 * time.Second, KeepAlivePeriod: 7 * time.Second}
}

func (c *Client) login(ctx context.Context, token []byte, program string) error {
	message, err := admin.AppendHello(nil, admin.Hello{Token: token, Program: program})
	if err != nil {
		return err
	}
	stream, err := c.ask(ctx, message)
	if err != nil {
		return err
	}
	defer give(ctx, stream)()
	var r reader
	answer, err := r.next(stream)
	if err != nil {
		if cause := context.Cause(c.conn.Context()); cause != nil {
			return cause
		}
		return err
	}
	c.welcome, err = admin.ParseWelcome(answer)
	return err
}

// ask opens a stream for a message.
func (c *Client) ask(ctx context.Context, message []byte) (*quic.Stream, error) {
	stream, err := c.conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	_, err = stream.Write(protocol.AppendFrame(nil, message))
	stream.Close() // which fails when the server has read all it wants already
	return stream, err
}

// give gives a stream up when ctx ends; the function that it returns gives it up at once.
func give(ctx context.Context, stream *quic.Stream) func() {
	stop := context.AfterFunc(ctx, func() { stream.CancelRead(0) })
	return func() {
		stop()
		stream.CancelRead(0)
	}
}

// Welcome is what the server said about itself and the credentials.
func (c *Client) Welcome() admin.Welcome { return c.welcome }

// Close ends the connection.
func (c *Client) Close() error {
	if c.conn != nil {
		c.conn.CloseWithError(0, "")
	}
	return errors.Join(c.quic.Close(), c.socket.Close())
}

// Do asks once, and returns the answer, whole. The error is a *RefusedError when the server would not, or wraps
// ErrUnreachable or ctx's; of an act that changes something it wraps ErrUnknown, too, once the request is sent.
func (c *Client) Do(ctx context.Context, r admin.Request) (admin.Answer, error) {
	r.EveryMS = 0
	var whole admin.Answer
	err := c.Watch(ctx, r, func(a admin.Answer) error {
		whole = a
		return nil
	})
	return whole, err
}

// Watch asks, and hands each whole answer over: one, or, with r.EveryMS, again and again until ctx ends, which is then
// the error, or until take returns one, which it returns. The list that was asked for is there, if empty. Errors are Do's.
func (c *Client) Watch(ctx context.Context, r admin.Request, take func(admin.Answer) error) error {
	r.Text = plain.Clean(r.Text, 4*admin.MaxText) // what is too long then is refused, not cut
	message, err := admin.AppendRequest(nil, r)
	if err != nil {
		return &RefusedError{Code: admin.CodeBad, Text: err.Error()}
	}
	stream, err := c.ask(ctx, message)
	if err != nil {
		return c.lost(ctx, err)
	}
	defer give(ctx, stream)()
	var in reader
	for answers := 0; ; answers++ {
		a, err := in.whole(stream)
		switch {
		case err != nil && r.EveryMS == 0 && answers > 0:
			return nil // it has been answered, however the stream ends
		case err != nil:
			return unanswered(r.Act, c.lost(ctx, err))
		}
		if a.Refusal != nil {
			return &RefusedError{Code: a.Refusal.Code, Text: a.Refusal.Text}
		}
		if err := take(listed(r.Act, a)); err != nil {
			return err
		}
	}
}

// unanswered is the error of a request that was sent, and whose answer did not come.
func unanswered(act admin.Act, err error) error {
	if act.Looks() {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// lost says why a stream ended early.
func (c *Client) lost(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if cause := context.Cause(c.conn.Context()); cause != nil {
		err = cause
	}
	return explain(c.conn.RemoteAddr().String(), err)
}

// explain says what the end of a connection means.
func explain(addr string, err error) error {
	var app *quic.ApplicationError
	var idle *quic.IdleTimeoutError
	var handshake *quic.HandshakeTimeoutError
	var transport *quic.TransportError
	switch {
	case errors.Is(err, ErrCertificate):
		return fmt.Errorf("%w: %s", ErrCertificate, addr)
	case errors.As(err, &transport) && transport.ErrorCode.IsCryptoError():
		if !transport.Remote {
			return fmt.Errorf("%w: %s", ErrCertificate, addr)
		}
		return fmt.Errorf("%w: %s is no admin door, or another version's: %w", ErrRefused, addr, err)
	case errors.As(err, &transport) && transport.Remote && transport.ErrorCode == quic.ConnectionRefused:
		return fmt.Errorf("%w: %s has too many consoles on their way in, of your address or of others: try again in a moment", ErrRefused, addr)
	case errors.As(err, &app) && app.Remote && protocol.CloseCode(app.ErrorCode) == protocol.CloseShutdown:
		return fmt.Errorf("%w: %s", ErrUnreachable, app.ErrorMessage)
	case errors.As(err, &app) && app.Remote:
		return fmt.Errorf("%w: %s", ErrRefused, app.ErrorMessage)
	case errors.As(err, &idle), errors.As(err, &handshake), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s; is it running, with --admin-addr?", ErrUnreachable, addr)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, addr, err)
}
