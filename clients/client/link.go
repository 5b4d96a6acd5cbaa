package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/ride"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// link is one connection of a session, and what came over it.
type link struct {
	session *Session
	conn    *quic.Conn
	packets packets // conn's datagrams
	control *quic.Stream
	socket  func() // closes it
	welcome protocol.Welcome

	live context.Context // ends with the connection
	stop context.CancelFunc
	once sync.Once
	err  error // why the connection ended; set before live ends

	writing sync.Mutex // held while a frame is written on the control stream

	// Guarded by the session's mu.
	rules      *replica.Replica
	rows       *world.Replica
	stale      stale            // what rows lack of rules
	held       []replica.Change // space for what is stale and has to wait
	screen     *screen          // what Draw shows; nil without Config.Interpolate
	tick       uint64           // the newest received
	deciding   bool             // Config.OnTick is to say what answers it
	timing     timing
	prediction prediction
	answered   uint64 // the newest tick that an input datagram has answered
	inputs     sentInputs
	stamped    uint64     // the newest tick of them; zero before the first
	chance     *rand.Rand // which rows are reported
	reported   uint64     // the tick of the latest report
	newTicks   uint64
	sent       uint64
	sentSize   uint64 // of those datagrams, in bytes
	rejected   uint64
	retired    bool // the session goes on over another connection, which has what is above

	sending  sync.Mutex  // held while an input datagram is made and sent
	datagram []byte      // its space
	left     time.Time   // when the latest one left
	waits    int         // by how many eighths of a period the one waits that is about to leave
	later    *time.Timer // when the next one leaves in any case
	packets0 uint64      // how many packets had come when the latest was noticed
	heard    time.Time   // and when that was
	quiet    bool        // nothing has come for silence
	leaving  bool        // the session wants another connection, whatever comes

	ticked chan struct{} // holds one: there is a new tick
	ready  chan struct{} // holds one: the input for it is set
	silent chan struct{} // holds one: nothing has come for a while
	alive  chan struct{} // holds one: something comes again
}

// packets are the datagrams of a connection, both ways.
type packets interface {
	Send(datagram []byte) error
	Receive(ctx context.Context) ([]byte, error)
}

// newLink opens a connection.
func newLink(ctx context.Context, s *Session) (*link, error) {
	conn, closeSocket, err := s.cfg.dial(ctx, s.sockets)
	if err != nil {
		return nil, err
	}
	l := &link{
		session: s, conn: conn, packets: ride.New(conn), socket: closeSocket,
		chance: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		ticked: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		silent: make(chan struct{}, 1), alive: make(chan struct{}, 1), heard: time.Now(),
		later: time.NewTimer(time.Hour),
	}
	if s.cfg.OverStream {
		l.packets = ride.OverStream(conn)
	}
	l.live, l.stop = context.WithCancel(context.Background())
	return l, nil
}

// play works until the connection ends, or ctx does.
func (l *link) play(ctx context.Context) {
	var work sync.WaitGroup
	work.Go(l.receive)
	work.Go(l.sendInputs)
	work.Go(l.readControl)
	select {
	case <-ctx.Done():
		l.end(ErrClosed)
	case <-l.conn.Context().Done():
		l.end(explain(context.Cause(l.conn.Context())))
	case <-l.live.Done():
	}
	l.close(protocol.CloseNormal)
	work.Wait()
}

// end ends the connection for a reason; the first one counts.
func (l *link) end(err error) {
	l.once.Do(func() {
		l.err = err
		l.stop()
	})
}

// close closes the connection and its socket.
func (l *link) close(code protocol.CloseCode) {
	l.stop()
	l.conn.CloseWithError(quic.ApplicationErrorCode(code), "")
	l.socket()
}

// greet says hello and reads the welcome. With a former connection it goes on with what that one has.
func (l *link) greet(ctx context.Context, hello protocol.Hello, former *link) error {
	stream, err := l.conn.OpenStreamSync(ctx)
	if err != nil {
		return fmt.Errorf("open the control stream: %w", explain(err))
	}
	l.control = stream
	message, err := protocol.AppendHello(nil, hello)
	if err != nil {
		return err
	}
	answer, err := l.exchange(ctx, message)
	if err != nil {
		return err
	}
	return l.welcomed(answer, former)
}

