package server_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// quietArena is an arena in which only players change anything.
func quietArena() *arena {
	g := newArena()
	g.resting.Store(true)
	return g
}

func TestTwoPlayersSeeEachOtherMoveAndLeave(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	alice, bob := join(t, s, g), join(t, s, g)
	if alice.Player() != 1 || bob.Player() != 2 {
		t.Errorf("the players are %d and %d, want 1 and 2", alice.Player(), bob.Player())
	}
	for _, c := range []*client.Client[stride]{alice, bob} {
		until(t, c, "both units are in sight", func(v *world.View) bool { return g.Units.Len(v) == 2 })
	}
	if err := alice.Send(stride{DX: 1}); err != nil {
		t.Fatal(err)
	}
	v := until(t, bob, "alice's unit walks to the right", func(v *world.View) bool {
		u, ok := g.Units.Get(v, firstUnit)
		return ok && u.X > 550
	})
	if u, _ := own(g, bob, v); u.X != 500 || u.Y != 500 {
		t.Errorf("bob's unit is at %v, %v though he stands still", u.X, u.Y)
	}
	if got := keys(g, v); got[0] != 0 || got[1] != uint16(bob.Player())*7+1 {
		t.Errorf("bob sees the keys %v, want his own and no other", got)
	}
	alice.Close()
	until(t, bob, "alice's unit is gone", func(v *world.View) bool { return g.Units.Len(v) == 1 })
	if _, ok := own(g, bob, bob.View()); !ok {
		t.Error("bob's own unit went with alice's")
	}
	if got := s.Stats(); got.Players != 1 || got.FailedTicks != 0 {
		t.Errorf("stats tell %d players and %d failed ticks, want 1 and 0", got.Players, got.FailedTicks)
	}
}

// firstUnit is the unit of the one who joined first.
const firstUnit = world.ID(1 << 20)

func TestALateJoinerSeesEverything(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	early := join(t, s, g)
	early.Send(stride{DX: -1, DY: 1})
	until(t, early, "the unit has walked a bit", func(v *world.View) bool { u, _ := own(g, early, v); return u.Y > 550 })
	g.resting.Store(true)
	early.Send(stride{})
	late := join(t, s, g)
	for _, c := range []*client.Client[stride]{early, late} {
		until(t, c, "the client's rows are the server's", func(*world.View) bool {
			return len(differences(t, g, s.View(), c)) == 0
		})
	}
	if u, ok := g.Units.Get(late.View(), firstUnit); !ok || u.X >= 500 || u.Y <= 500 {
		t.Errorf("the late joiner sees the early one's unit as %+v, %v; want it down and to the left", u, ok)
	}
}

func TestTheGamesRefusalReachesTheClient(t *testing.T) {
	g := quietArena()
	reason := "bring an umbrella\tand come back"
	g.refusal.Store(&reason)
	s := serve(t, server.Config{Games: []world.Game{g}})
	err := wantNoJoin(t, s, g)
	if !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "bring an umbrella and come back") {
		t.Errorf("the join failed with %v, want ErrRefused and the game's text", err)
	}
	g.refusal.Store(nil)
	c := join(t, s, g)
	v := until(t, c, "the score is here", func(v *world.View) bool { _, ok := g.Score.Get(v); return ok })
	if sc, _ := g.Score.Get(v); sc.Joins != 1 || g.Units.Len(s.View()) != 1 {
		t.Errorf("%d joins and %d units remain, want nothing of the refused one", sc.Joins, g.Units.Len(s.View()))
	}
}

func TestAFullRoomSaysSo(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}, Limits: server.Limits{MaxPlayers: 2, MaxRooms: 1}})
	first, second := join(t, s, g), join(t, s, g)
	if err := wantNoJoin(t, s, g); !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "as many rooms as it may, 1") {
		t.Errorf("the third join failed with %v, want ErrFull and why", err)
	}
	first.Close()
	until(t, second, "the first has left", func(v *world.View) bool { return g.Units.Len(v) == 1 && s.Stats().Players == 1 })
	join(t, s, g)
}

func TestAnotherGamesClientIsRefused(t *testing.T) {
	s := serve(t, server.Config{Games: []world.Game{quietArena()}})
	other := world.NewGame[stride]("chess")
	_, err := client.Join(t.Context(), other, s.config())
	if !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), `"arena"`) || !strings.Contains(err.Error(), `"chess"`) {
		t.Errorf("the join failed with %v, want ErrRefused and both names", err)
	}
}

func TestAnotherSchemaIsRefused(t *testing.T) {
	g := quietArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	watcher := join(t, s, g)
	other := world.NewGame[stride]("arena")
	world.AddTable[struct{ Colour uint8 }](other, "hat")
	_, err := client.Join(t.Context(), other, s.config())
	if !errors.Is(err, client.ErrVersion) || !strings.Contains(err.Error(), "table hat: the server does not have it: build both from the same game") {
		t.Errorf("the join failed with %v, want ErrVersion, what differs and what to do", err)
	}
	until(t, watcher, "the other build's player is gone again", func(v *world.View) bool {
		sc, ok := g.Score.Get(v)
		return ok && sc.Leaves == 1 && g.Units.Len(v) == 1
	})
}

func TestShutdownTellsThePlayers(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	players := []*client.Client[stride]{join(t, s, g), join(t, s, g)}
	s.stop(t)
	for _, c := range players {
		<-c.Done()
		if err := c.Err(); !errors.Is(err, client.ErrShutdown) {
			t.Errorf("player %d was told %v, want ErrShutdown", c.Player(), err)
		}
		if _, err := c.Next(t.Context(), c.View()); !errors.Is(err, client.ErrShutdown) {
			t.Errorf("Next returned %v, want ErrShutdown", err)
		}
	}
}

func TestAServerWithoutAGameSaysSo(t *testing.T) {
	if _, err := server.New(server.Config{}); err == nil || !strings.Contains(err.Error(), "Config.Games") {
		t.Errorf("New returned %v, want an error that names Config.Games", err)
	}
	for _, cfg := range []server.Config{
		{TickRate: -1}, {TickRate: 1000}, {BudgetBytes: -1}, {Limits: server.Limits{MaxPlayers: -1}}, {Limits: server.Limits{MaxPlayers: 1 << 30}},
		{Limits: server.Limits{CatchUpTicks: -1}}, {Limits: server.Limits{IdleTimeout: -1}}, {Games: []world.Game{quietArena(), quietArena()}},
	} {
		cfg.Games = append(cfg.Games, quietArena())
		if _, err := server.New(cfg); err == nil {
			t.Errorf("New took %+v", cfg)
		}
	}
}

func TestABrokenSocketEndsRun(t *testing.T) {
	g := quietArena()
	socket := listenPacket(t)
	s, err := server.New(server.Config{Games: []world.Game{g}, PacketConn: socket, Certificate: certificate(), AnyoneMayJoin: true})
	if err != nil {
		t.Fatal(err)
	}
	socket.Close()
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "accept players") {
		t.Errorf("Run returned %v, want why it could not go on", err)
	}
}
