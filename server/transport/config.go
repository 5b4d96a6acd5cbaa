package transport

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/contain"
)

// packetBytes is the size of the first packets, as UDP payload: what every IPv6 path carries (1,280 less
// 48 of headers). A datagram of protocol.MaxDatagramPayload fits with the space for an acknowledgement
// beside it, and goes on fitting when a client's address changes; with quic-go's default it would be
// refused then, until the path's size is found anew.
const packetBytes = 1232

// ErrPublicDevelopment is returned by Listen when the development certificate would be shown to others
// than this machine.
var ErrPublicDevelopment = errors.New("the development certificate serves loopback addresses only: " +
	"listen on 127.0.0.1 or [::1], give a certificate, or set AllowPublicDevelopment")

// Config says where and how to listen. The zero value listens on 127.0.0.1:4433 with the development
// certificate. A negative number is an error.
type Config struct {
	// Addr is the address to listen on, "host:port", for UDP and for the HTTP door's TCP; empty means 127.0.0.1:4433, port
	// 0 any port that is free for both.
	Addr string

	// PacketConn, if given, is listened on instead of Addr. It stays the caller's, who closes it after the
	// listener. There is no HTTP door then, unless HTTPListener is given.
	PacketConn net.PacketConn

	// HTTPListener, if given, is the HTTP door's. It is closed with the listener.
	HTTPListener net.Listener

	// NoWeb shuts the doors that browsers use: WebTransport, and HTTP with its WebSockets. OverStream does so, too.
	NoWeb bool

	// Origins are the pages that may use the server, beside its own and, when it listens on loopback, those of this
	// machine: as a browser writes them, "https://play.example.com".
	Origins []string

	// Trusted are addresses to which no bound applies that is for each address. Nil means the loopback addresses: whoever
	// is on this machine could do worse. An empty list means none.
	Trusted []netip.Prefix

	// Web answers what comes to the HTTP door, and is not for the protocol; it is called once, before anything comes. Nil
	// means a line that says what the server is.
	Web func(*Listener) http.Handler

	// HTTPEnded is told, once, why the HTTP door can accept nobody any more, if that happens before Close: its socket is
	// broken. Who came in by it stays, and the UDP port goes on. Nil drops it.
	HTTPEnded func(error)

	// OverStream has datagrams travel as frames of a reliable stream, for measurements; the clients must do the same.
	OverStream bool

	// Certificate is shown to clients, with its key. Nil means the development certificate, made at first
	// use and kept in the cache folder; it is refused for addresses that are not loopback.
	Certificate *tls.Certificate

	// CertificateFile and KeyFile are PEM files that take the place of Certificate, which is then to be nil: the
	// certificate with its chain, and its key. Listener.ReloadCertificate reads them anew.
	CertificateFile, KeyFile string

	// AllowPublicDevelopment lifts that refusal. Clients on other machines must be given the pin.
	AllowPublicDevelopment bool

	// CacheDir takes the place of the user's cache folder (os.UserCacheDir), below which the development
	// certificate and its pin are kept.
	CacheDir string

	// MaxConns bounds the connections that are open at once; zero means 1,024. One more is closed with
	// protocol.CloseFull.
	MaxConns int

	// MaxConnsPerAddress bounds those of one address (of IPv6, of one network of 64 bits) that is not Trusted; zero means
	// 128. One more is closed with protocol.CloseFull.
	MaxConnsPerAddress int

	// MaxHandshakes bounds the handshakes under way at once, each of which costs some 1 ms of CPU; zero
	// means 512. One more is refused before it costs anything (QUIC's CONNECTION_REFUSED).
	MaxHandshakes int

	// MaxHandshakesPerAddress bounds those of one address, and its connections of HTTP/3 without a session; zero means 64.
	// One more is refused likewise.
	MaxHandshakesPerAddress int

	// HandshakesPerSecondPerAddress bounds how many handshakes of one address are begun in a second, of QUIC and of TCP, four
	// seconds' at once; zero means 32. One more is refused likewise, over TCP closed at once.
	HandshakesPerSecondPerAddress int

	// RetryAbovePerSecond is how many newcomers in a second need not show that they receive at their address before
	// anything is computed for them; zero means 100. The others must, which takes them a round trip.
	RetryAbovePerSecond int

	// HandshakesPerSecond bounds how many of them are computed in a second, so that a storm of newcomers leaves the
	// processor to those who are in; zero means 100 for each processor, a tenth of it. The others wait for their turn.
	HandshakesPerSecond int

	// Backlog bounds the connections that wait for Accept; zero means 64. One more is closed with
	// protocol.CloseFull.
	Backlog int

	// HandshakeTimeout is how long a handshake may go without a packet from the client; the whole of it
	// may take twice as long. Zero means 5 s.
	HandshakeTimeout time.Duration

	// IdleTimeout is how long a connection may go without a packet from the client, who keeps it alive;
	// zero means 10 s.
	IdleTimeout time.Duration

	// Panics gets those of handlers and of connections' goroutines, each of which costs its own connection; nil keeps them to
	// themselves all the same.
	Panics *contain.Panics

	// MovesPerMinute bounds how often in a minute a connection's client may change its address, as many at once; zero means
	// 20. With one more it is closed with protocol.CloseAbuse. The first change is seen within 15 datagrams to the client, each
	// further one with the next.
	MovesPerMinute int

	// MaxStreams bounds the streams of each kind, bidirectional and unidirectional, that a client may have
	// open; zero means 4. Unless NoWeb is set, there may be 4 more, which HTTP/3 needs.
	MaxStreams int

	// UpgradeTimeout is how long a connection of HTTP/3 may go without a WebTransport session, or one of HTTP without a
	// request; zero means 5 s. It is closed then.
	UpgradeTimeout time.Duration

	// MaxRequests bounds the requests of one connection of HTTP/3; zero means 16. With one more it is closed.
	MaxRequests int

	// MaxHTTPConns bounds the connections to the HTTP door that are open at once, not counting its WebSockets, which are
	// among MaxConns; zero means 512. One more is closed at once.
	MaxHTTPConns int

	// MaxHTTPConnsPerAddress bounds those of one address that is not Trusted; zero means 128. One more is closed at once.
	MaxHTTPConnsPerAddress int

	// StreamWindowBytes bounds what a client may send on one stream before it was read; zero means 64 KiB.
	StreamWindowBytes int

	// ConnWindowBytes bounds the same over all streams of a connection, and must not be less; zero means
	// 256 KiB.
	ConnWindowBytes int

	files *keyPair // of CertificateFile and KeyFile; nil without
}

