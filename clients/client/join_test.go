package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// cart is a player's, and push moves it.
type cart struct {
	X float32 `net:"range=0:1000,step=0.1"`
}

type push struct {
	DX    int8    `net:"range=-1:1"`
	Boost float32 `net:"range=0:1,step=0.01"`
}

type carts struct {
	*world.GameOf[push]
	rows world.Table[cart]
}

func newCarts() *carts {
	g := &carts{GameOf: world.NewGame[push]("carts")}
	g.rows = world.AddTable[cart](g, "cart")
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		g.rows.Insert(tx, cart{}, world.Owner(p))
		return nil
	})
	g.OnInput(func(tx *world.Tx, p world.Player, in push) {
		for id := range g.rows.Owned(tx, p) {
			g.rows.Edit(tx, id).X += float32(in.DX) * (1 + in.Boost)
		}
	})
	return g
}

var certificate = sync.OnceValue(func() *tls.Certificate {
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), Validity: 200 * 365 * 24 * time.Hour,
	})
	if err != nil {
		panic(err)
	}
	return &cert
})

// serve runs a server until the test ends.
func serve(t *testing.T, cfg server.Config) *server.Server {
	t.Helper()
	cfg.Addr, cfg.TickRate = "127.0.0.1:0", 100
	s, err := server.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v, want nil", err)
		}
	})
	return s
}

// listen is a server that answers as a test likes.
func listen(t *testing.T) *transport.Listener {
	t.Helper()
	l, err := transport.Listen(transport.Config{Addr: "127.0.0.1:0", Certificate: certificate()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// joinFake joins at a server that answers the hello with some bytes, and returns what came of it.
func joinFake(t *testing.T, answer []byte) error {
	t.Helper()
	l := listen(t)
	go func() {
		conn, err := l.Accept(t.Context())
		if err != nil {
			return
		}
		if stream, err := conn.Control(t.Context()); err == nil {
			stream.Write(answer)
		}
	}()
	c, err := client.Join(t.Context(), newCarts(), client.Config{Addr: l.Addr().String(), Pins: [][32]byte{l.Pin()}, Timeout: time.Minute})
	if err == nil {
		c.Close()
		t.Fatal("the join was accepted")
	}
	return err
}

func goodbye(t *testing.T, code protocol.CloseCode, reason string) []byte {
	t.Helper()
	m, err := protocol.AppendGoodbye(nil, protocol.Goodbye{Code: code, Reason: reason})
	if err != nil {
		t.Fatal(err)
	}
	return protocol.AppendFrame(nil, m)
}

func TestAGoodbyeBecomesAnErrorToTellApart(t *testing.T) {
	for code, want := range map[protocol.CloseCode]error{
		protocol.CloseRefused:    client.ErrRefused,
		protocol.CloseFull:       client.ErrFull,
		protocol.CloseVersion:    client.ErrVersion,
		protocol.CloseRoomClosed: client.ErrRoomClosed,
		protocol.CloseAbuse:      client.ErrRefused,
		protocol.CloseShutdown:   client.ErrShutdown,
		protocol.CloseProtocol:   client.ErrProtocol,
		99:                       client.ErrRefused,
	} {
		if err := joinFake(t, goodbye(t, code, "because of the rain")); !errors.Is(err, want) || !strings.Contains(err.Error(), "because of the rain") {
			t.Errorf("%v becomes %v, want %v and the reason", code, err, want)
		}
	}
}

func TestAServerOfAnotherVersion(t *testing.T) {
	w, err := protocol.AppendWelcome(nil, protocol.Welcome{TickPeriod: time.Second, AgeMax: protocol.MinAge, EventTicks: 1})
	if err != nil {
		t.Fatal(err)
	}
	w[2] = 99
	if err := joinFake(t, protocol.AppendFrame(nil, w)); !errors.Is(err, client.ErrVersion) || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("the join failed with %v, want ErrVersion and the server's version", err)
	}
}

func TestAServerThatTalksNonsense(t *testing.T) {
	for name, answer := range map[string][]byte{
		"no frame":            {0x01, 0x02, 0x03},
		"a frame of 4 GB":     {0xc6, 0xff, 0xff, 0xff, 0xff},
		"a resync":            protocol.AppendFrame(nil, []byte{0x92, byte(protocol.KindResync), 1}),
		"a bomb":              protocol.AppendFrame(nil, []byte{0xdd, 0xff, 0xff, 0xff, 0xff}),
		"an empty message":    protocol.AppendFrame(nil, nil),
		"a goodbye cut short": protocol.AppendFrame(nil, []byte{0x93, byte(protocol.KindGoodbye)}),
	} {
		if err := joinFake(t, answer); !errors.Is(err, client.ErrProtocol) {
			t.Errorf("%s: the join failed with %v, want ErrProtocol", name, err)
		}
	}
}

func TestAWrongPinIsACertificateError(t *testing.T) {
	s := serve(t, server.Config{Games: []world.Game{newCarts()}, Certificate: certificate(), AnyoneMayJoin: true})
	_, err := client.Join(t.Context(), newCarts(), client.Config{Addr: s.Addr().String(), Pins: [][32]byte{{1, 2, 3}}})
	if !errors.Is(err, client.ErrCertificate) {
		t.Fatalf("the join failed with %v, want ErrCertificate", err)
	}
	for _, want := range []string{s.Addr().String(), protocol.FormatPin(s.Pin()), "Config.Pins"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error %q does not say %q", err, want)
		}
	}
}

func TestOneOfSeveralPinsIsEnough(t *testing.T) {
	g := newCarts()
	s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
	c, err := client.Join(t.Context(), g, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{{1}, s.Pin()}})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// cacheIn puts the user's cache folder into the test's own.
func cacheIn(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, dir)
	}
}

