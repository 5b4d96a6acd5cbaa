package client

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// fish is what the stage shows: its coordinates are gone along, so is its heading.
type fish struct {
	X    float32 `net:"range=0:1000,step=0.01,pos=x"`
	Y    float32 `net:"range=0:1000,step=0.01,pos=y"`
	Head float32 `net:"range=0:360,step=0.1,wrap"`
	Mood uint8
	Name string `net:"max=8"`
}

type pond struct {
	*world.GameOf[struct{}]
	fish world.Table[fish]
}

func newPond(options ...world.TableOption) *pond {
	g := &pond{GameOf: world.NewGame[struct{}]("pond")}
	g.fish = world.AddTable[fish](g, "fish", options...)
	return g
}

// swimmer is a fish of the stage: where it is at a tick, and every how many ticks a record tells of it.
type swimmer struct {
	at    func(tick uint64) (f fish, here bool)
	every uint64
}

// shown is what a frame shows of one swimmer.
type shown struct {
	at   float64 // the view time
	row  fish
	here bool
}

// stage runs a screen without a network: records arrive late, or not at all, and frames are drawn 120 times a second.
type stage struct {
	t        *testing.T
	game     *pond
	schema   *schema.Schema
	screen   *screen
	own      *world.Replica
	swimmers []swimmer
	lag      func(tick uint64) time.Duration
	lost     func(tick uint64) bool
	frames   [][]shown // per swimmer
}

func newStage(t *testing.T, g *pond, swimmers ...swimmer) *stage {
	t.Helper()
	s := &stage{
		t: t, game: g, swimmers: swimmers, frames: make([][]shown, len(swimmers)),
		lag: func(uint64) time.Duration { return 0 }, lost: func(uint64) bool { return false },
	}
	var err error
	if s.schema, err = world.SchemaOf(g); err != nil {
		t.Fatal(err)
	}
	if s.own, err = world.NewReplica(g, 1, testPeriod.Nanoseconds()); err != nil {
		t.Fatal(err)
	}
	if s.screen, err = newScreen(g, s.schema, 1, testPeriod); err != nil {
		t.Fatal(err)
	}
	return s
}

// datagram is one on its way.
type datagram struct {
	tick uint64
	due  time.Time
}

// run plays ticks from 1 on.
func (s *stage) run(ticks uint64) {
	began := time.Unix(1000, 0)
	var way []datagram
	for tick := uint64(1); tick <= ticks; tick++ {
		if !s.lost(tick) {
			way = append(way, datagram{tick, began.Add(time.Duration(tick)*testPeriod + s.lag(tick))})
		}
	}
	slices.SortFunc(way, func(a, b datagram) int { return a.due.Compare(b.due) })
	told := make([]uint64, len(s.swimmers)) // the tick of each one's newest record
	end := began.Add(time.Duration(ticks) * testPeriod)
	for now := began; now.Before(end); now = now.Add(time.Second / 120) {
		for len(way) > 0 && !way[0].due.After(now) {
			s.arrive(way[0], told)
			way = way[1:]
		}
		s.draw(now)
	}
}

// arrive brings the records of a tick, as far as they change something and are newer than those before.
func (s *stage) arrive(d datagram, told []uint64) {
	a := replica.Applied{}
	a.Header.Tick = d.tick
	wait := s.screen.least
	for i, sw := range s.swimmers {
		now, here := sw.at(d.tick)
		before, was := sw.at(told[i])
		if told[i] == 0 {
			was = false
		}
		if told[i] >= d.tick || here == was && now == before || was && here && (d.tick+uint64(i))%sw.every != 0 {
			continue
		}
		told[i] = d.tick
		ch := replica.Change{Table: 0, Index: uint32(i), Tick: uint32(d.tick), Removed: !here}
		row := replica.Row{}
		if here {
			row = s.row(now)
		}
		wait = max(wait, s.screen.tracks.changed(ch, row))
	}
	s.screen.time.heard(d.tick, wait, d.due)
}

// row is a fish as it travels.
func (s *stage) row(f fish) replica.Row {
	t := s.schema.Tables[0]
	out := replica.Row{Generation: 1, Class: schema.Public, Words: make([]uint32, len(t.Columns)), Texts: []string{f.Name}}
	for i, v := range []float32{f.X, f.Y, f.Head} {
		q, _ := t.Fields[i].QuantiseFloat(float64(v), false)
		t.Split(out.Words, t.FieldColumns(i, false), q)
	}
	t.Split(out.Words, t.FieldColumns(3, false), uint64(f.Mood))
	return out
}

