package screen

import (
	"fmt"
	"io"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// askCapture asks for the file that gets a room's latest slow ticks.
func askCapture(m *model) []effect {
	id, name, ok := m.room()
	if !ok {
		return nil
	}
	return m.ask(func(v []string) (effect, string) {
		return effect{ask: admin.Request{Act: admin.ActCapture, Room: id}, file: v[0]}, fmt.Sprintf("save the slow ticks of %s into %s", name, v[0])
	}, question{"file, which must not be there yet", "slow-ticks.json", needed})
}

// save writes what belongs into a file of an answer: slow ticks as JSON, which its text then counts, and otherwise the data of a
// profile.
func save(into io.Writer, a *admin.Answer) error {
	data := a.Data
	if a.Captures != nil {
		text, err := console.JSON(*a)
		if err != nil {
			return err
		}
		data, a.Text = append(text, '\n'), fmt.Sprintf("%d ticks that took too long", console.SlowTicks(a.Captures))
	}
	_, err := into.Write(data)
	return err
}
