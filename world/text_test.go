package world_test

import (
	"strings"
	"testing"

	"github.com/quicstep/quicstep/world"
)

type signature struct {
	Name string `net:"max=20"`
}

// TestInputsHaveTextsThatMayTravel: servers refuse others, so that whoever sends them is told which field it is.
func TestInputsHaveTextsThatMayTravel(t *testing.T) {
	g := world.NewGame[signature]("letters")
	sign := world.AddRequest(g, "sign", func(_ *world.Tx, _ world.Player, ask signature) (signature, error) { return ask, nil })
	for _, text := range []string{"a\nb", "ad\u200bmin", "cafe\u0301"} {
		for what, send := range map[string]func(signature) error{
			"an input":  func(s signature) error { _, err := g.AppendInput(nil, s); return err },
			"a request": func(s signature) error { _, err := sign.AppendAsk(nil, s); return err },
		} {
			if err := send(signature{text}); err == nil || !strings.Contains(err.Error(), "Name") || !strings.Contains(err.Error(), "plain.Clean") {
				t.Errorf("%s with the text %+q: %v, want the field's name and what to do", what, text, err)
			}
			if err := send(signature{"caf\u00e9"}); err != nil {
				t.Errorf("%s with a good text: %v", what, err)
			}
		}
	}
}
