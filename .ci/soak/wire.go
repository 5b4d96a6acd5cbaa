package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// way is a connection by one of the doors for browsers.
type way interface {
	write(frame []byte) error
	send(datagram []byte) error
	// read hands over messages of the control stream and datagrams until the connection ends.
	read(frame, datagram func([]byte)) error
	// cut takes the network away, or gives it back, where that can be done.
	cut(dark bool)
	// close ends the connection and frees all of it; kill does so without a word to the server.
	close(code protocol.CloseCode)
	kill()
}

// wire plays by the protocol's bytes alone, over a way.
type wire struct {
	run     *soaking
	bot     *bot
	way     way
	welcome protocol.Welcome
	reading sync.WaitGroup
	live    context.Context // ends with it
	stop    context.CancelFunc
	over    chan struct{} // closed when the way has ended
	reason  error         // why; set before
	greeted chan struct{} // closed by the welcome

	asked   uint32
	answers chan protocol.Answer // holds one; the newest

	slowUntil atomic.Int64 // nanoseconds since the run began

	mu      sync.Mutex // guards what follows
	replica *replica.Replica
	answer  uint64 // the newest tick that was answered
	bye     *protocol.Goodbye
	bad     int64 // datagrams that could not be read
	former  replica.Counters
}

// leadTicks is for how many ticks after the newest known one an input is.
const leadTicks = 4

// openWire joins, or goes on with the session of a ticket.
func (b *bot) openWire(ctx context.Context, s seat, t ticket) (player, error) {
	w := &wire{run: b.run, bot: b, over: make(chan struct{}), greeted: make(chan struct{}), answers: make(chan protocol.Answer, 1)}
	w.live, w.stop = context.WithCancel(context.Background())
	hello := protocol.Hello{Game: b.run.schema.Game, SchemaHash: b.run.schema.Hash(), Room: s.room, Resume: t.token}
	switch {
	case s.private:
		hello.Join = protocol.CreatePrivate
	case s.code != "":
		hello.Room, hello.Join = s.code, protocol.JoinPrivate
	}
	if t.replica != nil {
		hello.HasReplica, hello.Epoch = true, t.replica.Epoch()
		w.replica, w.former = t.replica, t.replica.Counters()
	}
	message, err := protocol.AppendHello(nil, hello)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if w.way, err = b.openWay(timed); err != nil {
		return nil, explain(err)
	}
	w.reading.Go(w.read)
	w.way.write(protocol.AppendFrame(nil, message)) // fails at the way's end, which is seen below
	select {
	case <-w.greeted:
		return w, nil
	case <-w.over:
		err = w.reason
	case <-timed.Done():
		err = fmt.Errorf("%w: no welcome in time", client.ErrUnreachable)
	}
	w.end(func() { w.way.close(protocol.CloseAbandoned) })
	return nil, err
}

// read takes what comes until the way's end.
func (w *wire) read() {
	err := w.way.read(w.takeFrame, w.takeDatagram)
	w.mu.Lock()
	bye := w.bye
	w.mu.Unlock()
	w.reason = explain(err)
	if bye != nil {
		w.reason = reasonOf(*bye)
	}
	close(w.over)
}

// explain says what the end of a way means.
func explain(err error) error {
	if code, reason, closed := transport.PeerClose(err); closed {
		return reasonOf(protocol.Goodbye{Code: code, Reason: reason})
	}
	return fmt.Errorf("%w: %w", client.ErrUnreachable, err)
}

// reasonOf is what the Go SDK says of a goodbye, as far as bots tell ends apart.
func reasonOf(bye protocol.Goodbye) error {
	for code, err := range map[protocol.CloseCode]error{
		protocol.CloseFull: client.ErrFull, protocol.CloseRoomClosed: client.ErrRoomClosed, protocol.CloseKicked: client.ErrKicked,
		protocol.CloseExpired: client.ErrExpired, protocol.CloseRefused: client.ErrRefused, protocol.CloseReplaced: client.ErrReplaced,
	} {
		if bye.Code == code {
			return fmt.Errorf("%w: %s", err, bye.Reason)
		}
	}
	return fmt.Errorf("goodbye %v: %s", bye.Code, bye.Reason)
}

// takeFrame takes a message of the server's.
func (w *wire) takeFrame(message []byte) {
	kind, _ := protocol.KindOf(message)
	switch kind {
	case protocol.KindWelcome:
		welcome, err := protocol.ParseWelcome(message)
		if err == nil {
			err = w.begin(welcome)
		}
		if err != nil {
			w.run.ledger.note("a welcome: " + err.Error())
			w.run.ledger.add(unreadable, 1)
			return
		}
		close(w.greeted)
	case protocol.KindAnswer:
		if a, err := protocol.ParseAnswer(message); err == nil {
			select {
			case w.answers <- a:
			default: // to one that is not waited for any more
			}
		}
	case protocol.KindGoodbye:
		if bye, err := protocol.ParseGoodbye(message); err == nil {
			w.mu.Lock()
			w.bye = &bye
			w.mu.Unlock()
		}
	}
}

