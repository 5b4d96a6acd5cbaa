package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server/cli"
)

// guarded is an office whose players have names.
type guarded struct {
	*office
	key string
}

func openGuarded(t *testing.T) *guarded {
	t.Helper()
	private, public := keyPair(t)
	return &guarded{openOfficeOf(t, "--game", "pong", "--auth-keys", public), private}
}

// enter joins as a user, and wants to be let in.
func (g *guarded) enter(user string) *client.Client[pong.Steer] {
	g.t.Helper()
	c, err := g.try(user)
	if err != nil {
		g.t.Fatalf("%s is told %v", user, err)
	}
	g.t.Cleanup(func() { c.Close() })
	return c
}

func (g *guarded) try(user string) (*client.Client[pong.Steer], error) {
	g.t.Helper()
	return client.Join(g.t.Context(), pong.New(), client.Config{Addr: g.addr(), Room: "court", Token: issue(g.t, "--key", g.key, "--user", user), Timeout: time.Minute})
}

// wantAway waits until a player is out, and wants to have been told why.
func wantAway(t *testing.T, c *client.Client[pong.Steer], why string) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Fatal("the player is still in")
	}
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("the player was told %v, want %q", err, why)
	}
}

// wantBanned wants somebody to be kept out.
func (g *guarded) wantBanned(user string) {
	g.t.Helper()
	if c, err := g.try(user); err == nil {
		c.Close()
		g.t.Errorf("%s is let in", user)
	} else if !strings.Contains(err.Error(), "banned") {
		g.t.Errorf("%s is told %v", user, err)
	}
}

// said runs a command, and wants what it prints to match.
func (o *office) said(want string, args ...string) {
	o.t.Helper()
	if text := o.console(cli.ExitOK, args...).stdout.String(); !regexp.MustCompile(want).MatchString(text) {
		o.t.Errorf("%v says %q, want %s", args, text, want)
	}
}

// TestBansAsCommands: of a player by name, where one is known, for a day unless told otherwise, of an address, and for a while.
func TestBansAsCommands(t *testing.T) {
	g := openGuarded(t)
	number := func(c *client.Client[pong.Steer]) string { return fmt.Sprint(c.Player()) }
	ann, ben := g.enter("ann"), g.enter("ben")
	g.said(`^ban 1 keeps "ann" out until 20\d\d-\d\d-\d\d \d\d:\d\dZ; 1 sent away\n$`, "ban", "--player", number(ann), "--reason", "aimbot")
	wantAway(t, ann, "aimbot")
	g.wantBanned("ann")
	var held struct {
		Bans []struct {
			User, Prefix, Reason string
			At, Until            int64
		}
	}
	g.read(&held, "bans")
	if len(held.Bans) != 1 || held.Bans[0].User != "ann" || held.Bans[0].Prefix != "" || held.Bans[0].Until-held.Bans[0].At < 86_390 || held.Bans[0].Until-held.Bans[0].At > 86_400 {
		t.Errorf("the bans are %+v", held)
	}
	g.said(`^ban 1 of "ann" is lifted`, "unban", "1")
	ann = g.enter("ann")

	g.said(`^ban 2 keeps 127\.0\.0\.1/32 out until .*; 2 sent away`, "ban", "--player", number(ben), "--by-address", "--for", "1h")
	wantAway(t, ben, "banned")
	wantAway(t, ann, "banned")
	g.wantBanned("carl")
	g.said(`is lifted`, "unban", "2")

	g.said(`^ban 3 keeps "carl" out for ever; 0 sent away`, "ban", "--user", "carl", "--for", "0s")
	g.wantBanned("carl")
	g.said(`is lifted`, "unban", "3")
	g.said(`^ban 4 keeps 127\.0\.0\.0/8 out until`, "ban", "127.0.0.0/8", "--for", "1s")
	for began := time.Now(); ; {
		c, err := g.try("dan") // until the second is over
		if err == nil {
			c.Close()
			break
		}
		if !strings.Contains(err.Error(), "banned") || time.Since(began) > patience {
			t.Fatalf("after a ban of a second dan is told %v", err)
		}
	}
	g.console(cli.ExitNone, "ban", "--player", "77")
	g.console(cli.ExitUsage, "ban", "--by-address")
	g.console(cli.ExitUsage, "ban", "--player", "1", "--user", "ann")
	g.console(cli.ExitUsage, "ban", "--user", "ann", "--for", "1ms")
	g.console(cli.ExitUsage, "ban", "--user", "ann", "--every", "1s")
}

