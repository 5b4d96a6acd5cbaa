package cli_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/server/cli"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// vectors is what a test reads of the file.
type vectors struct {
	Game  string
	Cases []struct {
		Name          string
		Known, Own    []json.RawMessage
		Inputs, After []json.RawMessage
	}
}

// TestGenVectorsWritesTheGoldenSteps holds the files by which clients/ts tests its steps against the games.
func TestGenVectorsWritesTheGoldenSteps(t *testing.T) {
	for game, cases := range map[string]string{"arena": "100", "pong": "40"} {
		p := run(t, "gen", "vectors", "--game", game, "--cases", cases)
		p.wantCode(cli.ExitOK)
		golden := filepath.Join("..", "..", "testdata", "steps", game+".json")
		if *update {
			if err := os.WriteFile(golden, []byte(p.stdout.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if p.stdout.String() != string(want) {
			t.Errorf("%s is not what the game does: write it with go test ./server/cli -run Golden -update, and look at what differs", golden)
		}
		var v vectors
		if err := json.Unmarshal(want, &v); err != nil {
			t.Fatal(err)
		}
		edges, runs := 0, 0
		for _, c := range v.Cases {
			if len(c.Own) == 0 || len(c.Inputs) == 0 || len(c.Inputs) != len(c.After) || len(c.Known) == 0 {
				t.Errorf("%s, %s: %d own rows, %d known, %d inputs, %d states after", game, c.Name, len(c.Own), len(c.Known), len(c.Inputs), len(c.After))
			}
			if strings.Contains(c.Name, "edges") {
				edges++
			}
			if len(c.Inputs) >= 20 {
				runs++
			}
		}
		if edges < 10 || runs < 8 {
			t.Errorf("%s has %d cases at the edges and %d runs", game, edges, runs)
		}
	}
}

func TestGenVectorsSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ cases, game, want string }{
		{"0", "pong", "--cases: 1 to 10000"}, {"10001", "pong", "--cases: 1 to 10000"}, {"5", "chess", `there is no "chess"`},
	} {
		p := run(t, "gen", "vectors", "--cases", c.cases, "--game", c.game)
		p.wantCode(cli.ExitUsage)
		if got := p.stderr.String(); !strings.Contains(got, c.want) {
			t.Errorf("--cases %s --game %s: it says %q, want %q", c.cases, c.game, got, c.want)
		}
	}
}
