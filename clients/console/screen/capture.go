package screen

import (
	"fmt"

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

// save writes what an answer has into a file that is not there yet, and says so in its text: slow ticks as JSON, and
// otherwise the data of a profile.
func save(path string, a *admin.Answer) error {
	data := a.Data
	if a.Captures != nil {
		text, err := console.JSON(*a)
		if err != nil {
			return err
		}
		data, a.Text = append(text, '\n'), fmt.Sprintf("%d ticks that took too long", console.SlowTicks(a.Captures))
	}
	if err := writeNew(path, data); err != nil {
		return err
	}
	a.Text = fmt.Sprintf("%s: %s", path, a.Text)
	return nil
}