// exchange sends the first message of a connection and reads the answer to it. A goodbye is an error.
func (l *link) exchange(ctx context.Context, message []byte) ([]byte, error) {
	stopWaiting := context.AfterFunc(ctx, func() { l.control.SetDeadline(time.Unix(1, 0)) })
	defer stopWaiting()
	if _, err := l.control.Write(protocol.AppendFrame(nil, message)); err != nil {
		return nil, l.explainStream(ctx, err)
	}
	answer, err := readFrame(l.control)
	if err != nil {
		return nil, l.explainStream(ctx, err)
	}
	if !stopWaiting() {
		return nil, l.explainStream(ctx, ctx.Err())
	}
	if kind, _ := protocol.KindOf(answer); kind == protocol.KindGoodbye {
		bye, err := protocol.ParseGoodbye(answer)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrProtocol, err)
		}
		return nil, errorOf(bye.Code, bye.Reason)
	}
	return answer, nil
}

// welcomed begins the replica as the welcome says. A connection that goes on gets the former one's, from adopt.
func (l *link) welcomed(message []byte, former *link) (err error) {
	s := l.session
	if l.welcome, err = protocol.ParseWelcome(message); err != nil {
		if rejected, _ := protocol.RejectOf(err); rejected == protocol.WrongVersion {
			return fmt.Errorf("%w: %v", ErrVersion, err)
		}
		return fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	w := &l.welcome
	if w.SchemaHash != s.schema.Hash() {
		return fmt.Errorf("%w: the server's %s is not this client's: %s: build both from the same game", ErrVersion, s.schema.Game, differenceOf(s.schema, w.Schema))
	}
	l.tick, l.answered = w.Tick, w.Tick
	l.timing.start(w.Tick, l.conn.ConnectionStats().SmoothedRTT, w.TickPeriod, time.Now())
	if former != nil {
		if w.Session != former.welcome.Session {
			return fmt.Errorf("%w: the server has resumed another session", ErrProtocol)
		}
		return nil // adopt makes the rest
	}
	l.rules, err = replica.New(s.schema, replica.Config{
		Epoch: w.Epoch, Tick: w.Tick, Sequence: w.NextSequence, Age: w.AgeMax, EventTicks: w.EventTicks,
	})
	if err != nil {
		return fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	if l.rows, err = world.NewReplica(s.game, world.Player(w.Player), w.TickPeriod.Nanoseconds()); err != nil {
		return err
	}
	if s.cfg.Interpolate {
		if l.screen, err = newScreen(s.game, s.schema, world.Player(w.Player), w.TickPeriod); err != nil {
			return err
		}
	}
	l.startPrediction()
	return nil
}

func (l *link) startPrediction() {
	if !l.session.cfg.NoPrediction {
		l.prediction.start()
	}
}

// adopt takes what outlives a connection from the one before, which changes it no more. The caller holds the session's mu.
func (l *link) adopt(former *link) {
	former.retired = true
	l.rules, l.rows, l.stale, l.screen, l.reported = former.rules, former.rows, former.stale, former.screen, former.reported
	l.rules.Resume(l.welcome.Tick, l.welcome.NextSequence)
	l.tick = max(l.tick, former.tick)
	l.timing.clock.goOn(&former.timing.clock)
	l.rows.Unpredict()
	l.startPrediction()
	l.prediction.fields = former.prediction.fields
}

// explainStream prefers what the connection's end, or the context's, says over the stream's error.
func (l *link) explainStream(ctx context.Context, err error) error {
	if cause := context.Cause(l.conn.Context()); cause != nil {
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

// differenceOf names what differs in a server's schema.
func differenceOf(ours *schema.Schema, theirs []byte) string {
	_, err := protocol.Walk(theirs, protocol.WalkLimits{Elements: protocol.MaxSchemaElements})
	if err != nil {
		return err.Error()
	}
	server, err := schema.Parse(theirs)
	if err != nil {
		return err.Error()
	}
	return schema.Difference(ours, server)
}
