package attack

import (
	"context"
	"strings"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/protocol"
)

// tokens says hello with resume tokens of nobody: random ones, all of the same byte, too short ones.
var tokens = Attack{
	Name: "tokens", Says: "resume tokens that are nobody's",
	PerSecond: 300, Unit: "hellos", Counters: []string{"resumes_refused"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 16, func(ctx context.Context) error {
			token := a.fill(make([]byte, 1+a.draw(protocol.MaxResumeToken)))
			if a.draw(4) == 0 {
				token = make([]byte, 32)
			}
			p, err := a.join(ctx, how{}, protocol.Hello{Resume: token, HasReplica: a.draw(2) == 0})
			if err == nil {
				p.close()
			}
			return err
		})
		return nil
	},
}

// joins has players join and leave at once, half of them without a word, so that they are held.
var joins = Attack{
	Name: "joins", Says: "players who join and are gone at once, half of them without a word",
	PerSecond: 300, Unit: "joins", Counters: []string{"joined"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 32, func(ctx context.Context) error {
			p, err := a.join(ctx, how{}, protocol.Hello{})
			if err != nil {
				return err
			}
			if a.draw(2) == 0 {
				p.vanish()
				return nil
			}
			p.say(protocol.AppendGoodbye(nil, protocol.Goodbye{}))
			p.close()
			return nil
		})
		return nil
	},
}

// rooms makes rooms without end, private ones and public ones with a new name each, and asks for lists of them.
var rooms = Attack{
	Name: "rooms", Says: "rooms made without end, private ones and public ones, and lists of them asked for",
	PerSecond: 200, Unit: "rooms", Counters: []string{"rooms_opened"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 32, func(ctx context.Context) error {
			h := protocol.Hello{Join: protocol.CreatePrivate}
			if a.draw(2) == 0 {
				h = protocol.Hello{Room: string(letters(a.fill(make([]byte, 20))))}
			}
			p, err := a.dial(ctx, how{})
			if err != nil {
				return err
			}
			defer p.close()
			for range 4 {
				if err := p.say(protocol.AppendList(nil, protocol.List{})); err != nil {
					return err
				}
				if _, err := p.read(); err != nil {
					return err
				}
			}
			return a.hello(p, h)
		})
		return nil
	},
}

// letters turns bytes into letters.
func letters(b []byte) []byte {
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return b
}

// tricks are texts that are not what they seem.
var tricks = []string{
	"../../../../etc/passwd", "..\\..\\boot.ini", "/dev/zero", "C:\\con", "%s%s%s%n%x", "%!v(PANIC=)", "{{.}}", "${jndi:ldap://127.0.0.1/a}",
	"\x1b[2J\x1b[31m", "\x1b]0;owned\x07", "a\x00b", "line\nlevel=ERROR msg=\"forged\"", "\r\nSet-Cookie: a=b", "<script>alert(1)</script>", "'; DROP TABLE rooms; --",
	"\u202egnp.exe", "\u200b\u200b\u200b", "\ufeffname", "\U000e0041\U000e0042", "a" + strings.Repeat("\u0301", 30), "\xff\xfe\xfd", "\xed\xa0\x80", "\xc0\xaf",
	strings.Repeat("A", 5000), "", " ", "\u2028\u2029", "NaN", "-0", "1e999", "nil",
}

// names puts tricks wherever there is a text: the game, the room, a code, a new name, a line of chat, a goodbye.
var names = Attack{
	Name: "names", Says: "control characters, paths, formats and broken UTF-8 in names of rooms and players, and in chat",
	PerSecond: 500, Unit: "texts", Counters: []string{"rejected.bad_value"},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 16, func(ctx context.Context) error {
			p, err := a.dial(ctx, how{})
			if err != nil {
				return err
			}
			defer p.close()
			trick := tricks[a.draw(len(tricks))]
			if a.draw(2) == 0 {
				return p.say(rawHello(a, trick, a.draw(3)))
			}
			if err := a.hello(p, protocol.Hello{}); err != nil {
				return err
			}
			for range 4 {
				if err := p.say(a.rawText(tricks[a.draw(len(tricks))])); err != nil {
					return err
				}
			}
			p.read()
			return nil
		})
		return nil
	},
}

// rawHello is a hello that nothing has checked, with a text in one of its places.
func rawHello(a *Attacker, text string, place int) ([]byte, error) {
	game, room, join := a.schema.Game, "", int(protocol.JoinOrCreate)
	switch place {
	case 0:
		game = text
	case 1:
		room = text
	case 2:
		room, join = text, int(protocol.JoinPrivate)
	}
	return pack(int(protocol.KindHello), protocol.Version, game, a.schema.Hash(), []byte{}, room, join, []byte{}, 0)
}

// rawText is a message of somebody who has joined, that nothing has checked.
func (a *Attacker) rawText(text string) ([]byte, error) {
	switch a.draw(3) {
	case 0:
		return pack(int(protocol.KindSay), int(protocol.ScopeRoom), 0, text)
	case 1:
		return pack(int(protocol.KindGoodbye), 0, text)
	}
	return pack(int(protocol.KindRequest), a.draw(1<<20), 0, a.rename(text))
}

// pack writes an array as short as it can be.
func pack(fields ...any) ([]byte, error) {
	var b strings.Builder
	e := msgpack.NewEncoder(&b)
	e.UseCompactInts(true)
	err := e.Encode(fields)
	return []byte(b.String()), err
}
