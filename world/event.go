package world

import (
	"fmt"
	"iter"

	"github.com/quicstep/quicstep/protocol/schema"
)

// MaxEventTicks is the most ticks for which an event may be worth telling.
const MaxEventTicks = 127

// MaxEventsPerTick and MaxMessagesPerTick bound what a game tells in one tick, to whomever; one more is a panic, which
// costs the tick.
const (
	MaxEventsPerTick   = 65_536
	MaxMessagesPerTick = 65_536
)

// Event is a kind of short-lived event, such as a shot or an explosion: a client gets it once and soon, or never.
// What must arrive is a Message; what lasts is a row.
type Event[T any] struct{ def *table }

// AddEvent adds a kind of event. T follows the rules of rows, but for owner, team and own=: an event travels whole.
// With fields tagged pos=x and pos=y it is told to those in whose view it happens.
func AddEvent[T any](g Game, name string) Event[T] {
	d := g.definition()
	d.mustBeOpen("AddEvent")
	t := newTable[T](d, name, len(d.events), false)
	d.events = append(d.events, t)
	return Event[T]{t}
}

// EventRecord is an event as it travels.
type EventRecord struct {
	// Tick is when it happened; on the server that of the ChangeSet.
	Tick uint64
	// Kind is its place among the game's events.
	Kind int
	// To says who is told.
	To Recipients
	// Data is the event, as Decode reads it.
	Data []byte
}

// Emit tells that the event happened in this tick: to everybody in the room, or to those in whose view it is when it
// has a position, or to whom the options say; of several options the last counts. In a prediction it does nothing:
// the server says so. MaxEventsPerTick bounds them.
func (e Event[T]) Emit(tx *Tx, event T, to ...Recipients) {
	tx.check()
	if tx.predicting {
		return
	}
	if len(tx.state.events) == MaxEventsPerTick {
		panic(fmt.Sprintf("world: tick %d: more than %d events, the latest of %s: emit fewer, or one for many", tx.state.tick, MaxEventsPerTick, e.def.name))
	}
	r := EventRecord{Tick: tx.state.tick, Kind: e.def.index, Data: appendClamped(e.def.bind, nil, &event)}
	if e.def.wire.Positioned() {
		x, y := positionOf(e.def.bind, &event)
		r.To = Recipients{Scope: ScopeNear, At: Pos{X: x, Y: y}}
	}
	for _, o := range to {
		r.To = o
	}
	tx.state.events = append(tx.state.events, r)
}

// Decode returns the event of this kind that a record holds; ok is false for another kind.
func (e Event[T]) Decode(r EventRecord) (event T, ok bool) {
	if r.Kind != e.def.index {
		return event, false
	}
	decodeRow(e.def.bind, &event, r.Data)
	return event, true
}

// In iterates over the events of this kind among records, each with the tick in which it happened.
func (e Event[T]) In(records []EventRecord) iter.Seq2[uint64, T] {
	return func(yield func(uint64, T) bool) {
		for _, r := range records {
			if event, ok := e.Decode(r); ok && !yield(r.Tick, event) {
				return
			}
		}
	}
}

// Scope is how recipients are named.
type Scope uint8

// The scopes.
const (
	ScopeAll    Scope = iota // everybody in the room
	ScopePlayer              // one player
	ScopeTeam                // everybody in a team
	ScopeNear                // those in whose view a place is
)

// Recipients say who is told of an event or gets a message. The zero value is everybody in the room.
type Recipients struct {
	Scope  Scope
	Player Player // of ScopePlayer; zero is nobody
	Team   TeamID // of ScopeTeam; zero is nobody
	At     Pos    // of ScopeNear
}

// ToPlayer is one player.
func ToPlayer(p Player) Recipients { return Recipients{Scope: ScopePlayer, Player: p} }

// ToTeam is everybody in a team.
func ToTeam(t TeamID) Recipients { return Recipients{Scope: ScopeTeam, Team: t} }

// ToAll is everybody in the room, also for an event with a position.
func ToAll() Recipients { return Recipients{} }