// TestAPlayerWithoutANameIsBannedByAddress.
func TestAPlayerWithoutANameIsBannedByAddress(t *testing.T) {
	o := openOffice(t)
	c := o.join("court")
	o.said(`^ban 1 keeps 127\.0\.0\.1/32 out until`, "ban", "--player", fmt.Sprint(c.Player()), "--room", "court")
	wantAway(t, c, "banned")
}

// TestTheOtherActsAsCommands has each of them done, and asks the server whether it was.
func TestTheOtherActsAsCommands(t *testing.T) {
	o := openOffice(t)
	c := o.join("court")
	player := fmt.Sprint(c.Player())
	every := func() int {
		var rooms struct{ Rooms []struct{ Every int } }
		o.read(&rooms, "rooms")
		return rooms.Rooms[0].Every
	}
	o.said("a tick takes 4 periods", "slow", "4")
	if n := every(); n != 4 {
		t.Errorf("slowed by 4 it goes by %d", n)
	}
	o.console(cli.ExitOK, "resume")
	if n := every(); n != 1 {
		t.Errorf("resumed it goes by %d", n)
	}

	var players struct {
		Players []struct {
			Impaired *struct {
				Loss float64
				By   string
			}
		}
	}
	o.said("100ms more round trip, ±20ms, and loses 5 % of datagrams, for 30 s", "impair", player, "--delay", "100ms", "--jitter", "20ms", "--loss", "0.05", "--for", "30s")
	o.read(&players, "players")
	if i := players.Players[0].Impaired; i == nil || i.Loss != 0.05 || i.By != "ann" {
		t.Errorf("the link is %+v", i)
	}
	o.said(`\+100 ms ±20, 5 % lost, by ann`, "players")
	o.said("is as it was", "impair", player, "--off")
	players.Players = nil
	o.read(&players, "players")
	if i := players.Players[0].Impaired; i != nil {
		t.Errorf("the link is %+v", i)
	}
	for _, wrong := range [][]string{{"--off", "--delay", "1ms"}, {}, {"--delay", "11s"}, {"--jitter=-1ms"}, {"--loss", "1.1"}, {"--loss", "NaN"}, {"--delay", "1ms", "--for", "2h"}} {
		o.console(cli.ExitUsage, append([]string{"impair", player}, wrong...)...)
	}

	o.said("nobody new comes in", "drain")
	o.said("draining", "health")
	if _, err := client.Join(t.Context(), pong.New(), client.Config{Addr: o.addr(), Room: "court", Timeout: time.Minute}); err == nil {
		t.Error("a newcomer is let into a server that drains")
	}
	o.said("newcomers come in again", "undrain")
	o.join("court")
	o.said("the log level was INFO and is DEBUG", "log-level", "debug")
	o.expect(&o.stderr, `(log-level)`)
	o.said("said to 1 players", "say", "hello", "--player", player)
	o.said(`(?s)PART.*SENT OF.*paddle`, "room")

	o.said("the room closes", "close", "--reason", "new rules")
	wantAway(t, c, "new rules")
	o.console(cli.ExitUsage, "drain", "--every", "1s")
}

