package world_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// town is a game of events, messages and requests, and no rows to speak of.
type town struct {
	*world.GameOf[struct{}]
	Bells   world.Event[bell]
	Cries   world.Event[cry]
	Letters world.Message[letter]
	Loans   world.Request[loan, debt]
	Debts   world.Table[debt]

	onTick func(tx *world.Tx)
}

type bell struct {
	X float64 `net:"range=0:100,step=1,pos=x"`
	Y float64 `net:"range=0:100,step=1,pos=y"`
}

type cry struct {
	Text string `net:"max=20"`
}

type letter struct{ Page uint8 }

type loan struct {
	Coins uint8 `net:"range=1:50"`
}

type debt struct{ Coins uint16 }

func newTown() *town {
	g := &town{GameOf: world.NewGame[struct{}]("town")}
	g.Bells = world.AddEvent[bell](g, "bell")
	g.Cries = world.AddEvent[cry](g, "cry")
	g.Letters = world.AddMessage[letter](g, "letter")
	g.Debts = world.AddTable[debt](g, "debt")
	g.Loans = world.AddRequest(g, "loan", func(tx *world.Tx, p world.Player, ask loan) (debt, error) {
		if ask.Coins == 13 {
			panic("bad luck")
		}
		if ask.Coins > 40 {
			return debt{}, errors.New("that is too much")
		}
		for id, d := range g.Debts.Owned(tx, p) {
			g.Debts.Edit(tx, id).Coins += uint16(ask.Coins)
			return debt{d.Coins + uint16(ask.Coins)}, nil
		}
		d := debt{uint16(ask.Coins)}
		g.Debts.Insert(tx, d, world.Owner(p))
		return d, nil
	})
	g.OnTick(func(tx *world.Tx) {
		if g.onTick != nil {
			g.onTick(tx)
		}
	})
	return g
}

func (g *town) ask(t *testing.T, p world.Player, number uint32, coins uint8) world.Ask {
	t.Helper()
	data, err := g.Loans.AppendAsk(nil, loan{coins})
	if err != nil {
		t.Fatal(err)
	}
	return world.Ask{Player: p, Number: number, Kind: g.Loans.Kind(), Data: data}
}

func TestRequestsAreAnsweredInOrder(t *testing.T) {
	g := newTown()
	w := start(t, g, 1)
	step(t, w, joins(1, 2))
	cs, _ := step(t, w, world.Commands{Requests: []world.Ask{
		g.ask(t, 2, 7, 5), g.ask(t, 1, 9, 20), g.ask(t, 1, 10, 50), g.ask(t, 1, 11, 1), g.ask(t, 3, 1, 1),
		{Player: 2, Number: 8, Kind: 4},
	}})
	var got []string
	for _, a := range cs.Answers {
		got = append(got, fmt.Sprintf("%d.%d %d %s", a.Player, a.Number, g.Loans.DecodeAnswer(a.Data).Coins, a.Refusal))
	}
	want := []string{
		"1.9 20 ", "1.10 0 that is too much", "1.11 21 ", "2.7 5 ", "2.8 0 the game has no such request", "3.1 0 you are not in the room",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the answers are\n%q, want\n%q", got, want)
	}
	if cs, _ := step(t, w, world.Commands{}); len(cs.Answers) != 0 {
		t.Errorf("the next tick answers %v again", cs.Answers)
	}
}

func TestARequestThatPanicsIsAnsweredAndUndone(t *testing.T) {
	g := newTown()
	w := start(t, g, 1)
	step(t, w, joins(1))
	cs, v, err := w.Step(world.Commands{Requests: []world.Ask{g.ask(t, 1, 1, 5), g.ask(t, 1, 2, 13)}})
	var failed *world.PanicError
	if !errors.As(err, &failed) || failed.Callback != "OnRequest" || failed.Player != 1 {
		t.Fatalf("Step returned %v, want a panic in OnRequest of player 1", err)
	}
	if len(cs.Answers) != 2 || cs.Answers[0].Refusal == "" || cs.Answers[1].Refusal == "" || g.Debts.Len(v) != 0 {
		t.Errorf("the answers are %v and %d debts are left, want two refusals and none", cs.Answers, g.Debts.Len(v))
	}
}

func TestAnAskOutOfRangeNamesItsField(t *testing.T) {
	g := newTown()
	if _, err := world.SchemaOf(g); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Loans.AppendAsk(nil, loan{Coins: 60}); err == nil || !strings.Contains(err.Error(), "Coins") {
		t.Errorf("60 coins were answered with %v", err)
	}
}