// Has tells whether a player is one of them.
func (r Recipients) Has(s Seat) bool {
	switch r.Scope {
	case ScopePlayer:
		return r.Player != 0 && s.Player == r.Player
	case ScopeTeam:
		return r.Team != 0 && s.Team == r.Team
	case ScopeNear:
		dx, dy := r.At.X-s.Pos.X, r.At.Y-s.Pos.Y
		return float64(dx*dx)+float64(dy*dy) <= float64(s.Radius*s.Radius)
	}
	return true
}

// TickEvents is what happened in one tick, and who was there.
type TickEvents struct {
	Tick    uint64
	Events  []EventRecord
	players []player
}

// Seat returns what was known of a player in that tick, which decides what it is told; ok is false when it was not in
// the room.
func (e TickEvents) Seat(p Player) (s Seat, ok bool) { return seatOf(e.players, p) }

// Events are those of the latest ticks, oldest first, as far back as Config.EventTicks says; ticks without any are left
// out. Nobody may write to them.
func (v *View) Events() []TickEvents { return v.events }

// keepEvents adds a tick's events to the recent ones and drops those that are too old. Views hold the former lists.
func (w *World) keepEvents(events []EventRecord) {
	tick := w.state.tick
	old := 0
	for old < len(w.recent) && w.recent[old].Tick+w.keepTicks <= tick {
		old++
	}
	if old == 0 && len(events) == 0 {
		return
	}
	recent := append([]TickEvents(nil), w.recent[old:]...)
	if len(events) > 0 {
		recent = append(recent, TickEvents{Tick: tick, Events: events, players: w.state.players})
	}
	w.recent = recent
}

// Message is a kind of message from the game to its players, such as the end of a round: it arrives, in the order of
// sending, while the player's connection lives and its client reads. A server bounds how many wait for one that does not,
// or that a single tick sends to one player; those beyond are lost to that player.
type Message[T any] struct{ def *table }

// AddMessage adds a kind of message. T follows the rules of events.
func AddMessage[T any](g Game, name string) Message[T] {
	d := g.definition()
	d.mustBeOpen("AddMessage")
	t := newTable[T](d, name, len(d.messages), false)
	if t.wire != nil && t.wire.Positioned() {
		d.fail(errPositioned(name))
	}
	d.messages = append(d.messages, t)
	return Message[T]{t}
}

// MessageRecord is a message as it travels, with the fields of an EventRecord.
type MessageRecord EventRecord

// Send sends a message to everybody in the room, or to whom an option says; of several options the last counts. In a
// prediction it does nothing. MaxMessagesPerTick bounds them.
func (m Message[T]) Send(tx *Tx, message T, to ...Recipients) {
	tx.check()
	if tx.predicting {
		return
	}
	if len(tx.state.posts) == MaxMessagesPerTick {
		panic(fmt.Sprintf("world: tick %d: more than %d messages, the latest of %s: send fewer, or one to many", tx.state.tick, MaxMessagesPerTick, m.def.name))
	}
	r := MessageRecord{Tick: tx.state.tick, Kind: m.def.index, Data: appendClamped(m.def.bind, nil, &message)}
	for _, o := range to {
		r.To = o
	}
	tx.state.posts = append(tx.state.posts, r)
}

// Decode returns the message of this kind that a record holds; ok is false for another kind.
func (m Message[T]) Decode(r MessageRecord) (message T, ok bool) {
	if r.Kind != m.def.index {
		return message, false
	}
	decodeRow(m.def.bind, &message, r.Data)
	return message, true
}

// In iterates over the messages of this kind among records, each with the tick in which it was sent.
func (m Message[T]) In(records []MessageRecord) iter.Seq2[uint64, T] {
	return func(yield func(uint64, T) bool) {
		for _, r := range records {
			if message, ok := m.Decode(r); ok && !yield(r.Tick, message) {
				return
			}
		}
	}
}

// requestWires are the requests as they travel.
func (d *definition) requestWires() []schema.Request {
	out := make([]schema.Request, len(d.requests))
	for i, r := range d.requests {
		out[i] = schema.Request{Ask: r.ask.wire, Answer: r.answer.wire}
	}
	return out
}