func (s *stage) draw(now time.Time) {
	v := s.screen.draw(s.own, uint64(s.screen.time.newest), now)
	for i := range s.swimmers {
		row, here := s.game.fish.Get(v, schema.MakeID(uint32(i), 1))
		s.frames[i] = append(s.frames[i], shown{float64(s.screen.at) / world.MomentsPerTick, row, here})
	}
}

// straight is a fish that swims to the right, a unit a tick, for ever.
func straight(every uint64) swimmer {
	return swimmer{every: every, at: func(tick uint64) (fish, bool) { return fish{X: float32(tick), Y: 5, Name: "carp"}, true }}
}

// settled are the frames from a view time on.
func settled(frames []shown, from float64) []shown {
	for i := range frames {
		if frames[i].at >= from {
			return frames[i:]
		}
	}
	return nil
}

func TestLinearMotionIsShownAsALine(t *testing.T) {
	for _, c := range []struct {
		name   string
		jitter time.Duration
		loss   float64
	}{{"calm", 0, 0}, {"jitter", 60 * time.Millisecond, 0}, {"loss", 0, 0.05}, {"both", 60 * time.Millisecond, 0.05}} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, newPond(), straight(1), straight(2), straight(4))
			s.lag = func(tick uint64) time.Duration {
				return 40*time.Millisecond + time.Duration(rand.New(rand.NewPCG(tick, 1)).Float64()*float64(c.jitter))
			}
			s.lost = func(tick uint64) bool { return rand.New(rand.NewPCG(tick, 2)).Float64() < c.loss }
			s.run(900)
			for i, frames := range s.frames {
				frames = settled(frames, 60)
				off, worst, late := 0, 0.0, 0
				for n, f := range frames {
					if !f.here || f.row.Y != 5 || f.row.Name != "carp" {
						t.Fatalf("at %v the row is %+v, here: %v", f.at, f.row, f.here)
					}
					by := math.Abs(float64(f.row.X) - f.at)
					worst = max(worst, by)
					if by > 0.03 {
						off++
					}
					if n > 0 && f.row.X < frames[n-1].row.X {
						late++
					}
				}
				share := float64(off) / float64(len(frames))
				t.Logf("every %d ticks: %.2f %% of %d frames are off the line, at most by %.2f; the delay is %.2f ticks, and it ran dry %d times", s.swimmers[i].every, 100*share, len(frames), worst, s.screen.time.delay, s.screen.time.dries)
				if share > 0.06 || worst > 2*float64(s.swimmers[i].every) || late > 0 {
					t.Errorf("told every %d ticks, it is off the line in %.1f %% of the frames, at most by %.2f, and goes back in %d", s.swimmers[i].every, 100*share, worst, late)
				}
				if c.jitter == 0 && c.loss == 0 && off > 0 {
					t.Errorf("told every %d ticks on a calm network, it is off the line in %d frames", s.swimmers[i].every, off)
				}
			}
		})
	}
}

func TestAnAngleGoesTheShortWay(t *testing.T) {
	s := newStage(t, newPond(), swimmer{every: 1, at: func(tick uint64) (fish, bool) {
		return fish{X: float32(tick), Head: float32(math.Mod(float64(tick)*10, 360))}, true
	}})
	s.run(200)
	between := 0
	for _, f := range settled(s.frames[0], 40) {
		want := math.Mod(f.at*10, 360)
		if by := math.Abs(math.Remainder(float64(f.row.Head)-want, 360)); by > 0.2 {
			t.Fatalf("at %v it heads for %v, want %v", f.at, f.row.Head, want)
		}
		if want > 350 {
			between++
		}
	}
	if between == 0 {
		t.Error("no frame shows it between 350 and 360 degrees")
	}
}

func TestWhatRestedDoesNotSlideOverItsRest(t *testing.T) {
	s := newStage(t, newPond(), swimmer{every: 1, at: func(tick uint64) (fish, bool) {
		return fish{X: float32(min(tick, 50) + max(tick, 150) - 150)}, true
	}})
	s.run(300)
	for _, f := range settled(s.frames[0], 40) {
		want := min(f.at, 50) + max(f.at, 150) - 150
		if math.Abs(float64(f.row.X)-want) > 0.02 {
			t.Fatalf("at %v it is at %v, want %v", f.at, f.row.X, want)
		}
	}
}

