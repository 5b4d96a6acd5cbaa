package arena

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/quicstep/quicstep/world"
)

// Rename asks for another name.
type Rename struct {
	Name string `net:"max=64"` // more than is allowed, so that the game says what is
}

// Renamed tells the name that a ship has got.
type Renamed struct {
	Name string `net:"max=16"`
}

// rename gives a player's ship another name, unless another ship has it.
func (g *Arena) rename(tx *world.Tx, p world.Player, ask Rename) (Renamed, error) {
	name := strings.TrimSpace(ask.Name)
	if name == "" || len(name) > 16 {
		return Renamed{}, fmt.Errorf("the name has %d bytes; 1 to 16 are possible", len(name))
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return Renamed{}, errors.New("the name has characters that nobody can see")
	}
	if g.taken(tx, p, name) {
		return Renamed{}, fmt.Errorf("somebody is called %s already", name)
	}
	for id := range g.Ships.Owned(tx, p) {
		g.Ships.Edit(tx, id).Name = name
	}
	return Renamed{name}, nil
}

// taken tells whether the ship of another player than p has a name, in whatever case.
func (g *Arena) taken(tx *world.Tx, p world.Player, name string) bool {
	for id, s := range g.Ships.All(tx) {
		if strings.EqualFold(s.Name, name) && g.Ships.OwnerOf(tx, id) != p {
			return true
		}
	}
	return false
}

// freeName is what a player is called at first.
func (g *Arena) freeName(tx *world.Tx, p world.Player) string {
	for n := p; ; n++ {
		if name := fmt.Sprintf("pilot %d", n); !g.taken(tx, p, name) {
			return name
		}
	}
}