// TestAProfileIsAFileOfItsOwn: of one that is there nothing is touched, and a bad path costs no profile.
func TestAProfileIsAFileOfItsOwn(t *testing.T) {
	o := openOffice(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "cpu.pprof")
	o.said(regexp.QuoteMeta(file)+": 1 s, ", "profile", "--for", "1s", "--out", file)
	before, err := os.Stat(file)
	if err != nil || before.Size() < 100 || runtime.GOOS != "windows" && before.Mode().Perm() != 0o600 {
		t.Errorf("the profile is %v, %v", before, err)
	}
	for _, bad := range []string{file, filepath.Join(dir, "none", "cpu.pprof")} {
		if p := o.console(cli.ExitUsage, "profile", "--for", "30s", "--out", bad); !strings.Contains(p.stderr.String(), "--out") {
			t.Errorf("%s: it says %q", bad, p.stderr.String())
		}
	}
	if after, err := os.Stat(file); err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file that was there became %v, %v", after, err)
	}
	trace := filepath.Join(dir, "trace")
	p := start(t, cli.Config{}, "console", "--profile", filepath.Join(o.dir, "console.json"), "--door", o.address, "profile", "--kind", "trace", "--for", "30s", "--out", trace)
	for began := time.Now(); ; runtime.Gosched() {
		if _, err := os.Stat(trace); err == nil {
			break
		}
		if time.Since(began) > patience {
			t.Fatal("the file is not made before the profile")
		}
	}
	p.stop()
	if p.code == cli.ExitOK {
		t.Error("given up in the middle, it says that all went well")
	}
	if _, err := os.Stat(trace); err == nil {
		t.Error("nothing came, and the file is left")
	}
}

// TestConsoleAsksAgainAndAgain until a signal; when the server goes it says so.
func TestConsoleAsksAgainAndAgain(t *testing.T) {
	o := openOffice(t)
	o.join("court")
	again := func() *program {
		p := start(t, cli.Config{}, "console", "--profile", filepath.Join(o.dir, "console.json"), "--door", o.address, "rooms", "--every", "100ms", "--json")
		p.expect(&p.stdout, `(?s)("rooms").*"court".*"rooms".*"court"`)
		return p
	}
	p := again()
	p.stop()
	p.wantCode(cli.ExitOK)
	p = again()
	o.stop()
	p.expectCode(cli.ExitUnreachable)
}

// TestAnActWithoutAnAnswerIsNotCalledUndone: it has an exit code of its own, and a word that says so.
func TestAnActWithoutAnAnswerIsNotCalledUndone(t *testing.T) {
	o := openOffice(t)
	o.join("court")
	tick := func() uint64 {
		var rooms struct{ Rooms []struct{ Tick uint64 } }
		o.read(&rooms, "rooms")
		return rooms.Rooms[0].Tick
	}
	o.console(cli.ExitOK, "freeze")
	before := tick()
	for now := tick(); now != before; now = tick() { // the tick in which it comes to stand
		before = now
	}
	p := start(t, cli.Config{}, "console", "--profile", filepath.Join(o.dir, "console.json"), "--door", o.address, "step", "5000")
	for began := time.Now(); tick() < before+3; {
		if time.Since(began) > patience {
			t.Fatal("the room does not step")
		}
	}
	p.stop() // as by Ctrl-C
	p.wantCode(cli.ExitUnknown)
	if text := p.stderr.String(); !strings.Contains(text, "not known") || !strings.Contains(text, "audit log") {
		t.Errorf("it says %q", text)
	}
}

// TestConsoleFindsItsCredentials where admin init leaves them, unless others can read them.
func TestConsoleFindsItsCredentials(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	run(t, "admin", "init", "--name", "ann").wantCode(cli.ExitOK)
	s := serve(t, "--game", "pong", "--admin-addr", "127.0.0.1:0")
	door := s.expect(&s.stdout, `operators at (127\.0\.0\.1:\d+);`)
	p := run(t, "console", "--door", door, "health")
	p.wantCode(cli.ExitOK)
	if !strings.Contains(p.stdout.String(), "all is well") {
		t.Errorf("it says %q", p.stdout.String())
	}
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(config, "quicstep", "admin", "console.json")
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	p = run(t, "console", "--door", door, "health")
	p.wantCode(cli.ExitDenied)
	if !strings.Contains(p.stderr.String(), "chmod 600 "+file) {
		t.Errorf("it says %q", p.stderr.String())
	}
}
