package main

import (
	"os"
	"testing"
	"time"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/server/cli"
)

// asServer is the environment variable by which this test binary is the server, of an arena that holds nobody for long.
const asServer = "QUICSTEP_SOAK_AS_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		g := arena.New(arena.Config{})
		g.SetHoldSeconds(1)
		cli.Main(g)
	}
	os.Exit(m.Run())
}

// TestASoakInShort is the whole of it but for the slope, with times that are a tenth of a server's.
func TestASoakInShort(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := settings{
		Time: 3 * time.Second, Warmup: 1500 * time.Millisecond, Bots: 24, Stint: time.Second,
		Program: program, Env: []string{asServer + "=1"}, Folder: t.TempDir(),
		Idle: time.Second, Hold: time.Second, Empty: time.Second, Settle: 1500 * time.Millisecond,
		ActEvery: 50 * time.Millisecond, Report: time.Second, NoSlope: true, Out: t.Output(),
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if err := soak(t.Context(), s); err != nil {
		t.Error(err)
	}
}
