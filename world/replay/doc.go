// Package replay records a room's commands, tick by tick, and plays them again: the same commands from the
// same snapshot give the same state, so a log of some bytes a tick is the whole game. Where the hashes of
// recorded and played state differ, something was not deterministic, and Verify names the first such tick.
//
// A log begins with a snapshot; a world that has made no tick yet can be saved too. A Recorder writes it,
// Open and Player.Next play it, Verify plays all of it and reports.
//
// A log is a row of msgpack bin values, which any msgpack library can read one after the other. Each is a
// frame, written with its length in four bytes:
//
//	the first frame   [magic, version, every, checksum]
//	the second frame  a snapshot, as package snapshot writes it
//	any more          [tick, flags, commands, hash, checksum], in the order of ticks, none left out
//
//	magic      "quicstep-replay"
//	version    Version
//	every      how often a tick has its hash: when it is a multiple of every
//	flags      1 when the record has a hash, 2 when the game panicked and the tick was undone
//	commands   as world.Commands.Append writes them
//	hash       View.Hash after the tick; zero without
//	checksum   the CRC-32C of the frame before it; always five bytes long
//
// A crash may cut the last record short. Whatever is whole is played; then Next returns a *CutError, and
// Verify says in its report where the cut is.
//
// Read record.go first, then play.go and verify.go; frame.go has the limits and the bytes.
package replay
