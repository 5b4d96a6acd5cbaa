package server_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// TestWhoIsKickedIsGoneAndToldWhy, and does not come back by itself.
func TestWhoIsKickedIsGoneAndToldWhy(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	cfg := s.config()
	cfg.Reconnect = time.Minute
	bad, err := client.Join(t.Context(), g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	good := join(t, s, g)
	if err := s.Kick("", bad.Player(), "be kind"); err != nil {
		t.Fatal(err)
	}
	<-bad.Done()
	if err := bad.Err(); !errors.Is(err, client.ErrKicked) || !strings.Contains(err.Error(), "be kind") {
		t.Errorf("the one who was kicked was told %v", err)
	}
	until(t, good, "the other one is alone", func(v *world.View) bool { return g.Units.Len(v) == 1 })
	if why := world.LeaveReason(g.left.Load()); why != world.Expelled {
		t.Errorf("the game was told %v, want expelled", why)
	}
	if err := s.Kick("", bad.Player(), ""); !errors.Is(err, server.ErrNoPlayer) {
		t.Errorf("to kick somebody who has left is answered by %v", err)
	}
	if err := s.Kick("nowhere", good.Player(), ""); !errors.Is(err, server.ErrNoRoom) {
		t.Errorf("to kick somebody in no room is answered by %v", err)
	}
}

// TestWhoIsHeldCanBeKicked: the place is free at once.
func TestWhoIsHeldCanBeKicked(t *testing.T) {
	simulate(t, 71, calm, server.Config{Games: []world.Game{newArena()}, Limits: server.Limits{IdleTimeout: 2 * time.Second}}, func(s *simulation) {
		t := s.t
		lost, other := s.join(), s.join()
		s.pass(time.Second)
		s.net.setDark(s.sockets[0].LocalAddr(), true)
		s.pass(4 * time.Second)
		held := 0
		for _, f := range s.server.Sessions() {
			if f.Held {
				held++
			}
		}
		if held != 1 || len(s.server.View().Players()) != 2 {
			t.Fatalf("%d players are held", held)
		}
		if err := s.server.Kick("", lost.Player(), ""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		if got := s.server.View().Players(); len(got) != 1 || got[0] != other.Player() {
			t.Errorf("the players are %v, want %d alone", got, other.Player())
		}
	})
}

// TestABanHolds for those who are in, those who come, and after a restart; until it ends, or is lifted.
func TestABanHolds(t *testing.T) {
	g := newArena()
	file := filepath.Join(t.TempDir(), "bans.json")
	s := serve(t, server.Config{Games: []world.Game{g}, BanFile: file})
	c := join(t, s, g)
	prefix, err := s.AddressOf("", uint32(c.Player()))
	if err != nil || prefix.String() != "127.0.0.1/32" {
		t.Fatalf("the address is %v, %v", prefix, err)
	}
	ban, away, err := s.Ban(server.Ban{Prefix: prefix, Reason: "aimbot", By: "ann", Until: time.Now().Add(time.Hour)})
	if err != nil || away != 1 || ban.Number != 1 {
		t.Fatalf("%+v, %d sent away, %v", ban, away, err)
	}
	<-c.Done()
	if err := c.Err(); !errors.Is(err, client.ErrKicked) || !strings.Contains(err.Error(), "aimbot") {
		t.Errorf("the one who was banned was told %v", err)
	}
	wantBanned := func(s *running) {
		t.Helper()
		if err := wantNoJoin(t, s, g); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), "banned") || !strings.Contains(err.Error(), "aimbot") {
			t.Errorf("the one who is banned and comes back is told %v", err)
		}
	}
	wantBanned(s)
	if n := s.Stats().Banned; n != 1 {
		t.Errorf("%d were kept out, want 1", n)
	}
	s.stop(t)

	again := serve(t, server.Config{Games: []world.Game{g}, BanFile: file})
	wantBanned(again)
	if list := again.Bans(); len(list) != 1 || list[0].By != "ann" {
		t.Fatalf("after a restart the bans are %+v", list)
	}
	if _, err := again.Unban(7); !errors.Is(err, server.ErrNoBan) {
		t.Errorf("to lift a ban that is not there is answered by %v", err)
	}
	if _, err := again.Unban(1); err != nil {
		t.Fatal(err)
	}
	join(t, again, g)
	if _, _, err := again.Ban(server.Ban{Prefix: netip.MustParsePrefix("127.0.0.1/8"), Until: time.Now().Add(-time.Second)}); err != nil {
		t.Fatal(err)
	}
	join(t, again, g) // it is over
	if _, _, err := again.Ban(server.Ban{}); err == nil {
		t.Error("a ban of nobody was taken")
	}
}