func TestADevelopmentServerIsTrustedOnTheSameMachine(t *testing.T) {
	cacheIn(t)
	g := newCarts()
	s := serve(t, server.Config{Games: []world.Game{g}})
	c, err := client.Join(t.Context(), g, client.Config{Addr: s.Addr().String()})
	if err != nil {
		t.Fatalf("a client that is told nothing but the address can't join: %v", err)
	}
	c.Close()
	dir, _ := os.UserCacheDir()
	if _, err := client.Join(t.Context(), g, client.Config{Addr: s.Addr().String(), CacheDir: filepath.Join(dir, "elsewhere")}); err == nil || !strings.Contains(err.Error(), "start a server on this machine first") {
		t.Errorf("without the development pin the join failed with %v, want what to do", err)
	}
}

func TestNobodyListens(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0") // which never answers
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	addr := socket.LocalAddr().String()
	_, err = client.Join(t.Context(), newCarts(), client.Config{Addr: addr, Pins: [][32]byte{{}}, Timeout: 50 * time.Millisecond})
	if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "is it running") {
		t.Errorf("the join failed with %v, want ErrUnreachable, the address and what to look at", err)
	}
}

func TestAServerThatNeverSaysWelcome(t *testing.T) {
	l := listen(t)
	_, err := client.Join(t.Context(), newCarts(), client.Config{Addr: l.Addr().String(), Pins: [][32]byte{l.Pin()}, Timeout: 300 * time.Millisecond})
	if !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("the join failed with %v, want ErrUnreachable", err)
	}
}

func TestJoinEndsWithItsContext(t *testing.T) {
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		// The hello is on its way, and nobody answers it.
		if conn, err := l.Accept(t.Context()); err == nil {
			conn.Control(t.Context())
		}
		cancel()
	}()
	_, err := client.Join(ctx, newCarts(), client.Config{Addr: l.Addr().String(), Pins: [][32]byte{l.Pin()}, Timeout: time.Hour})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the join failed with %v, want context.Canceled", err)
	}
	if _, err := client.Join(ctx, newCarts(), client.Config{Addr: l.Addr().String(), Pins: [][32]byte{l.Pin()}, Timeout: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("a join that was cancelled before failed with %v, want context.Canceled", err)
	}
}

func TestAnAddressWithoutAPortSaysWhatToWrite(t *testing.T) {
	for _, addr := range []string{"localhost", "127.0.0.1:many"} {
		if _, err := client.Join(t.Context(), newCarts(), client.Config{Addr: addr, Pins: [][32]byte{{}}}); err == nil || !strings.Contains(err.Error(), addr) {
			t.Errorf("the join at %s failed with %v, want an error that names it", addr, err)
		}
	}
}

func TestCloseMayBeCalledTwice(t *testing.T) {
	g := newCarts()
	s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
	c, err := client.Join(t.Context(), g, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("a client that lives has the error %v", err)
	}
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closers.Wait()
	<-c.Done()
	if !errors.Is(c.Err(), client.ErrClosed) {
		t.Errorf("the error is %v, want ErrClosed", c.Err())
	}
	if _, err := c.Next(t.Context(), c.View()); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Next returned %v, want ErrClosed", err)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	_, _, c := joined(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var err error
	for v := c.View(); ; {
		if v, err = c.Next(ctx, v); err != nil {
			break // a tick that has come already may be returned before
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Next returned %v, want context.Canceled", err)
	}
}

func TestAnInputOutOfRangeIsNotSent(t *testing.T) {
	g, s, c := joined(t)
	for _, bad := range []push{{DX: 1, Boost: float32(math.NaN())}, {DX: 1, Boost: float32(math.Inf(1))}, {DX: 1, Boost: 1.5}} {
		if err := c.Send(bad); err == nil || !strings.Contains(err.Error(), "Boost") {
			t.Errorf("Send(%v) returned %v, want an error that names the field", bad, err)
		}
	}
	if err := c.Send(push{DX: 2}); err == nil || !strings.Contains(err.Error(), "DX") {
		t.Errorf("Send returned %v, want an error that names the field", err)
	}
	x := func(v *world.View) float32 {
		for _, row := range g.rows.Owned(v, c.Player()) {
			return row.X
		}
		return -1
	}
	v := c.View()
	var err error
	for range 50 {
		if v, err = c.Next(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if got := x(v); got != 0 {
		t.Errorf("the cart stands at %v, want it where it was", got)
	}
	if err := c.Send(push{DX: 1, Boost: 1}); err != nil {
		t.Fatal(err)
	}
	for x(v) <= 0 {
		if v, err = c.Next(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if st := s.Stats(); st.Rejected[protocol.InputOutOfRange] != 0 {
		t.Errorf("%d inputs out of range reached the server", st.Rejected[protocol.InputOutOfRange])
	}
}

// joined serves carts and joins them; both end with the test.
func joined(t *testing.T) (*carts, *server.Server, *client.Client[push]) {
	t.Helper()
	g := newCarts()
	s := serve(t, server.Config{Games: []world.Game{g}, Certificate: certificate(), AnyoneMayJoin: true})
	c, err := client.Join(t.Context(), g, client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return g, s, c
}
