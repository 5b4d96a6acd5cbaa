package world

import (
	"cmp"
	"fmt"
)

// Request is a kind of request: a player asks once, the game answers in a tick. Inputs are for what a player does all
// the time; a request is for what happens once and must not get lost, such as buying something.
type Request[Q, A any] struct{ def *request }

// request is a Request without its types.
type request struct {
	index       int
	ask, answer *table
	handle      func(tx *Tx, p Player, data []byte) (answer []byte, err error)
}

// AddRequest adds a kind of request, which handle answers on the server, in the order of the players and of their
// asking, before the tick's inputs. An error is told to the player as the answer; what handle did before it returned
// one stays done, so check first and write then. Q and A follow the rules of events.
func AddRequest[Q, A any](g Game, name string, handle func(tx *Tx, p Player, ask Q) (A, error)) Request[Q, A] {
	d := g.definition()
	d.mustBeOpen("AddRequest")
	r := &request{index: len(d.requests), ask: newTable[Q](d, name, len(d.requests), false), answer: newTable[A](d, name+"'s answer", len(d.requests), false)}
	for _, t := range []*table{r.ask, r.answer} {
		if t.wire != nil && t.wire.Positioned() {
			d.fail(errPositioned(t.name))
		}
	}
	r.handle = func(tx *Tx, p Player, data []byte) ([]byte, error) {
		var ask Q
		decodeRow(r.ask.bind, &ask, data)
		answer, err := handle(tx, p, ask)
		if err != nil {
			return nil, err
		}
		return appendClamped(r.answer.bind, nil, &answer), nil
	}
	d.requests = append(d.requests, r)
	return Request[Q, A]{r}
}

func errPositioned(name string) error {
	return fmt.Errorf("%s: pos= has a meaning in tables and events only; leave it out", name)
}

// Kind is the request's place among the game's requests.
func (r Request[Q, A]) Kind() int { return r.def.index }

// AppendAsk writes what a player asks as it travels. A value outside its field's range is an error that names the
// field.
func (r Request[Q, A]) AppendAsk(dst []byte, ask Q) ([]byte, error) {
	return appendRow(r.def.ask.bind, dst, &ask)
}

// DecodeAnswer reads an answer as it travels. Bytes that are none are the zero answer.
func (r Request[Q, A]) DecodeAnswer(data []byte) (answer A) {
	decodeRow(r.def.answer.bind, &answer, data)
	return answer
}

// Ask is one request: what a player asks, as AppendAsk writes it and the schema's CheckRow has checked it. Number is the
// player's own, and comes back with the answer.
type Ask struct {
	Player Player
	Number uint32
	Kind   int
	Data   []byte
}

// Answer is what became of a request: Data as DecodeAnswer reads it, or why not.
type Answer struct {
	Player  Player
	Number  uint32
	Data    []byte
	Refusal string // empty when it was answered
}

// answer runs a request's handler.
func (w *World) answer(q Ask) {
	s := w.state
	a := Answer{Player: q.Player, Number: q.Number}
	switch {
	case s.player(q.Player) == nil:
		a.Refusal = "you are not in the room"
	case q.Kind < 0 || q.Kind >= len(s.def.requests):
		a.Refusal = "the game has no such request"
	default:
		var err error
		if a.Data, err = s.def.requests[q.Kind].handle(w.tx, q.Player, q.Data); err != nil {
			a.Refusal = cmp.Or(err.Error(), "refused")
		}
	}
	s.answers = append(s.answers, a)
}
