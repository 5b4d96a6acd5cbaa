package world

// Bounds of who a player is, in bytes.
const (
	MaxUser = 255
	MaxRole = 64
)