func TestEventsOfTheLatestTicksAreKept(t *testing.T) {
	g := newTown()
	w, err := world.New(g, world.Config{Seed: 1, EventTicks: 3})
	if err != nil {
		t.Fatal(err)
	}
	g.onTick = func(tx *world.Tx) {
		if tx.Tick()%2 == 0 {
			g.Cries.Emit(tx, cry{fmt.Sprint(tx.Tick())})
		}
	}
	for tick := uint64(1); tick <= 10; tick++ {
		_, v := step(t, w, world.Commands{})
		var got, want []uint64
		for _, e := range v.Events() {
			got = append(got, e.Tick)
		}
		for at := max(tick, 3) - 2; at <= tick; at++ {
			if at%2 == 0 {
				want = append(want, at)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("after tick %d the events of ticks %v are kept, want %v", tick, got, want)
		}
	}
	if _, err := world.New(g, world.Config{EventTicks: 128}); err == nil {
		t.Error("128 event ticks were taken")
	}
}

func TestWhomAnEventConcernsIsDecidedInItsTick(t *testing.T) {
	g := newTown()
	w := start(t, g, 1)
	step(t, w, joins(1, 2, 3))
	g.onTick = func(tx *world.Tx) {
		tx.SetView(1, world.Pos{X: 50, Y: 50}, 10)
		tx.SetView(2, world.Pos{X: 50, Y: 61}, 10)
		tx.SetTeam(3, 9)
		g.Bells.Emit(tx, bell{50, 50})
		g.Bells.Emit(tx, bell{50, 50}, world.ToPlayer(2))
		g.Bells.Emit(tx, bell{50, 50}, world.ToPlayer(2), world.ToTeam(9))
		g.Cries.Emit(tx, cry{"all"})
		g.Letters.Send(tx, letter{1}, world.ToTeam(9))
	}
	cs, _ := step(t, w, world.Commands{})
	g.onTick = func(tx *world.Tx) { tx.SetView(1, world.Pos{}, 0) }
	_, v := step(t, w, world.Commands{Leaves: []world.Leave{{Player: 3}}})
	kept := v.Events()
	if len(kept) != 1 || kept[0].Tick != cs.Tick {
		t.Fatalf("the events of %d ticks are kept", len(kept))
	}
	want := [][]world.Player{{1}, {2}, {3}, {1, 2, 3}}
	for n, e := range kept[0].Events {
		var got []world.Player
		for p := world.Player(1); p <= 4; p++ {
			if seat, ok := kept[0].Seat(p); ok && e.To.Has(seat) {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, want[n]) {
			t.Errorf("event %d concerns %v, want %v", n, got, want[n])
		}
	}
	for tick, c := range g.Cries.In(cs.Events) {
		if tick != cs.Tick || c.Text != "all" {
			t.Errorf("the cry of tick %d is %q", tick, c.Text)
		}
	}
	if len(cs.Messages) != 1 || !cs.Messages[0].To.Has(world.Seat{Player: 3, Team: 9}) || cs.Messages[0].To.Has(world.Seat{Player: 1}) {
		t.Errorf("the messages are %v, want one to team 9", cs.Messages)
	}
	if l, ok := g.Letters.Decode(cs.Messages[0]); !ok || l.Page != 1 {
		t.Errorf("the letter is %+v", l)
	}
}

func TestAnUndoneTickTellsNothing(t *testing.T) {
	g := newTown()
	w := start(t, g, 1)
	g.onTick = func(tx *world.Tx) {
		g.Cries.Emit(tx, cry{"lost"})
		g.Letters.Send(tx, letter{1})
		panic("now")
	}
	cs, v, _ := w.Step(world.Commands{})
	if len(cs.Events) != 0 || len(cs.Messages) != 0 || len(v.Events()) != 0 {
		t.Errorf("the undone tick tells %v, %v and %v", cs.Events, cs.Messages, v.Events())
	}
}

func TestCommandsWithRequestsComeBack(t *testing.T) {
	g := newTown()
	c := world.Commands{
		Joins: []world.Join{{Player: 4}}, Requests: []world.Ask{g.ask(t, 1, 7, 5), {Player: 2, Number: 1 << 30, Kind: 63}},
		Inputs: []world.Input{{Player: 1}},
	}
	b := c.Append(nil)
	got, err := world.ParseCommands(b)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(c) {
		t.Errorf("%v comes back as %v, %v", c, got, err)
	}
	for cut := range b {
		if _, err := world.ParseCommands(b[:cut]); err == nil {
			t.Errorf("%d of %d bytes are taken", cut, len(b))
		}
	}
}

func TestWhatHasAPlaceOnlyInTables(t *testing.T) {
	g := world.NewGame[struct{}]("bad")
	world.AddMessage[bell](g, "bell")
	world.AddRequest(g, "ring", func(*world.Tx, world.Player, bell) (debt, error) { return debt{}, nil })
	world.AddEvent[struct {
		A uint8 `net:"owner"`
	}](g, "secret")
	g.SetMaxPlayers(-1)
	_, err := world.SchemaOf(g)
	if err == nil {
		t.Fatal("the definition was taken")
	}
	for _, want := range []string{"bell: pos=", "ring: pos=", "SetMaxPlayers"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the errors %q don't say %q", err, want)
		}
	}
}