func TestOneThatComesAndGoesDoesSoAtItsViewTime(t *testing.T) {
	s := newStage(t, newPond(), straight(1), swimmer{every: 1, at: func(tick uint64) (fish, bool) {
		return fish{X: float32(tick), Mood: uint8(tick / 60)}, tick >= 60 && tick < 120
	}})
	s.run(200)
	for _, f := range settled(s.frames[1], 20) {
		if want := f.at >= 60 && f.at < 120; f.here != want {
			t.Fatalf("at %v it is here: %v", f.at, f.here)
		}
		if f.here && f.row.Mood != 1 {
			t.Fatalf("at %v its mood is %d", f.at, f.row.Mood)
		}
	}
}

func TestExtrapolationIsBounded(t *testing.T) {
	for mode, most := range map[world.Mode]float64{world.Interpolate: 100, world.Extrapolate: 100 + world.ExtrapolateTicks, world.Latest: 100} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			s := newStage(t, newPond(world.ShownAs(mode)), straight(1))
			s.lost = func(tick uint64) bool { return tick > 100 }
			s.run(160)
			last := s.frames[0][len(s.frames[0])-1]
			if got := float64(last.row.X); math.Abs(got-most) > 0.05 || !last.here {
				t.Errorf("long after the last record, of tick 100, it is at %v, want %v", got, most)
			}
		})
	}
}

// TestOneThatIsToldMoreOftenThanIsKept is so far behind that the record of the moment that is shown is dropped.
func TestOneThatIsToldMoreOftenThanIsKept(t *testing.T) {
	s := newStage(t, newPond(), straight(1))
	s.run(100)
	row := func(tick uint64) replica.Row { return s.row(fish{X: float32(tick)}) }
	for tick := uint64(101); tick < 101+2*recordsKept; tick++ {
		s.screen.tracks.changed(replica.Change{Tick: uint32(tick)}, row(tick))
	}
	s.screen.tracks.show(s.screen.scene, world.MomentOf(110, 0), 200)
	got, here := s.game.fish.Get(s.screen.scene.View(world.MomentOf(110, 0)), schema.MakeID(0, 1))
	if oldest := float32(101 + recordsKept); !here || got.X != oldest {
		t.Errorf("at tick 110 it is shown at %v, want the oldest that is known, %v", got.X, oldest)
	}
}

func TestOwnRowsAreShownAsTheyAre(t *testing.T) {
	s := newStage(t, newPond())
	id := schema.MakeID(3, 1)
	put := func(tick uint64, class schema.Class, x float32) {
		row := s.row(fish{X: x})
		row.Class = class
		s.own.Put(0, id, class, row.Words, row.Texts)
		s.screen.tracks.changed(replica.Change{Index: 3, Tick: uint32(tick)}, row)
		s.screen.time.heard(tick, 1, time.Unix(1000, 0).Add(time.Duration(tick)*testPeriod))
	}
	look := func(tick uint64) (row fish, owner world.Player, here bool) {
		v := s.screen.draw(s.own, tick, time.Unix(1000, 0).Add(time.Duration(tick)*testPeriod))
		row, here = s.game.fish.Get(v, id)
		return row, s.game.fish.OwnerOf(v, id), here
	}
	for tick := uint64(1); tick < 20; tick++ {
		put(tick, schema.Public, float32(tick))
		if row, owner, here := look(tick); owner != 0 || !here || tick > 10 && row.X >= float32(tick) {
			t.Fatalf("in tick %d another's row is %+v, of %d, here: %v", tick, row, owner, here)
		}
	}
	for tick := uint64(20); tick < 40; tick++ {
		put(tick, schema.Own, float32(tick))
		if row, owner, here := look(tick); !here || owner != 1 || row.X != float32(tick) {
			t.Fatalf("in tick %d the own row is %+v, of %d, here: %v", tick, row, owner, here)
		}
	}
	put(40, schema.Public, 40)
	if row, owner, here := look(40); !here || owner != 0 || row.X != 40 {
		t.Fatalf("once it is nobody's the row is %+v, of %d, here: %v", row, owner, here)
	}
	s.own.Remove(0, 3)
	s.screen.tracks.changed(replica.Change{Index: 3, Tick: 41, Removed: true}, replica.Row{})
	if _, _, here := look(41); !here {
		t.Error("another's row is gone before its view time")
	}
	if _, _, here := look(60); here {
		t.Error("the row is still there long after it went")
	}
}
