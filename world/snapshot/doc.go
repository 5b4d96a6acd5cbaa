// Package snapshot turns a world into bytes and back: Save and Load, or Encode and Decode for a state that
// has been exported already. A world that was loaded goes on exactly as the saved one would have.
//
// A snapshot is one msgpack array, [magic, version, length, layout, state, checksum], which any msgpack
// library can read:
//
//	magic     "quicstep-snapshot"
//	version   Version
//	length    of all bytes, from the array's head to the checksum's end; always nine bytes long
//	layout    the game's layout, see world.LayoutOf; always nine bytes long
//	state     [tick, period, last, started, room, players, tables], period in nanoseconds
//	checksum  the CRC-32C of everything before it; always five bytes long
//
//	player    [number, user, role, team, rights, x, y, radius]
//	table     [page…], in the order of their numbers
//	page      [used, changed, generations, rows], used with a bit for each row that is there
//	row       [owner, team, weight, dirty, rights, columns, base, values, texts]
//	base      [tick, position, velocity, position, velocity…]; empty without dead-reckoned fields
//
// Ticks are written so that they are short: changed, dirty, a base's tick and a player's rights as the number of ticks
// that have passed since; a row's rights and its columns as the number of ticks before dirty. All of these are
// differences modulo 2³². Values are numbers as the bits that State holds, written as signed integers.
//
// A state has one form in bytes only: integers and lengths stand in their shortest form, but for those named
// above, and Decode refuses any other. What Decode accepts, Encode writes again byte for byte.
//
// Snapshots come from disks and from other machines, so nothing in them is trusted before it was compared
// with what is there. Decode takes no more memory than a small multiple of the bytes that it is given. Load
// builds the game's pages too, so load only what your own servers have saved: the checksum finds damage, and
// stops nobody who wants to deceive.
//
// Read snapshot.go first, then encode.go; reader.go is the strict reading of msgpack.
package snapshot
