package browser

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// trouble is something that is wrong, and what the page must say of it: all of these texts.
type trouble struct {
	name  string
	spoil func(p *path)
	says  []string
}

// TestThePageSaysWhatIsWrong: and what to do.
func TestThePageSaysWhatIsWrong(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{})
	elsewhere := "https://elsewhere.example"
	change := func(pairs ...string) func(p *path) {
		return func(p *path) { p.info.Store(strings.NewReplacer(pairs...)) }
	}
	at := func(config server.Config) func(p *path) {
		addr := start(t, config).Addr().String()
		return func(p *path) { p.game.Store(&addr); p.dark.Store(true) }
	}
	refusing, other := stranger(errors.New("you were banned yesterday")), stranger(nil)
	for _, c := range []trouble{
		{"nobody there", func(p *path) { p.gone.Store(true); p.dark.Store(true) }, []string{"can't be reached", "make run"}},
		{"another protocol", change(`"protocol":1`, `"protocol":99`), []string{"don't fit", "version 99", "update the server"}},
		{"another game", change(`"arena"`, `"chess"`), []string{"does not let you in", "it runs chess"}},
		{"other tables", at(server.Config{Games: []world.Game{other}}), []string{"don't fit", "ship", "update the server"}},
		{"refused by the game", at(server.Config{Games: []world.Game{refusing}}), []string{"does not let you in", "you were banned yesterday"}},
		{"a page from elsewhere", func(p *path) { p.origin.Store(&elsewhere); p.dark.Store(true) }, []string{"can't be reached", "--origin http://127.0.0.1:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			way := newPath(t, s.Addr().String())
			c.spoil(way)
			b.wantTrouble(t, c, way.url())
		})
	}
}

// TestThePageSaysThatTheServerIsFull where one player has the only place.
func TestThePageSaysThatTheServerIsFull(t *testing.T) {
	b := launch(t)
	s := start(t, server.Config{Games: []world.Game{arena.New(arena.Config{})}, Limits: server.Limits{MaxRooms: 1, MaxPlayers: 1}})
	b.open("first", s.URL()).wait(flying)
	b.wantTrouble(t, trouble{name: "full", says: []string{"room is full", "choose another room"}}, s.URL())
}

// TestThePageSaysThatTheCertificateHasExpired when there is no other way than by WebTransport.
func TestThePageSaysThatTheCertificateHasExpired(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{})
	old, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: time.Now().Add(-20 * 24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	expired := start(t, server.Config{Games: []world.Game{arena.New(arena.Config{})}, Certificate: &old, AnyoneMayJoin: true})
	way := newPath(t, expired.Addr().String())
	page := s.Addr().String()
	way.all.Store(&page)
	way.info.Store(strings.NewReplacer(protocol.FormatPin(s.Pin()), protocol.FormatPin(sha256.Sum256(old.Certificate[0])), `"websocket"`, `"shut"`))
	b.wantTrouble(t, trouble{name: "expired", says: []string{"certificate is not valid", "Reload the page"}}, way.url())
}

// TestATokenThatIsNotKnownIsRefused: who wants to go on as a player that the server does not hold is told so.
func TestATokenThatIsNotKnownIsRefused(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{})
	p := b.open("token", s.URL())
	p.do(order{Do: "sdk"}, nil)
	for _, only := range []bool{true, false} {
		var got string
		p.eval(fmt.Sprintf(`sdk.join(sdk.arena, {resume: new Uint8Array(32), onlyResume: %v, timeout: 60000})
			.then((c) => c.close().then(() => "joined " + c.resumed), (e) => e.code + ": " + e.message)`, only), &got)
		if want := map[bool]string{true: "expired: ", false: "joined false"}[only]; !strings.HasPrefix(got, want) {
			t.Errorf("with nothing but the token: %v; the answer is %q, want %q", only, got, want)
		}
		t.Logf("%q", got)
	}
}

// wantTrouble opens a page, and wants it to say what is wrong.
func (c *chromium) wantTrouble(t *testing.T, what trouble, url string) {
	t.Helper()
	p := c.open(strings.ReplaceAll(what.name, " ", "-"), url)
	p.wait(`!document.querySelector("#trouble").hidden`)
	var text string
	p.eval(`document.querySelector("#trouble").innerText`, &text)
	t.Logf("%q", text)
	for _, want := range what.says {
		if !strings.Contains(text, want) {
			t.Errorf("the page says %q, want %q in it", text, want)
		}
	}
	p.screenshot("trouble")
	p.wantNothingWrong()
	p.do(order{Do: "close"}, nil)
}

// stranger is a game that calls itself arena and is another one. Who joins is refused by an error.
func stranger(refusal error) world.Game {
	g := world.NewGame[arena.Steer]("arena")
	world.AddTable[struct{ Anchor bool }](g, "ship")
	g.OnJoin(func(*world.Tx, world.Player) error { return refusal })
	return g
}
