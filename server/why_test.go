package server_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/replicate"
	"github.com/quicstep/quicstep/world"
)

func TestWhyARowIsNotSent(t *testing.T) {
	g := newArena()
	g.resting.Store(true)
	s := serve(t, server.Config{Games: []world.Game{g}})
	c := join(t, s, g)
	ticks(t, c, 20)
	room := s.Rooms()[0]
	reasons := map[replicate.Reason]int{}
	var far, seen world.ID
	for id := range g.Stones.All(s.View()) {
		why, err := s.Why(t.Context(), room.Name, c.Player(), "stone", id)
		if err != nil {
			t.Fatal(err)
		}
		if reasons[why.Reason]++; why.Reason == replicate.OutOfSight {
			far = id
		} else if seen = id; !g.Stones.Has(c.View(), id) {
			t.Errorf("stone %v: %v, and it is not in sight", id, why)
		}
		if why.ID != id || why.Pass == 0 {
			t.Errorf("stone %v: %+v", id, why)
		}
	}
	if reasons[replicate.OutOfSight] == 0 || reasons[replicate.Acknowledged] == 0 || len(reasons) > 2 {
		t.Errorf("the reasons are %v, want out of sight and acknowledged", reasons)
	}
	if g.Stones.Has(c.View(), far) {
		t.Errorf("stone %v is out of sight, and the client has it", far)
	}
	other := schema.MakeID(seen.Index(), seen.Generation()+1)
	for _, name := range []string{"", room.ID} {
		if why, err := s.Why(t.Context(), name, c.Player(), "stone", other); err != nil || why.Reason != replicate.NoRow || why.ID != other {
			t.Errorf("another generation: %v, %v", why, err)
		}
	}
}

func TestWhyNobodyCanAnswer(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	c, other := join(t, s, g), join(t, s, g)
	room := s.Rooms()[0].Name
	for _, ask := range []struct {
		room   string
		player world.Player
		table  string
		want   error
	}{
		{"nowhere", c.Player(), "stone", server.ErrNoRoom},
		{room, 77, "stone", server.ErrNoPlayer},
		{room, c.Player(), "wood", server.ErrNoTable},
	} {
		if _, err := s.Why(t.Context(), ask.room, ask.player, ask.table, 0); !errors.Is(err, ask.want) {
			t.Errorf("%+v: %v", ask, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Why(gone, room, c.Player(), "stone", 0); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("without time to wait: %v", err)
	}
	player := c.Player()
	c.Close()
	for range patience {
		if _, err := s.Why(t.Context(), room, player, "stone", 0); errors.Is(err, server.ErrNoPlayer) {
			return
		}
		ticks(t, other, 1)
	}
	t.Error("a player who has left is still there")
}

func TestManyAskWhyAtOnce(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	c := join(t, s, g)
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			if why, err := s.Why(t.Context(), "", c.Player(), "stone", 0); err != nil || why.Reason == 0 {
				t.Errorf("%v, %v", why, err)
			}
		})
	}
	asking.Wait()
}
