package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/cli"
	"github.com/quicstep/quicstep/world"
)

// grindTime is how long every fifth tick of a mill takes, at the least.
const grindTime = 60 * time.Millisecond

// newMill is a game one of whose systems is slow.
func newMill() *world.GameOf[struct{ DX int8 }] {
	g := world.NewGame[struct{ DX int8 }]("mill")
	g.System("grind", func(tx *world.Tx) {
		for began := time.Now(); tx.Tick()%5 == 0 && time.Since(began) < grindTime; {
		}
	})
	return g
}

// captured is what capture prints as JSON.
type captured struct {
	Captures []struct {
		Room     string
		RoomName string `json:"room_name"`
		Parts    []string
		Ticks    []struct {
			Tick    uint64
			Blame   string
			Step    int64            `json:"step_us"`
			Parts   map[string]int64 `json:"parts_us"`
			Players int
		}
	}
}

// TestConsoleCapturesSlowTicks, on the terminal and into a file that it does not write over.
func TestConsoleCapturesSlowTicks(t *testing.T) {
	g := newMill()
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "admin")}
	run(t, "admin", "init", "--admin-dir", o.dir, "--name", "ann").wantCode(cli.ExitOK)
	o.program = start(t, cli.Config{Games: []world.Game{g}}, "serve", "--addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--admin-dir", o.dir)
	o.address = o.expect(&o.stdout, `operators at (127\.0\.0\.1:\d+);`)
	if text := o.console(cli.ExitOK, "capture").stdout.String(); !strings.Contains(text, "nothing is there") {
		t.Errorf("without a room it says %q", text)
	}
	pin, err := protocol.ParsePin(o.pin())
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Join(t.Context(), g, client.Config{Addr: o.addr(), Pins: [][32]byte{pin}, Room: "hill", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	for v := c.View(); v.Tick < 12; {
		if v, err = c.Next(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}

	var got captured
	o.read(&got, "capture", "hill")
	if len(got.Captures) != 1 || got.Captures[0].RoomName != "hill" || len(got.Captures[0].Ticks) == 0 {
		t.Fatalf("it prints %+v", got)
	}
	blamed := 0
	for _, at := range got.Captures[0].Ticks {
		if at.Blame == "grind" && at.Parts["grind"] >= grindTime.Microseconds() && at.Step >= at.Parts["grind"] && at.Tick%5 == 0 {
			blamed++
		}
	}
	if blamed == 0 {
		t.Errorf("nothing is blamed on what is slow: %+v", got.Captures[0].Ticks)
	}
	if text := o.console(cli.ExitOK, "capture").stdout.String(); !strings.HasPrefix(text, "ROOM") || !strings.Contains(text, "grind") {
		t.Errorf("as text it is %q", text)
	}

	file := filepath.Join(t.TempDir(), "slow.json")
	if text := o.console(cli.ExitOK, "capture", "--out", file).stdout.String(); !strings.Contains(text, file) {
		t.Errorf("it says %q", text)
	}
	saved, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(saved, &got) != nil || len(got.Captures) != 1 || len(got.Captures[0].Ticks) == 0 {
		t.Errorf("the file holds %s, %v", saved, err)
	}
	o.console(cli.ExitUsage, "capture", "--out", file)
	if again, err := os.ReadFile(file); err != nil || string(again) != string(saved) {
		t.Errorf("it is written over: %s, %v", again, err)
	}
	if text := o.console(cli.ExitOK, "capture", "--out", "-").stdout.String(); json.Unmarshal([]byte(text), &got) != nil {
		t.Errorf("on stdout it is %q", text)
	}
	other := filepath.Join(filepath.Dir(file), "other.json")
	o.console(cli.ExitNone, "capture", "nowhere", "--out", other)
	if _, err := os.Stat(other); err == nil {
		t.Error("a file is left although nothing came")
	}
	o.console(cli.ExitUsage, "capture", "hill", "--room", "valley")
	o.console(cli.ExitUsage, "capture", "--out", other, "--every", "1s")
	o.console(cli.ExitFailed, "capture", "--out", filepath.Join(filepath.Dir(file), "nowhere", "slow.json"))
}