// withDefaults fills what is zero and validates the rest.
func (c Config) withDefaults() (Config, error) {
	c.NoWeb = c.NoWeb || c.OverStream
	if c.HTTPEnded == nil {
		c.HTTPEnded = func(error) {}
	}
	if c.Panics == nil {
		c.Panics = contain.NewPanics(nil)
	}
	if c.PacketConn != nil {
		c.Addr = c.PacketConn.LocalAddr().String()
	} else if c.Addr == "" {
		c.Addr = "127.0.0.1:4433"
	}
	for _, limit := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"MaxConns", &c.MaxConns, 1024},
		{"MaxConnsPerAddress", &c.MaxConnsPerAddress, 128},
		{"MaxHandshakes", &c.MaxHandshakes, 512},
		{"MaxHandshakesPerAddress", &c.MaxHandshakesPerAddress, 64},
		{"HandshakesPerSecondPerAddress", &c.HandshakesPerSecondPerAddress, 32},
		{"RetryAbovePerSecond", &c.RetryAbovePerSecond, 100},
		{"HandshakesPerSecond", &c.HandshakesPerSecond, 100 * runtime.GOMAXPROCS(0)},
		{"Backlog", &c.Backlog, 64},
		{"MovesPerMinute", &c.MovesPerMinute, 20},
		{"MaxStreams", &c.MaxStreams, 4},
		{"MaxRequests", &c.MaxRequests, 16},
		{"MaxHTTPConns", &c.MaxHTTPConns, 512},
		{"MaxHTTPConnsPerAddress", &c.MaxHTTPConnsPerAddress, 128},
		{"StreamWindowBytes", &c.StreamWindowBytes, 64 << 10},
		{"ConnWindowBytes", &c.ConnWindowBytes, 256 << 10},
	} {
		if *limit.value < 0 {
			return c, fmt.Errorf("%s is %d, must not be negative", limit.name, *limit.value)
		}
		if *limit.value == 0 {
			*limit.value = limit.fallback
		}
	}
	for _, timeout := range []struct {
		name     string
		value    *time.Duration
		fallback time.Duration
	}{
		{"HandshakeTimeout", &c.HandshakeTimeout, 5 * time.Second},
		{"IdleTimeout", &c.IdleTimeout, 10 * time.Second},
		{"UpgradeTimeout", &c.UpgradeTimeout, 5 * time.Second},
	} {
		if *timeout.value < 0 {
			return c, fmt.Errorf("%s is %v, must not be negative", timeout.name, *timeout.value)
		}
		if *timeout.value == 0 {
			*timeout.value = timeout.fallback
		}
	}
	if c.ConnWindowBytes < c.StreamWindowBytes {
		return c, fmt.Errorf("ConnWindowBytes is %d, less than StreamWindowBytes, %d", c.ConnWindowBytes, c.StreamWindowBytes)
	}
	if err := c.readFiles(); err != nil {
		return c, err
	}
	if c.Certificate != nil && (len(c.Certificate.Certificate) == 0 || c.Certificate.PrivateKey == nil) {
		return c, errors.New("no certificate or no private key in Certificate")
	}
	return c, nil
}