// begin begins with a welcome, or goes on with the rows that are here.
func (w *wire) begin(welcome protocol.Welcome) (err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.welcome, w.asked = welcome, welcome.LastRequest
	if w.replica != nil && w.replica.Epoch() == welcome.Epoch {
		w.replica.Resume(welcome.Tick, welcome.NextSequence)
		return nil
	}
	w.former = replica.Counters{}
	w.replica, err = replica.New(w.run.schema, replica.Config{
		Epoch: welcome.Epoch, Tick: welcome.Tick, Sequence: welcome.NextSequence, Age: welcome.AgeMax, EventTicks: welcome.EventTicks,
	})
	return err
}

// takeDatagram takes a state, and answers a new tick with what the player asks for.
func (w *wire) takeDatagram(b []byte) {
	if late := time.Duration(w.slowUntil.Load()) - time.Since(w.run.began); late > 0 {
		pause(w.live, late)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.replica == nil {
		return // it has overtaken the welcome
	}
	if _, err := w.replica.Apply(b); err != nil {
		w.bad++
		w.run.ledger.note("a datagram: " + err.Error())
		return
	}
	if w.replica.Tick() <= w.answer {
		return
	}
	w.answer = w.replica.Tick()
	whim := uint64(w.welcome.Player)*31 + w.answer/thinkTicks
	row, err := w.run.game.AppendInput(nil, arena.Steer{Aim: float32(whim * 3 % 360), Thrust: whim%3 > 0, Fire: whim%5 == 0})
	if err != nil {
		panic(fmt.Sprintf("soak: an input: %v", err)) // it is in range
	}
	in := protocol.Input{Tick: w.answer + leadTicks, Count: 1}
	in.Inputs[0] = row
	w.replica.Ack(&in)
	w.way.send(protocol.AppendInput(nil, &in)) // fails at the end, which read tells
}

func (w *wire) ended() <-chan struct{} { return w.over }
func (w *wire) why() error             { return w.reason }
func (w *wire) room() string           { return w.welcome.RoomName }

func (w *wire) say(text string) error {
	message, err := protocol.AppendSay(nil, protocol.Say{Text: text})
	if err != nil {
		return err
	}
	return w.way.write(protocol.AppendFrame(nil, message))
}

func (w *wire) ask(ctx context.Context, name string) error {
	data, err := w.run.game.Rename.AppendAsk(nil, arena.Rename{Name: name})
	if err != nil {
		return err
	}
	w.asked++
	message, err := protocol.AppendRequest(nil, protocol.Request{Number: w.asked, Kind: w.run.game.Rename.Kind(), Data: data})
	if err != nil {
		return err
	}
	if err := w.way.write(protocol.AppendFrame(nil, message)); err != nil {
		return err
	}
	for {
		select {
		case a := <-w.answers:
			if a.Number == w.asked {
				return nil
			}
		case <-w.over:
			return w.reason
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *wire) stall(ctx context.Context, d time.Duration) {
	w.way.cut(true)
	pause(ctx, d)
	w.way.cut(false)
}

func (w *wire) slow(d time.Duration) { w.slowUntil.Store(int64(time.Since(w.run.began) + d)) }

// move goes on by whichever door chance says, with the rows that are here, while the former connection is still open.
func (w *wire) move(ctx context.Context) (player, error) {
	next, err := w.bot.openWire(ctx, seat{}, ticket{token: w.welcome.Resume, replica: w.detach()})
	w.end(func() { w.way.close(protocol.CloseAbandoned) })
	if err != nil {
		return nil, err
	}
	w.run.ledger.add(resumes, 1)
	return next, nil
}

// detach gives the rows away, counted; what comes afterwards is passed over.
func (w *wire) detach() *replica.Replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	rows := w.replica
	w.replica = nil
	if rows != nil {
		w.run.ledger.add(received, int64(rows.Counters().Datagrams-w.former.Datagrams))
		w.run.ledger.add(orphans, int64(rows.Counters().Orphans-w.former.Orphans))
	}
	w.run.ledger.add(unreadable, w.bad)
	w.bad = 0
	return rows
}

// end ends the way, and waits for its reader.
func (w *wire) end(how func()) {
	w.stop()
	how()
	w.reading.Wait()
}

func (w *wire) drop() ticket {
	w.end(w.way.kill)
	return ticket{token: w.welcome.Resume, replica: w.detach()}
}

func (w *wire) leave(rude bool) {
	if rude {
		w.end(w.way.kill)
		return
	}
	w.end(func() { w.way.close(protocol.CloseNormal) })
}

func (w *wire) tally() { w.detach() }