func TestABanThatCantBeKeptIsNone(t *testing.T) {
	g := newArena()
	dir := t.TempDir()
	s := serve(t, server.Config{Games: []world.Game{g}, BanFile: filepath.Join(dir, "gone", "bans.json")})
	if _, _, err := s.Ban(server.Ban{Prefix: netip.MustParsePrefix("127.0.0.1/32")}); err == nil {
		t.Error("the ban was taken, and nothing keeps it")
	}
	join(t, s, g)
	broken := filepath.Join(dir, "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.New(server.Config{Games: []world.Game{g}, Addr: "127.0.0.1:0", BanFile: broken}); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("a broken file of bans is answered by %v", err)
	}
}

// TestAStepAtOnceIsCounted: it comes before the room has made its last tick, and is made after that.
func TestAStepAtOnceIsCounted(t *testing.T) {
	simulate(t, 73, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		s.join()
		from := s.server.Tick()
		if err := s.server.Freeze(""); err != nil {
			t.Fatal(err)
		}
		tick, err := s.server.Step(s.t.Context(), "", 3)
		s.pass(time.Second)
		if err != nil || tick != s.server.Tick() || tick != from+1+3 {
			t.Errorf("after 3 steps and a last tick from tick %d it is tick %d, and %d later: %v", from, tick, s.server.Tick(), err)
		}
	})
}

// TestAFrozenRoomSteps as many ticks as it is told, and nobody is disconnected.
func TestAFrozenRoomSteps(t *testing.T) {
	simulate(t, 72, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		c := s.join()
		s.wander(2 * time.Second)
		if _, err := s.server.Step(t.Context(), "", 5); !errors.Is(err, server.ErrNotFrozen) {
			t.Errorf("to step a room that goes on is answered by %v", err)
		}
		if err := s.server.Freeze(""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		from := s.server.Tick()
		tick, err := s.server.Step(t.Context(), "", 5)
		s.pass(30 * time.Second)
		if err != nil || tick != from+5 || s.server.Tick() != from+5 {
			t.Errorf("after 5 steps from tick %d it is tick %d, and %d later: %v", from, tick, s.server.Tick(), err)
		}
		if c.Err() != nil || c.View().Tick != from+5 {
			t.Errorf("the player knows tick %d of %d, %v", c.View().Tick, from+5, c.Err())
		}
		stopped := make(chan uint64)
		go func() {
			tick, err := s.server.Step(context.Background(), "", 10_000)
			var some *server.StepError
			if !errors.As(err, &some) || !errors.Is(err, server.ErrResumed) || some.Made < 20 || some.Made > 40 || some.Asked != 10_000 || some.Tick != tick {
				t.Errorf("a step of a room that is resumed a second later ends with %v", err)
			}
			stopped <- tick
		}()
		s.pass(time.Second)
		if _, err := s.server.Step(t.Context(), "", 1); !errors.Is(err, server.ErrBusy) {
			t.Errorf("to step while it steps is answered by %v", err)
		}
		if err := s.server.Resume(""); err != nil {
			t.Fatal(err)
		}
		if tick := <-stopped; tick < from+25 || tick > from+40 {
			t.Errorf("resumed a second after tick %d, it has stepped to %d", from+5, tick)
		}
		s.pass(time.Second)
		if c.Err() != nil || c.View().Tick < s.server.Tick()-3 {
			t.Errorf("the player knows tick %d of %d, %v", c.View().Tick, s.server.Tick(), c.Err())
		}
		for _, n := range []int{0, -1, server.MaxSteps + 1} {
			if _, err := s.server.Step(t.Context(), "", n); err == nil {
				t.Errorf("%d steps were taken", n)
			}
		}
	})
}

