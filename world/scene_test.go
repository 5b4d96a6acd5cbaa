package world_test

import (
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

func TestASceneShowsWhatIsReckonedAtTheMoment(t *testing.T) {
	type bird struct {
		X  float32 `net:"range=0:1000,step=0.1,reckon=VX,tolerance=0.5"`
		VX float32 `net:"range=-100:100,step=0.5"`
	}
	g := &struct{ *world.GameOf[struct{}] }{world.NewGame[struct{}]("g")}
	birds := world.AddTable[bird](g, "bird", world.ShownAs(world.Interpolate))
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	sc, err := world.NewScene(g, 1, 1e9/10)
	if err != nil {
		t.Fatal(err)
	}
	tb := s.Tables[0]
	words := make([]uint32, len(tb.Columns))
	base := tb.Group.Base(words)
	base[0], base[1], base[2] = 90, 5000, 220 // x 500, 10 a second
	id := schema.MakeID(3, 1)
	for _, c := range []struct {
		tick uint64
		part int
		want float32
	}{{90, 0, 500}, {94, 0, 504}, {94, 64, 504.5}} {
		at := world.MomentOf(c.tick, c.part)
		sc.Show(0, id, nil, &world.Span{From: world.Record{Tick: 90, Words: words}}, at)
		if got, ok := birds.Get(sc.View(at), id); !ok || got.X != c.want {
			t.Errorf("at %d and %d parts it is shown at %v, want %v", c.tick, c.part, got.X, c.want)
		}
	}
}
