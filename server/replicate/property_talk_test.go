package replicate_test

import (
	"errors"
	"fmt"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

// bang is an event of the property test. N tells it apart from all others.
type bang struct {
	X float32 `net:"range=0:400,step=0.01,pos=x"`
	Y float32 `net:"range=0:400,step=0.01,pos=y"`
	N uint32
}

// word is an event without a position.
type word struct {
	N    uint32
	Said string `net:"max=8"`
}

// emit lets some events happen, to everybody and to some.
func (g *things) emit(tx *world.Tx) {
	r := g.chance
	for range r.IntN(3) {
		g.emitted++
		at := g.place()
		var to []world.Recipients
		switch r.IntN(4) {
		case 0:
			to = append(to, world.ToPlayer(g.someone(tx)))
		case 1:
			to = append(to, world.ToTeam(world.TeamID(1+r.IntN(2))))
		}
		if r.IntN(3) == 0 {
			g.Words.Emit(tx, word{N: g.emitted, Said: fmt.Sprint(g.emitted % 1000)}, to...)
			continue
		}
		g.Bangs.Emit(tx, bang{X: float32(at.X), Y: float32(at.Y), N: g.emitted}, to...)
	}
}

// remember keeps what happened in a tick, to compare with what clients are told.
func (s *simulation) remember(cs world.ChangeSet, view *world.View) {
	if s.happened == nil {
		s.happened = make(map[uint64]happened)
	}
	s.happened[cs.Tick] = happened{events: cs.Events, view: view}
	delete(s.happened, cs.Tick-2*age)
}

type happened struct {
	events []world.EventRecord
	view   *world.View
}

// fired checks the events that a datagram brought: each is one that happened, that this player is told of, and that it
// was not told of before.
func (s *simulation) fired(p *peer, events []replica.Event) error {
	for _, e := range events {
		then, ok := s.happened[e.Tick]
		if !ok || int(e.Number) >= len(then.events) {
			return fmt.Errorf("event %d of tick %d was fired and never happened", e.Number, e.Tick)
		}
		want := then.events[e.Number]
		if want.Kind != e.Kind || string(want.Data) != string(e.Data) {
			return fmt.Errorf("event %d of tick %d is kind %d, % x; want %d, % x", e.Number, e.Tick, e.Kind, e.Data, want.Kind, want.Data)
		}
		if seat, ok := then.view.Seat(p.num); !ok || !want.To.Has(seat) {
			return fmt.Errorf("event %d of tick %d was told to a player whom it does not concern", e.Number, e.Tick)
		}
		name := [2]uint64{e.Tick, uint64(e.Number)}
		if p.fired[name] {
			return fmt.Errorf("event %d of tick %d was fired twice", e.Number, e.Tick)
		}
		p.fired[name] = true
		s.counted.events++
	}
	return nil
}

// check takes an acknowledgement with what the client reports beside it. As long as no rule is broken no report may
// find anything.
func (s *simulation) check(p *peer, in *protocol.Input) error {
	if !in.HasAck {
		return nil
	}
	fresh, err := p.server.Ack(in.Epoch, uint16(in.Newest), in.Missing, s.now())
	broken := s.breach != 0 || s.client != 0
	var never *replicate.AckError
	if errors.As(err, &never) && s.breach&replicate.BreachResume != 0 {
		// Sequence numbers that restart make clients name datagrams that were not sent yet: a server counts that and
		// goes on, and so does the test of that breach.
		return nil
	}
	if err != nil || broken || in.Epoch != p.server.Epoch() {
		return err
	}
	var r replicate.Report
	if in.HasRow {
		r.Row = &in.Row
	}
	if in.HasPage {
		r.Page = &in.Page
	}
	checked := p.server.Check(s.world.View(), r, fresh)
	s.counted.rows += checked.Rows
	s.counted.pages += checked.Pages
	s.counted.unchecked += checked.Skipped
	for _, d := range checked.Diverged {
		return fmt.Errorf("a false alarm: %+v", d)
	}
	return nil
}