// readFiles reads the certificate's files, if there are any.
func (c *Config) readFiles() error {
	switch {
	case c.CertificateFile == "" && c.KeyFile == "":
		return nil
	case c.CertificateFile == "" || c.KeyFile == "":
		return errors.New("of CertificateFile and KeyFile one is empty: give both, or none")
	case c.Certificate != nil:
		return errors.New("there is a Certificate beside CertificateFile: give one of them")
	}
	c.files = &keyPair{certFile: c.CertificateFile, keyFile: c.KeyFile}
	if _, err := c.files.read(time.Now()); err != nil {
		return err
	}
	c.Certificate = c.files.current.Load()
	return nil
}

// address returns where to listen, or ErrPublicDevelopment.
func (c Config) address() (*net.UDPAddr, error) {
	var addr *net.UDPAddr
	if c.PacketConn != nil {
		// Another kind of address stays nil, which is not loopback.
		addr, _ = c.PacketConn.LocalAddr().(*net.UDPAddr)
	} else {
		var err error
		if addr, err = net.ResolveUDPAddr("udp", c.Addr); err != nil {
			return nil, err
		}
	}
	public := addr == nil || !addr.IP.IsLoopback()
	if public && c.Certificate == nil && !c.AllowPublicDevelopment {
		return nil, ErrPublicDevelopment
	}
	return addr, nil
}

// burstOfAddress is how many handshakes an address may begin at once.
func (c Config) burstOfAddress() int { return 4 * c.HandshakesPerSecondPerAddress }

// loopbackAddrs are trusted unless others are named.
var loopbackAddrs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// webStreams is how many more streams of each kind HTTP/3 needs: its control stream and two of its header compression,
// the session's request, and one of no meaning that browsers may open.
const webStreams = 4

func (c Config) quicConfig() *quic.Config {
	streams := c.MaxStreams
	if !c.NoWeb {
		streams += webStreams
	}
	return &quic.Config{
		HandshakeIdleTimeout:           c.HandshakeTimeout,
		MaxIdleTimeout:                 c.IdleTimeout,
		InitialStreamReceiveWindow:     uint64(c.StreamWindowBytes),
		MaxStreamReceiveWindow:         uint64(c.StreamWindowBytes),
		InitialConnectionReceiveWindow: uint64(c.ConnWindowBytes),
		MaxConnectionReceiveWindow:     uint64(c.ConnWindowBytes),
		MaxIncomingStreams:             int64(streams),
		MaxIncomingUniStreams:          int64(streams),
		InitialPacketSize:              packetBytes,
		EnableDatagrams:                true,
		// WebTransport needs it.
		EnableStreamResetPartialDelivery: !c.NoWeb,
	}
}

// tlsConfig is the TLS of one of the sockets, for these protocols.
func (c Config) tlsConfig(certs *certificates, turn func(*tls.ClientHelloInfo) (*tls.Config, error), alpn ...string) *tls.Config {
	return &tls.Config{
		GetConfigForClient: turn,
		GetCertificate:     certs.forHandshake,
		NextProtos:         alpn,
		MinVersion:         tls.VersionTLS13,
		// The hybrid key exchange, crypto/tls's default, takes a third more CPU.
		CurvePreferences: []tls.CurveID{tls.X25519},
		// Without 0-RTT, whose data can be replayed, resumption saves neither CPU nor a round trip.
		SessionTicketsDisabled: true,
	}
}

// alpn are the protocols on the UDP port.
func (c Config) alpn() []string {
	switch {
	case c.OverStream:
		return []string{protocol.StreamALPN}
	case c.NoWeb:
		return []string{protocol.ALPN}
	}
	return []string{protocol.ALPN, http3.NextProtoH3}
}
