package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Game is a game whose players send inputs of type I; everything that embeds *world.GameOf[I] is one.
type Game[I any] interface {
	world.Game
	AppendInput(dst []byte, in I) ([]byte, error)
}

// Client is one player in a game. Its methods may be called from any goroutine.
type Client[I any] struct {
	game    Game[I]
	conn    *quic.Conn
	control *quic.Stream
	socket  func()
	schema  *schema.Schema
	welcome protocol.Welcome

	work   sync.WaitGroup
	cancel context.CancelFunc
	ended  chan struct{} // closed once the connection has ended
	once   sync.Once
	reason error // why it ended; set before ended is closed

	mu      sync.Mutex
	rules   *replica.Replica
	rows    *world.Replica
	view    *world.View // of rows; nil when they changed since
	tick    uint64      // the newest received
	news    chan struct{}
	timing  timing
	input   []byte
	history [inputHistory]sentInput
	stats   Stats
}

// Stats are a client's figures since it joined.
type Stats struct {
	// Tick is the newest tick received; Lead by how many ticks inputs are ahead of it.
	Tick uint64
	Lead int
	// Margin is how early the newest input that the server has came, in quarters of a tick.
	Margin int8
	// Sent counts input datagrams; Rejected the datagrams from the server that could not be read.
	Sent, Rejected uint64
	// Replica are those of the replica.
	Replica replica.Counters
}

// Join connects to a server, joins the game and returns once the player is in. The errors say what to do; see
// ErrRefused and its neighbours. The first use of a game must have returned before another goroutine uses it.
func Join[I any](ctx context.Context, game Game[I], cfg Config) (*Client[I], error) {
	cfg = cfg.withDefaults()
	s, err := world.SchemaOf(game)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	conn, closeSocket, err := cfg.dial(ctx)
	if err != nil {
		return nil, err
	}
	c := &Client[I]{game: game, conn: conn, socket: closeSocket, schema: s, ended: make(chan struct{}), news: make(chan struct{})}
	if err := c.greet(ctx, cfg); err != nil {
		conn.CloseWithError(quic.ApplicationErrorCode(protocol.CloseNormal), "")
		closeSocket()
		return nil, err
	}
	live, stop := context.WithCancel(context.Background())
	c.cancel = stop
	c.work.Go(func() { c.receive(live) })
	c.work.Go(func() { c.sendInputs(live) })
	c.work.Go(c.readControl)
	return c, nil
}

// greet says hello and reads the welcome.
func (c *Client[I]) greet(ctx context.Context, cfg Config) error {
	stream, err := c.conn.OpenStreamSync(ctx)
	if err != nil {
		return fmt.Errorf("open the control stream: %w", explain(err))
	}
	c.control = stream
	stopWaiting := context.AfterFunc(ctx, func() { stream.SetDeadline(time.Unix(1, 0)) })
	defer stopWaiting()
	hello, err := protocol.AppendHello(nil, protocol.Hello{Game: c.schema.Game, SchemaHash: c.schema.Hash(), Token: cfg.Token})
	if err != nil {
		return err
	}
	if _, err := stream.Write(protocol.AppendFrame(nil, hello)); err != nil {
		return c.explainStream(ctx, err)
	}
	message, err := readFrame(stream)
	if err != nil {
		return c.explainStream(ctx, err)
	}
	if !stopWaiting() {
		return c.explainStream(ctx, ctx.Err())
	}
	if kind, _ := protocol.KindOf(message); kind == protocol.KindGoodbye {
		bye, err := protocol.ParseGoodbye(message)
		if err != nil {
			return fmt.Errorf("%w: %v", ErrProtocol, err)
		}
		return errorOf(bye.Code, bye.Reason)
	}
	return c.welcomed(message)
}