// TestAStepThatNobodyWaitsForEnds: the room stands where it is then.
func TestAStepThatNobodyWaitsForEnds(t *testing.T) {
	simulate(t, 73, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		s.join()
		if err := s.server.Freeze(""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		from := s.server.Tick()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tick, err := s.server.Step(ctx, "", 10_000)
		var some *server.StepError
		if !errors.As(err, &some) || !errors.Is(err, context.DeadlineExceeded) || tick < from+25 || tick > from+35 || some.Tick != tick {
			t.Fatalf("given up a second after tick %d it ends at tick %d with %v", from, tick, err)
		}
		s.pass(time.Second)
		if now := s.server.Tick(); now != from+uint64(some.Made) {
			t.Errorf("%d steps from tick %d lead to tick %d", some.Made, from, now)
		}
		if tick, err := s.server.Step(t.Context(), "", 2); err != nil || tick != from+uint64(some.Made)+2 {
			t.Errorf("2 steps more lead to tick %d, %v", tick, err)
		}
	})
}

// TestAnEditIsSeenAndUndone by a client, and an undo respects what came after.
func TestAnEditIsSeenAndUndone(t *testing.T) {
	g := newArena()
	g.resting.Store(true)
	s := serve(t, server.Config{Games: []world.Game{g}})
	c := join(t, s, g)
	var id world.ID
	var was uint16
	until(t, c, "the player has a unit", func(v *world.View) bool {
		for at, u := range g.Units.Owned(v, c.Player()) {
			id, was = at, u.HP
			return true
		}
		return false
	})
	holds := func(hp uint16) func(*world.View) bool {
		return func(v *world.View) bool {
			u, ok := g.Units.Get(v, id)
			return ok && u.HP == hp
		}
	}
	change := server.Change{Table: "unit", ID: id, Field: "HP", Value: "777", By: "ann"}
	first, err := s.Edit(t.Context(), change)
	if err != nil || first.Number != 1 || first.After != "777" || first.Tick == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	until(t, c, "the edit is seen", holds(777))
	back, err := s.Undo(t.Context(), first.Number, "ben")
	if err != nil || back.Undoes != 1 || back.By != "ben" {
		t.Fatalf("%+v, %v", back, err)
	}
	until(t, c, "the edit is undone", holds(was))
	if _, err := s.Undo(t.Context(), first.Number, "ben"); !errors.Is(err, server.ErrUndone) {
		t.Errorf("a second undo is answered by %v", err)
	}

	change.Value = "500"
	second, err := s.Edit(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	change.Value, change.By = "501", "cid"
	third, err := s.Edit(t.Context(), change)
	if err != nil {
		t.Fatal(err)
	}
	var changed *server.ChangedError
	if _, err := s.Undo(t.Context(), second.Number, "ann"); !errors.As(err, &changed) || changed.By != "cid" || changed.Number != third.Number || changed.Holds != "501" {
		t.Errorf("an undo after another's edit is answered by %v", err)
	}
	herald := func(tx *world.Tx) { g.Units.Edit(tx, id).HP = 9 }
	g.herald.Store(&herald)
	until(t, c, "the game has changed it", holds(9))
	if _, err := s.Undo(t.Context(), third.Number, "ann"); !errors.As(err, &changed) || changed.By != "" || changed.Number != 0 || changed.Holds != "9" || changed.Tick == 0 {
		t.Errorf("an undo after the game's change is answered by %v", err)
	}
	until(t, c, "nothing was undone", holds(9))
}

func TestAnEditThatCantBeIsRefused(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	c := join(t, s, g)
	for _, test := range []struct {
		change server.Change
		want   error
	}{
		{server.Change{Room: "nowhere", Table: "unit", ID: 1, Field: "HP", Value: "1"}, server.ErrNoRoom},
		{server.Change{Table: "wood", ID: 1, Field: "HP", Value: "1"}, server.ErrNoTable},
		{server.Change{Table: "unit", ID: 1, Field: "Luck", Value: "1"}, server.ErrNoField},
		{server.Change{Table: "unit", ID: 999, Field: "HP", Value: "1"}, server.ErrNoRow},
		{server.Change{Table: "unit", Field: "HP", Value: "-1"}, server.ErrValue},
		{server.Change{Table: "unit", Field: "X", Value: "1001"}, server.ErrValue},
	} {
		if _, err := s.Edit(t.Context(), test.change); !errors.Is(err, test.want) {
			t.Errorf("%+v is answered by %v, want %v", test.change, err, test.want)
		}
	}
	if _, err := s.Undo(t.Context(), 5, "ann"); !errors.Is(err, server.ErrNoEdit) {
		t.Errorf("to undo what is not there is answered by %v", err)
	}
	good := server.Change{Table: "unit", Field: "HP", Value: "1"}
	g.tickPanics.Store(1)
	if _, err := s.Edit(t.Context(), good); !errors.Is(err, server.ErrTickFailed) {
		t.Errorf("an edit in a tick that fails is answered by %v", err)
	}
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

// TestAnEditOfAFrozenRoomIsSeenWhileItStands: each edit is a tick of its own, in which nothing else happens, and the room
// goes on from there.
func TestAnEditOfAFrozenRoomIsSeenWhileItStands(t *testing.T) {
	simulate(t, 73, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t, g := s.t, s.game
		a := s.join()
		cfg := s.config()
		cfg.NoPrediction = true // its rows are compared
		b := s.joinAs(cfg)
		s.wander(2 * time.Second)
		if err := s.server.Freeze(""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		before, stats := s.server.View(), s.server.Stats()
		edit, err := s.server.Edit(t.Context(), server.Change{Table: "unit", Field: "HP", Value: "777", By: "ann"})
		if err != nil || edit.Tick != before.Tick+1 || s.server.Tick() != before.Tick+1 {
			t.Fatalf("%+v, and it is tick %d after %d: %v", edit, s.server.Tick(), before.Tick, err)
		}
		s.pass(time.Second)
		for _, c := range []*client.Client[stride]{a, b} {
			if u, _ := g.Units.Get(c.View(), edit.ID); u.HP != 777 || c.View().Tick != edit.Tick || c.Err() != nil {
				t.Errorf("player %d has HP %d in tick %d, %v", c.Player(), u.HP, c.View().Tick, c.Err())
			}
		}
		wantSame(t, g, s.server.View(), b)
		still := func(v *world.View) (out []any) {
			for _, u := range g.Units.All(v) {
				u.HP = 0
				out = append(out, u)
			}
			score, _ := g.Score.Get(v)
			return append(out, score)
		}
		if was, is := still(before), still(s.server.View()); !slices.Equal(was, is) {
			t.Errorf("%+v became %+v", was, is)
		}
		if _, err := s.server.Undo(t.Context(), edit.Number, "ben"); err != nil || s.server.Tick() != edit.Tick+1 {
			t.Errorf("undone in tick %d: %v", s.server.Tick(), err)
		}
		if room := s.server.Rooms()[0]; room.Every != 0 {
			t.Errorf("the room takes %d periods a tick", room.Every)
		}
		tick, err := s.server.Step(t.Context(), "", 1)
		if err != nil || tick != edit.Tick+2 {
			t.Errorf("a step leads to tick %d, %v", tick, err)
		}
		if err := s.server.Resume(""); err != nil {
			t.Fatal(err)
		}
		s.wander(3 * time.Second)
		if err := s.server.Freeze(""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		wantSame(t, g, s.server.View(), b)
		after := s.server.Stats()
		if made := s.server.Tick() - tick; made < 85 || after.Diverged != 0 || a.Err() != nil || b.Err() != nil {
			t.Errorf("in 3 s there were %d ticks, %d rows diverged, %v, %v", made, after.Diverged, a.Err(), b.Err())
		}
		if lacking := after.Repeated + after.Neutral - stats.Repeated - stats.Neutral; lacking > 2 {
			t.Errorf("%d inputs of two players were lacking", lacking)
		}
	})
}

// TestWhoLeavesAFrozenRoomWaitsForATick of the game, also when an edit makes one of its own.
func TestWhoLeavesAFrozenRoomWaitsForATick(t *testing.T) {
	simulate(t, 74, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		s.join()
		b := s.join()
		s.pass(time.Second)
		s.game.tickPanics.Store(1) // the leave of that tick is undone with it
		b.Close()
		for s.game.tickPanics.Load() != 0 {
			s.pass(time.Second / 30)
		}
		if err := s.server.Freeze(""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		if _, err := s.server.Edit(t.Context(), server.Change{Table: "unit", Field: "HP", Value: "7"}); err != nil {
			t.Fatal(err)
		}
		if err := s.server.Resume(""); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		if room := s.server.Rooms()[0]; room.Players != 1 || len(s.server.View().Players()) != 1 {
			t.Errorf("%d places are taken, and the game has players %v", room.Players, s.server.View().Players())
		}
	})
}

func TestTheServerSpeaksToPlayers(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	a, b := join(t, s, g), join(t, s, g)
	if n, err := s.Say("", a.Player(), "only you"); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if n, err := s.Say("", 0, "all of you"); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if n := s.SayAll("everybody"); n != 2 {
		t.Fatal(n)
	}
	for who, want := range map[*client.Client[stride]]string{a: "only you|all of you|everybody", b: "all of you|everybody"} {
		var got []string
		until(t, who, "the lines have come", func(*world.View) bool {
			for _, line := range who.Chat() {
				got = append(got, line.Text)
				if line.From != 0 {
					t.Errorf("%q is from player %d", line.Text, line.From)
				}
			}
			return len(got) >= strings.Count(want, "|")+1
		})
		if strings.Join(got, "|") != want {
			t.Errorf("player %d got %q, want %q", who.Player(), got, want)
		}
	}
}

func TestARoomIsClosedAndAServerDrained(t *testing.T) {
	g := newArena()
	s := serve(t, server.Config{Games: []world.Game{g}})
	c := join(t, s, g)
	s.Drain(true)
	if err := wantNoJoin(t, s, g); !errors.Is(err, client.ErrFull) || !strings.Contains(err.Error(), "about to stop") {
		t.Errorf("who comes to a server that is drained is told %v", err)
	}
	ticks(t, c, 5)
	if !s.Draining() || s.Stats().Drained != 1 {
		t.Errorf("draining %v, %d refused", s.Draining(), s.Stats().Drained)
	}
	s.Drain(false)
	other := join(t, s, g)
	if err := s.CloseRoom("", "new rules"); err != nil {
		t.Fatal(err)
	}
	for _, who := range []*client.Client[stride]{c, other} {
		<-who.Done()
		if err := who.Err(); !errors.Is(err, client.ErrRoomClosed) || !strings.Contains(err.Error(), "new rules") {
			t.Errorf("player %d was told %v", who.Player(), err)
		}
	}
	if err := s.CloseRoom("", ""); !errors.Is(err, server.ErrNoRoom) {
		t.Errorf("to close a room that has closed is answered by %v", err)
	}
}

// TestAnOverrunHasACause: the part of the tick that took the most.
func TestAnOverrunHasACause(t *testing.T) {
	simulate(t, 73, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		s.join()
		s.pass(time.Second)
		s.game.stall.Store(int64(100 * time.Millisecond))
		s.pass(time.Second)
		f := s.server.Figures()[0]
		if f.Overruns != 1 || f.Made != f.Tick {
			t.Errorf("%d overruns in %d ticks of %d", f.Overruns, f.Made, f.Tick)
		}
		var marked []server.TickTimes
		for _, tick := range f.Recent {
			if tick.Overran {
				marked = append(marked, tick)
			}
		}
		if len(marked) != 1 || marked[0].Step != 100*time.Millisecond || len(f.Recent) != int(f.Made) {
			t.Errorf("the ticks that overran are %+v, of %d", marked, len(f.Recent))
		}
		for _, p := range f.Parts {
			want := server.PartFigures{Name: p.Name}
			if p.Name == "tick" {
				want = server.PartFigures{Name: "tick", Total: 100 * time.Millisecond, Max: 100 * time.Millisecond, Overruns: 1}
			}
			if p != want {
				t.Errorf("%+v, want %+v", p, want)
			}
		}
		if q := f.Quantiles(0.5, 1); q[0] != 0 || q[1] != 100*time.Millisecond {
			t.Errorf("a tick takes %v, at most %v", q[0], q[1])
		}
		game := s.server.Games()[0]
		if game.Overruns != 1 || game.Rooms != 1 || game.Players != 1 || game.Tick.Sum != 100*time.Millisecond {
			t.Errorf("the game's figures are %+v", game)
		}
	})
}

func TestAPlayersFigures(t *testing.T) {
	simulate(t, 74, weather{delay: 30 * time.Millisecond}, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		c := s.join()
		s.wander(5 * time.Second)
		f := s.server.Sessions()[0]
		if f.Player != c.Player() || f.Addr != "10.0.1.1:5000" || f.Held || f.RoundTrip < 50*time.Millisecond || f.RoundTrip > 100*time.Millisecond {
			t.Errorf("%+v", f)
		}
		if f.AgeTicks < 1 || f.AgeTicks > 6 || f.Datagrams < 100 || f.Bytes < f.Datagrams || f.Inputs.Applied < 100 {
			t.Errorf("%+v", f)
		}
	})
}

// TestBytesAreCountedByTable: nothing but the datagrams' headers is missing, and what changes in a table counts there.
func TestBytesAreCountedByTable(t *testing.T) {
	simulate(t, 75, calm, server.Config{Games: []world.Game{newArena()}}, func(s *simulation) {
		t := s.t
		s.join()
		s.wander(5 * time.Second)
		s.tell(func(tx *world.Tx) { s.game.Flashes.Emit(tx, flash{X: 500, Y: 500, N: 1}, world.ToAll()) })
		s.rest()
		s.pass(3 * time.Second)
		read := func() (st server.SessionStats, of map[string]uint64) {
			st, of = s.server.Sessions()[0], map[string]uint64{}
			sum := st.EventBytes
			for _, table := range st.Tables {
				of[table.Table] = table.Bytes
				sum += table.Bytes
			}
			if sum+st.Datagrams*protocol.StateHeaderBytes != st.Bytes || s.server.Stats().Unsent != 0 {
				t.Errorf("%+v has %d bytes in tables and events", st, sum)
			}
			return st, of
		}
		st, before := read()
		if before["unit"] == 0 || before["stone"] == 0 || before["banner"] == 0 || st.EventBytes == 0 {
			t.Errorf("%+v", st)
		}
		text := strings.Repeat("long ", 40)
		if _, err := s.server.Edit(t.Context(), server.Change{Table: "banner", Field: "Text", Value: text}); err != nil {
			t.Fatal(err)
		}
		s.pass(time.Second)
		_, after := read()
		for table := range before {
			grown := after[table] - before[table]
			if changed := table == "banner"; changed != (grown >= uint64(len(text))) {
				t.Errorf("%s took %d bytes more after a banner has changed", table, grown)
			}
		}
	})
}
