package world_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// TestAGameKnowsWhoComes while the player is in, and may refuse by it; a world that is restored knows it, too.
func TestAGameKnowsWhoComes(t *testing.T) {
	type move struct{ DX int8 }
	g := world.NewGame[move]("club")
	var seen, ticks []string
	who := func(tx *world.Tx, p world.Player) string { return tx.User(p) + " as " + tx.Role(p) }
	g.OnJoin(func(tx *world.Tx, p world.Player) error {
		seen = append(seen, who(tx, p))
		if tx.Role(p) == "" {
			return errors.New("members only")
		}
		return nil
	})
	g.OnLeave(func(tx *world.Tx, p world.Player, _ world.LeaveReason) { seen = append(seen, who(tx, p)) })
	g.OnTick(func(tx *world.Tx) { ticks = append(ticks, who(tx, 1)) })

	w, err := world.New(g, world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cs, v, err := w.Step(world.Commands{Joins: []world.Join{{Player: 1, User: "ann", Role: "member"}, {Player: 2, User: "ben"}}})
	if err != nil || len(cs.Refused) != 1 || cs.Refused[0] != (world.Refusal{Player: 2, Reason: "members only"}) {
		t.Fatalf("refused are %+v, %v", cs.Refused, err)
	}
	if seat, ok := v.Seat(1); !ok || seat.User != "ann" || seat.Role != "member" {
		t.Errorf("ann's seat is %+v, %v", seat, ok)
	}
	restored, err := world.Restore(g, w.Export(), world.Config{})
	if err != nil {
		t.Fatal(err)
	}
	seen, ticks = nil, nil
	for _, w := range []*world.World{w, restored} {
		if _, _, err := w.Step(world.Commands{Leaves: []world.Leave{{Player: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"ann as member", "ann as member"}; !reflect.DeepEqual(seen, want) {
		t.Errorf("at the leave it is %q, want %q", seen, want)
	}
	if want := []string{" as ", " as "}; !reflect.DeepEqual(ticks, want) {
		t.Errorf("after the leave it is %q, want nobody", ticks)
	}
}

// TestWhoComesIsInTheHash, since the game can go by it.
func TestWhoComesIsInTheHash(t *testing.T) {
	hashes := map[uint64]world.Join{}
	for _, j := range []world.Join{{Player: 1}, {Player: 1, User: "ann"}, {Player: 1, Role: "ann"}, {Player: 1, User: "ben"}, {Player: 1, User: "an", Role: "n"}} {
		_, v := step(t, start(t, newFleet(), 1), world.Commands{Joins: []world.Join{j}})
		if other, twice := hashes[v.Hash()]; twice {
			t.Errorf("%+v and %+v have the same hash", j, other)
		}
		hashes[v.Hash()] = j
	}
}

func TestNamesThatAreTooLongAreNoCommands(t *testing.T) {
	for _, test := range []struct {
		join world.Join
		good bool
	}{
		{world.Join{Player: 1, User: strings.Repeat("a", world.MaxUser), Role: strings.Repeat("b", world.MaxRole)}, true},
		{world.Join{Player: 1, User: strings.Repeat("a", world.MaxUser+1)}, false},
		{world.Join{Player: 1, Role: strings.Repeat("b", world.MaxRole+1)}, false},
	} {
		c := world.Commands{Joins: []world.Join{test.join}}
		got, err := world.ParseCommands(c.Append(nil))
		if good := err == nil && reflect.DeepEqual(got, c); good != test.good {
			t.Errorf("names of %d and %d bytes come back: %v, want %v", len(test.join.User), len(test.join.Role), good, test.good)
		}
	}
}