func (c *Client[I]) welcomed(message []byte) (err error) {
	if c.welcome, err = protocol.ParseWelcome(message); err != nil {
		if rejected, _ := protocol.RejectOf(err); rejected == protocol.WrongVersion {
			return fmt.Errorf("%w: %v", ErrVersion, err)
		}
		return fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	if w := &c.welcome; w.SchemaHash != c.schema.Hash() {
		return fmt.Errorf("%w: the server's %s has schema %016x, this client's has %016x: build both from the same game", ErrVersion, c.schema.Game, w.SchemaHash, c.schema.Hash())
	}
	c.rules, err = replica.New(c.schema, replica.Config{
		Epoch: c.welcome.Epoch, Tick: c.welcome.Tick, Sequence: c.welcome.NextSequence, Age: c.welcome.AgeMax,
	})
	if err != nil {
		return fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	if c.rows, err = world.NewReplica(c.game, world.Player(c.welcome.Player)); err != nil {
		return err
	}
	c.tick = c.welcome.Tick
	c.timing.start()
	return nil
}

// explainStream prefers what the connection's end, or the context's, says over the stream's error.
func (c *Client[I]) explainStream(ctx context.Context, err error) error {
	if cause := context.Cause(c.conn.Context()); cause != nil {
		return explain(cause)
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: it did not say welcome in time; try again later", ErrUnreachable)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("wait for the welcome: %w", ctx.Err())
	}
	if _, rejected := protocol.RejectOf(err); rejected {
		return fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the control stream ended without an answer", ErrProtocol)
	}
	return fmt.Errorf("read the welcome: %w", explain(err))
}

// readFrame reads one message from a server.
func readFrame(r io.Reader) ([]byte, error) {
	head := make([]byte, 0, protocol.MaxFrameHeader)
	for {
		n, size, err := protocol.ParseFrameHeader(head)
		switch {
		case errors.Is(err, protocol.ErrNeedMore):
			head = head[:len(head)+1]
			if _, err := io.ReadFull(r, head[len(head)-1:]); err != nil {
				return nil, err
			}
			continue
		case err != nil:
			return nil, err
		case n != len(head) || size > protocol.MaxFrame:
			return nil, fmt.Errorf("%w: a message of %d bytes", ErrProtocol, size)
		}
		message := make([]byte, size)
		_, err = io.ReadFull(r, message)
		return message, err
	}
}

// Player is this player's number in the room.
func (c *Client[I]) Player() world.Player { return world.Player(c.welcome.Player) }

// TickPeriod is the time between two of the server's ticks.
func (c *Client[I]) TickPeriod() time.Duration { return c.welcome.TickPeriod }

// Send sets what the player asks for from the next tick on, until the next Send. A value outside its field's
// range is an error that names the field; then the former input stays. Once the connection has ended it returns
// why.
func (c *Client[I]) Send(in I) error {
	if err := c.Err(); err != nil {
		return err
	}
	data, err := c.game.AppendInput(nil, in)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.input = data
	return nil
}

// View returns the rows as they are known now. It never changes; ask again for newer ones.
func (c *Client[I]) View() *world.View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.currentView()
}

func (c *Client[I]) currentView() *world.View {
	if c.view == nil {
		c.view = c.rows.View(c.tick)
	}
	return c.view
}

// Next waits for a tick newer than the one of a View and returns the rows then; nil takes the next that comes.
// It returns an error when ctx ends or the connection has.
func (c *Client[I]) Next(ctx context.Context, after *world.View) (*world.View, error) {
	for {
		c.mu.Lock()
		view, news := c.currentView(), c.news
		c.mu.Unlock()
		if after != nil && view.Tick > after.Tick {
			return view, nil
		}
		if after == nil {
			after = view
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ended:
			return nil, c.reason
		}
	}
}

// Done is closed when the connection has ended; Err tells why.
func (c *Client[I]) Done() <-chan struct{} { return c.ended }

// Err is why the connection ended; nil while it lives.
func (c *Client[I]) Err() error {
	select {
	case <-c.ended:
		return c.reason
	default:
		return nil
	}
}

// Stats returns the client's figures.
func (c *Client[I]) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Tick, s.Lead, s.Margin, s.Replica = c.tick, c.timing.lead, c.timing.margin, c.rules.Counters()
	return s
}

// Close leaves the game and waits until everything has ended. It may be called more than once.
func (c *Client[I]) Close() error {
	c.end(ErrClosed, protocol.CloseNormal)
	c.work.Wait()
	c.socket()
	return nil
}

// end closes the connection for a reason; the first one counts.
func (c *Client[I]) end(reason error, code protocol.CloseCode) {
	c.once.Do(func() {
		c.reason = reason
		close(c.ended)
		c.cancel()
		c.conn.CloseWithError(quic.ApplicationErrorCode(code), "")
	})
}

// readControl waits for the server's goodbye.
func (c *Client[I]) readControl() {
	for {
		message, err := readFrame(c.control)
		if err != nil {
			if context.Cause(c.conn.Context()) != nil {
				c.end(explain(context.Cause(c.conn.Context())), protocol.CloseNormal)
			}
			return // the stream's end alone is not the connection's
		}
		if kind, _ := protocol.KindOf(message); kind != protocol.KindGoodbye {
			continue // a later version may say more
		}
		if bye, err := protocol.ParseGoodbye(message); err == nil {
			c.end(errorOf(bye.Code, bye.Reason), protocol.CloseNormal)
			return
		}
	}
}
