package world

// Bounds of who a player is, in bytes.
const (
	MaxUser = 255
	MaxRole = 64
)

// User is who a player is, as the server found when it joined: the same name for the same person, in every room and also
// next week. It is empty for nobody in particular, when there is no such player, and on a client, which knows of nobody.
func (tx *Tx) User(p Player) string {
	tx.check()
	if pl := tx.state.player(p); pl != nil {
		return pl.user
	}
	return ""
}

// Role is what a player may do, in the words of whoever lets players in, such as "referee"; empty as for User. It stays as
// it was at the join.
func (tx *Tx) Role(p Player) string {
	tx.check()
	if pl := tx.state.player(p); pl != nil {
		return pl.role
	}
	return ""
}
