package typescript_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server/cli/typescript"
	"github.com/quicstep/quicstep/world"
)

var update = flag.Bool("update", false, "write the generated files anew")

// vec is within rows and inputs.
type vec struct {
	X float32 `net:"range=0:10,step=0.5"`
	Y float32 `net:"range=0:10,step=0.5"`
}

type cell struct {
	Full  bool
	Count uint8
}

// Order is a row and an input.
type Order struct {
	At    vec
	What  int8 `net:"range=-1:1"`
	Sites [2]vec
}

type pair[T any] struct{ Left, Right T }

// everything is a row of all that a row may have.
type everything struct {
	At      vec
	Hidden  vec `net:"owner"`
	Cells   [2]cell
	Grid    [2][3]uint8
	Slots   [17]world.ID
	Born    uint64
	Safe    int64  `net:"range=-1:9007199254740990"`
	Unsafe  int64  `net:"range=0:9007199254740992"`
	Mine    bool   `net:"owner"`
	Ours    string `net:"max=8,team"`
	Debt    int64  `net:"owner"`
	Inner   struct{ Deep uint8 }
	Pair    pair[int8]
	Secret  vec `net:"-"`
	Nothing [0]uint8
	private int `net:"-"` //lint:ignore U1000 it is here to be left out
}

type nothing struct{}

// odd is a game that uses everything, and whose names are no good ones.
func odd() world.Game {
	g := world.NewGame[Order]("new")
	world.AddTable[everything](g, "every thing")
	world.AddTable[Order](g, "order", world.ShownAs(world.Extrapolate), world.Teleport(2.5))
	world.AddSingleton(g, "7", nothing{})
	world.AddEvent[cell](g, "cell")
	world.AddMessage[nothing](g, `"quoted"`)
	world.AddRequest(g, "ask", func(_ *world.Tx, _ world.Player, ask vec) (Order, error) { return Order{At: ask}, nil })
	return g
}

// TestGolden compares files that are kept, which the tests of clients/ts compile.
func TestGolden(t *testing.T) {
	const module = "../../src/index.js"
	for path, c := range map[string]typescript.Config{
		"../../../clients/ts/test/games/odd.ts":   {Game: odd(), Command: "odd gen ts", Import: module},
		"../../../clients/ts/test/games/pong.ts":  {Game: pong.New(), Command: "quicstep gen ts --game pong", Import: module},
		"../../../clients/ts/test/games/arena.ts": {Game: arena.New(arena.Config{}), Command: "quicstep gen ts --game arena", Import: module},
		"../../../examples/arena/web/arena.ts":    {Game: arena.New(arena.Config{}), Command: "quicstep gen ts --game arena"},
	} {
		got, err := typescript.Generate(c)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the game says: write it with make generate\n%s", path, got)
		}
	}
}

func TestABrokenDefinitionIsAnError(t *testing.T) {
	g := world.NewGame[nothing]("broken")
	world.AddTable[struct{ Names []string }](g, "list")
	if _, err := typescript.Generate(typescript.Config{Game: g, Command: "broken gen ts"}); err == nil || !strings.Contains(err.Error(), "Names is of kind slice") {
		t.Errorf("the error is %v, want one that names the field", err)
	}
}
